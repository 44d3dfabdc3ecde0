//! `runtally serve`: keeps the whole system running over one SQLite file.

use super::shown::{place, shown};
use super::stop_signals::StopSignals;
use crate::invented::{Size, World};
use crate::page::Page;
use crate::result::{CommandResult, Fault, Hinted};
use crate::storage::{DataFolder, Database, SimulatorStore};
use crate::system::{
    DATABASE, Front, Inside, Ports, Served, Service, ServiceOptions, Services, System,
};
use shared::schema::clients;
use simulators::{Service as _, Store};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
    /// Address to listen on; in a container 0.0.0.0, whose port is published on 127.0.0.1
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    #[command(flatten)]
    ports: Ports,
    /// Latency of the simulated Gemini
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Leads of the two invented clients, in a simulated Airtable of a new folder
    #[arg(long, default_value_t = 60)]
    leads: usize,
    /// Let a simulated Apify or Gemini work on a real Airtable: every record says SIMULATED then
    #[arg(long)]
    allow_simulated: bool,
}

/// Runs the system until SIGTERM or SIGINT, and then drains it. A second signal ends it at once.
///
/// A service whose token is set in the environment (`AIRTABLE_TOKEN`, `APIFY_TOKEN`,
/// `GEMINI_API_KEY` or `VERTEX_SERVICE_ACCOUNT`) is the real one; the others are simulated.
///
/// # Errors
/// When a port is taken, a variable is missing or wrong, another server has the folder, or a
/// simulated service would write to a real Airtable.
pub async fn run(options: &Options) -> CommandResult {
    let simulated = simulated_beside_real_airtable();
    if !simulated.is_empty() && !options.allow_simulated {
        return Err(refusal(&simulated));
    }
    // Installed first, because process 1 of a container ignores signals without a handler.
    let mut stop = StopSignals::new()?;
    // Bound before anything can send a webhook. An early webhook then waits for its answer.
    let listener = TcpListener::bind((options.bind, options.port)).await.map_err(|error| {
        let (port, bind) = (options.port, options.bind);
        let message = format!("port {port} on {bind} is not free for the webhook: {error}");
        Hinted::new(message, "stop what uses it, or choose another with --port")
    })?;
    let address = reached_at(listener.local_addr()?);
    let _folder = DataFolder::take(&options.data)?;
    let database = Database::open(&options.data.join(DATABASE))?;
    database.check()?;
    let service_options = ServiceOptions {
        gemini_latency: std::time::Duration::from_millis(options.latency_ms),
        ports: options.ports,
        ..ServiceOptions::default()
    };
    let services = Services::start(&service_options, &database).await?;
    let world =
        World::invent(Size { leads: options.leads, clients: 2, seed: service_options.seed });
    furnish_once(&world, &services, &SimulatorStore::new(database.clone(), "world"))?;
    let served = Served::new(&format!("http://{address}"), &services, &world);
    served.write(&options.data)?;
    let names: Vec<&str> = simulated.iter().map(|service| service.name()).collect();
    let simulated = (!names.is_empty()).then(|| names.join(" and "));
    let variable = |name| match name {
        "SIMULATED_SERVICES" => simulated.clone(),
        _ => served.variable(name),
    };
    let front = |inside: &Inside| -> Result<Option<Front>, Fault> {
        let page = Page::new(shown(&options.data, &services, (&served, &world), inside)?);
        Ok(Some(page.front()))
    };
    let seed = fastrand::u64(..);
    let mut system = System::start_behind(variable, &database, listener, seed, front)?;
    let mut out = std::io::stdout();
    // If nobody reads this output, the work continues.
    announce(&mut out, &served, &services).ok();
    tokio::select! {
        () = stop.asked() => {}
        () = system.ended() => {
            return Err(Hinted::new("a part of the system stopped", "see the log, then start it again"));
        }
    }
    // If nobody reads this any more, the drain must continue.
    writeln!(out, "stopping: calls of the model that are in flight end first").ok();
    tokio::select! {
        drained = system.drain() => drained?,
        () = stop.asked() => {
            let hint = "start it again: it continues where it stopped";
            return Err(Hinted::new("stopped at once; what was in flight is unobserved", hint));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The address at which this machine reaches a server that listens on `address`.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// Prints where everything is.
fn announce(out: &mut impl Write, served: &Served, services: &Services) -> std::io::Result<()> {
    writeln!(out, "page      {}/", served.url)?;
    writeln!(out, "webhook   {}/webhooks/apify", served.url)?;
    for service in Service::ALL {
        writeln!(out, "{:<9} {}", service.name(), place(service, services))?;
    }
    out.flush()
}

/// Puts the invented agency into the simulated Airtable, unless it is there. If a server was killed
/// in its first second, the agency is incomplete and is created again from the beginning.
fn furnish_once(world: &World, services: &Services, store: &impl Store) -> Result<(), Fault> {
    const FURNISHED: &str = "furnished";
    const BEGUN: &str = "begun";
    let airtable = services.airtable.service();
    let is_half_done = store.all().contains(&(FURNISHED.to_owned(), BEGUN.to_owned()));
    if is_half_done {
        airtable.reset();
    } else if airtable.rows(world.master_base.as_str(), clients::TABLE).is_ok() {
        return Ok(());
    }
    store.put(FURNISHED, BEGUN);
    world.furnish(airtable)?;
    world.mend_rubrics(airtable)?;
    store.put(FURNISHED, "whole");
    Ok(())
}

/// The simulated services that would write invented data to a real Airtable.
fn simulated_beside_real_airtable() -> Vec<Service> {
    let simulated = Service::ALL.into_iter().filter(|service| !service.is_real());
    if Service::Airtable.is_real() { simulated.collect() } else { Vec::new() }
}

fn refusal(simulated: &[Service]) -> Fault {
    let names: Vec<&str> = simulated.iter().map(|service| service.name()).collect();
    let variables: Vec<&str> = simulated.iter().map(|service| service.tokens()[0]).collect();
    let message = format!(
        "Airtable is the real one, {} is simulated: invented posts, scores and costs would be \
         written to your bases",
        names.join(" and ")
    );
    let hint = format!(
        "set {} (and no URL of this machine), or start with --allow-simulated; every record says \
         SIMULATED then",
        variables.join(" and ")
    );
    Hinted::new(message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_agency_that_was_left_half_done_is_made_again_and_a_whole_one_stays() {
        let database = Database::in_memory().unwrap();
        let ports = Ports { airtable: 0, apify: 0, gemini: 0 };
        let options = ServiceOptions { ports, ..ServiceOptions::default() };
        let services = Services::start(&options, &database).await.unwrap();
        let world = World::invent(Size::default());
        let store = SimulatorStore::new(database, "world");
        let airtable = services.airtable.service();
        let rows =
            |base: &str, table: &str| airtable.rows(base, table).map_or(0, |rows| rows.len());
        let (master, client) = (world.master_base.as_str(), world.clients[1].base.as_str());
        // The server was killed when it had a master base and no client's base.
        let half = World { clients: Vec::new(), ..world.clone() };
        store.put("furnished", "begun");
        half.furnish(airtable).unwrap();
        assert_eq!(rows(client, "Leads"), 0);
        furnish_once(&world, &services, &store).unwrap();
        let leads = rows(client, "Leads");
        assert!(leads > 0 && rows(master, clients::TABLE) > 1);
        let added = shared::schema::leads::PROFILE_URL;
        let row = serde_json::Map::from_iter([(added.to_owned(), "https://x.example".into())]);
        airtable.insert(client, "Leads", row).unwrap();
        furnish_once(&world, &services, &store).unwrap();
        assert_eq!(rows(client, "Leads"), leads + 1, "what is whole stays as it is");
    }
}
