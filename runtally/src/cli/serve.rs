//! `runtally serve`: the whole system, kept running over one SQLite file.

use crate::invented::{Size, World};
use crate::result::CommandResult;
use crate::storage::Database;
use crate::system::{DATABASE, Ports, Served, Service, ServiceOptions, Services, System, is_real};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Options of `runtally serve`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder for the queues, the event log and the simulators' state
    #[arg(long, default_value = ".runtally")]
    data: PathBuf,
    /// Port of the webhook
    #[arg(long, default_value_t = 9100)]
    port: u16,
    #[command(flatten)]
    ports: Ports,
    /// Latency of the simulated Gemini
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// Runs the system until the process is stopped.
///
/// A service whose token is set in the environment (`AIRTABLE_TOKEN`, `APIFY_TOKEN`,
/// `GEMINI_API_KEY` or `VERTEX_SERVICE_ACCOUNT`) is the real one; the others are simulated.
///
/// # Errors
/// When a port is taken, or a variable is missing or wrong.
pub async fn run(options: &Options) -> CommandResult {
    // Bound before anything can send a webhook: an early one then waits for its answer.
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| {
            format!("port {} on 127.0.0.1 is not free for the webhook: {error}", options.port)
        })?;
    let address = listener.local_addr()?;
    std::fs::create_dir_all(&options.data)?;
    let database = Database::open(&options.data.join(DATABASE))?;
    let service_options = ServiceOptions {
        gemini_latency: std::time::Duration::from_millis(options.latency_ms),
        ports: options.ports,
        ..ServiceOptions::default()
    };
    let services = Services::start(&service_options, &database).await?;
    let world = World::invent(Size { leads: 60, clients: 2, seed: service_options.seed });
    let is_new = services.airtable.service().rows(world.master_base.as_str(), "Clients").is_err();
    if is_new {
        world.furnish(services.airtable.service())?;
    }
    let served = Served::new(&format!("http://{address}"), &services, &world);
    served.write(&options.data)?;
    let variable = |name| served.variable(name);
    let mut system = System::start(variable, &database, listener, fastrand::u64(..))?;
    let mut out = std::io::stdout();
    writeln!(out, "webhook   http://{address}/webhooks/apify")?;
    for (service, url, real) in [
        ("Airtable", &services.airtable_url, is_real(Service::Airtable)),
        ("Apify", &services.apify_url, is_real(Service::Apify)),
        ("Gemini", &services.gemini_url, is_real(Service::Gemini)),
    ] {
        let place = if real { "the real one" } else { url };
        writeln!(out, "{service:<9} {place}")?;
    }
    out.flush()?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        () = system.ended() => Err("a part of the system stopped; see the log".into()),
    }
}
