//! `runtally serve`: the whole system, kept running over one SQLite file.

use super::CommandResult;
use crate::invented::{Size, World};
use crate::services::{Ports, ServiceOptions, Services, tokens};
use crate::store::Database;
use crate::system::System;
use simulators::apify::DEFAULT_ACTOR;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Options of `runtally serve`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the queues, the event log and the simulators' state are kept
    #[arg(long, default_value = ".runtally")]
    data: PathBuf,
    /// Port of the webhook
    #[arg(long, default_value_t = 9100)]
    port: u16,
    #[command(flatten)]
    ports: Ports,
    /// How long the simulated Gemini takes for an answer
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// Runs the system until the process is stopped.
///
/// A service whose token is set in the environment (`AIRTABLE_TOKEN`, `APIFY_TOKEN`,
/// `GEMINI_API_KEY` or `VERTEX_SERVICE_ACCOUNT`) is the real one; each other is simulated.
///
/// # Errors
/// When a port is taken, or a variable is missing or wrong.
pub async fn run(options: &Options) -> CommandResult {
    // Before anything can send a webhook: one that comes early waits for its answer.
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| {
            format!("port {} on 127.0.0.1 is not free for the webhook: {error}", options.port)
        })?;
    let address = listener.local_addr()?;
    std::fs::create_dir_all(&options.data)?;
    let database = Database::open(&options.data.join("runtally.sqlite"))?;
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
    let defaults = simulated_defaults(&services, &world);
    let variable = |name: &'static str| std::env::var(name).ok().or_else(|| defaults(name));
    let mut system = System::start(variable, &database, listener, fastrand::u64(..))?;
    let mut out = std::io::stdout();
    writeln!(out, "webhook   http://{address}/webhooks/apify")?;
    for (service, url, real) in [
        ("Airtable", &services.airtable_url, is_set("AIRTABLE_TOKEN")),
        ("Apify", &services.apify_url, is_set("APIFY_TOKEN")),
        ("Gemini", &services.gemini_url, is_real_gemini()),
    ] {
        let place = if real { "the real one" } else { url };
        writeln!(out, "{service:<9} {place}")?;
    }
    out.flush()?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        () = system.ended() => Err("a part of the system ended by itself; see the log".into()),
    }
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !value.trim().is_empty())
}

fn is_real_gemini() -> bool {
    is_set("GEMINI_API_KEY") || is_set("VERTEX_SERVICE_ACCOUNT")
}

/// Points at the simulator of each service that no token is set for.
fn simulated_defaults(
    services: &Services,
    world: &World,
) -> impl Fn(&'static str) -> Option<String> + use<> {
    let mut defaults: Vec<(&'static str, String)> = Vec::new();
    if !is_set("AIRTABLE_TOKEN") {
        defaults.push(("AIRTABLE_API_URL", services.airtable_url.clone()));
        defaults.push(("AIRTABLE_TOKEN", tokens::AIRTABLE.to_owned()));
        defaults.push(("MASTER_BASE_ID", world.master_base.to_string()));
    }
    if !is_set("APIFY_TOKEN") {
        defaults.push(("APIFY_API_URL", services.apify_url.clone()));
        defaults.push(("APIFY_TOKEN", tokens::APIFY.to_owned()));
        defaults.push(("APIFY_ACTORS", DEFAULT_ACTOR.to_owned()));
    }
    if !is_real_gemini() {
        defaults.push(("GEMINI_API_URL", services.gemini_url.clone()));
        defaults.push(("GEMINI_API_KEY", tokens::GEMINI.to_owned()));
    }
    move |name| defaults.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
}
