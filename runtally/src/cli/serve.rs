//! `runtally serve`: the whole system, kept running over one SQLite file.

use super::stop_signals::StopSignals;
use crate::invented::{Size, World};
use crate::page::{Page, ReadRecords, ServiceState, Simulators, Source};
use crate::result::{CommandResult, Fault};
use crate::storage::{DataFolder, Database};
use crate::system::{
    DATABASE, Deployment, Front, Inside, Ports, Served, Service, ServiceOptions, Services, System,
};
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::clock::Clock;
use shared::services::airtable::Airtable;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
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
    /// Let a simulated Apify or Gemini work on a real Airtable: every record says SIMULATED then
    #[arg(long)]
    allow_simulated: bool,
}

/// Runs the system until SIGTERM or SIGINT; then it drains. A second signal ends it at once.
///
/// A service whose token is set in the environment (`AIRTABLE_TOKEN`, `APIFY_TOKEN`,
/// `GEMINI_API_KEY` or `VERTEX_SERVICE_ACCOUNT`) is the real one; the others are simulated.
///
/// # Errors
/// When a port is taken, a variable is missing or wrong, another server has the folder, or a real
/// Airtable would be filled by a simulated service.
pub async fn run(options: &Options) -> CommandResult {
    let simulated = simulated_beside_real_airtable();
    if !simulated.is_empty() && !options.allow_simulated {
        return Err(refusal(&simulated).into());
    }
    // Asked for first: process 1 of a container ignores a signal that it does not handle.
    let mut stop = StopSignals::new()?;
    // Bound before anything can send a webhook: an early one then waits for its answer.
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| {
            format!("port {} on 127.0.0.1 is not free for the webhook: {error}", options.port)
        })?;
    let address = listener.local_addr()?;
    let _folder = DataFolder::take(&options.data)?;
    let database = Database::open(&options.data.join(DATABASE))?;
    database.check()?;
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
    let names: Vec<&str> = simulated.iter().map(|service| service.name()).collect();
    let simulated = (!names.is_empty()).then(|| names.join(" and "));
    let variable = |name| match name {
        "SIMULATED_SERVICES" => simulated.clone(),
        _ => served.variable(name),
    };
    let front = |inside: &Inside| -> Result<Option<Front>, Fault> {
        let page = Page::new(shown(options, &services, &served, inside)?);
        Ok(Some(page.front()))
    };
    let seed = fastrand::u64(..);
    let mut system = System::start_behind(variable, &database, listener, seed, front)?;
    let mut out = std::io::stdout();
    writeln!(out, "page      http://{address}/")?;
    writeln!(out, "webhook   http://{address}/webhooks/apify")?;
    for (service, url) in Service::ALL.into_iter().zip([
        &services.airtable_url,
        &services.apify_url,
        &services.gemini_url,
    ]) {
        writeln!(out, "{:<9} {}", service.name(), place(service, url))?;
    }
    out.flush()?;
    tokio::select! {
        () = stop.asked() => {}
        () = system.ended() => return Err("a part of the system stopped; see the log".into()),
    }
    writeln!(out, "stopping: calls of the model that are in flight end first")?;
    tokio::select! {
        drained = system.drain() => drained?,
        () = stop.asked() => return Err("stopped at once; what was in flight is unobserved".into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a service is, in words.
fn place(service: Service, url: &str) -> &str {
    let place = if service.has_token() { "as the environment says" } else { url };
    if service.is_real() { "the real one" } else { place }
}

/// What the page shows, and acts on.
fn shown(
    options: &Options,
    services: &Services,
    served: &Served,
    inside: &Inside,
) -> Result<Source, Fault> {
    let variable = |name| served.variable(name);
    let config = AirtableConfig::read(&Vars::new(variable))?;
    let finalizer = metrics_finalizer::Config::read(variable)?;
    let place_of = |service: Service| match service {
        Service::Airtable => &services.airtable_url,
        Service::Apify => &services.apify_url,
        Service::Gemini => &services.gemini_url,
    };
    let states = Service::ALL.map(|service| ServiceState {
        name: service.name(),
        is_real: service.is_real(),
        place: place(service, place_of(service)).to_owned(),
    });
    let is_simulated = |service: Service| !service.has_token();
    let path = options.data.join(DATABASE);
    let (queue, log) = (inside.queue.clone(), inside.log.clone());
    Ok(Source {
        deployment: Deployment::of_this_process(&path, queue, log),
        master: config.master_base.clone(),
        airtable: Airtable::new(
            HttpTransport::new()?,
            config.url,
            config.token,
            Arc::clone(&inside.limiters),
        ),
        services: states.into(),
        simulators: Simulators {
            airtable: is_simulated(Service::Airtable).then(|| Arc::clone(&services.airtable)),
            apify: is_simulated(Service::Apify).then(|| Arc::clone(&services.apify)),
            gemini: is_simulated(Service::Gemini).then(|| Arc::clone(&services.gemini)),
        },
        inside: Some(inside.clone()),
        allow_actions: true,
        lanes: scoring::Config::read(variable)?.lanes,
        verify_for: finalizer.verify_for,
        clock: Clock::system(),
        records: ReadRecords::default(),
    })
}

/// The services that invent what would be written to a real Airtable.
fn simulated_beside_real_airtable() -> Vec<Service> {
    let simulated = Service::ALL.into_iter().filter(|service| !service.is_real());
    if Service::Airtable.is_real() { simulated.collect() } else { Vec::new() }
}

fn refusal(simulated: &[Service]) -> String {
    let names: Vec<&str> = simulated.iter().map(|service| service.name()).collect();
    let variables: Vec<&str> = simulated.iter().map(|service| service.tokens()[0]).collect();
    format!(
        "Airtable is the real one, {} is simulated: invented posts, scores and costs would be \
         written to your bases. Set {} (and no URL of this machine), or start with --allow-simulated; \
         every record says SIMULATED then",
        names.join(" and "),
        variables.join(" and ")
    )
}
