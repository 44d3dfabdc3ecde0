//! `runtally simulate`: runs only the simulators, for vendors' own client libraries or a deployed
//! system.

use super::stop_signals::StopSignals;
use crate::invented::{Size, World};
use crate::result::CommandResult;
use crate::storage::Database;
use crate::system::{Ports, ServiceOptions, Services, tokens};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::Duration;

/// Options of `runtally simulate`.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    ports: Ports,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many leads to invent, over all clients; 0 for empty services
    #[arg(long, default_value_t = 60)]
    leads: usize,
    /// How many clients to invent
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Latency of Gemini
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Latency of Airtable
    #[arg(long, default_value_t = 0)]
    airtable_latency_ms: u64,
    /// Switch Airtable's request limits off
    #[arg(long)]
    no_rate_limit: bool,
    /// Address to listen on; 0.0.0.0 lets other machines and containers in
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
}

/// Runs the simulators until the process is stopped.
///
/// # Errors
/// When a port is taken.
pub async fn run(options: &Options) -> CommandResult {
    let service_options = ServiceOptions {
        seed: options.seed,
        rate_limit: !options.no_rate_limit,
        airtable_latency: Duration::from_millis(options.airtable_latency_ms),
        gemini_latency: Duration::from_millis(options.latency_ms),
        ports: options.ports,
        bind: options.bind,
        offers_service_account: true,
    };
    // Installed first, because process 1 of a container ignores signals without a handler.
    let mut stop = StopSignals::new()?;
    let services = Services::start(&service_options, &Database::in_memory()?).await?;
    let world = (options.leads > 0).then(|| {
        let clients = options.clients.into();
        World::invent(Size { leads: options.leads, clients, seed: options.seed })
    });
    if let Some(world) = &world {
        world.furnish(services.airtable.service())?;
    }
    // If nobody reads this output, the simulators continue.
    announce(&services, world.as_ref(), &mut std::io::stdout()).ok();
    stop.asked().await;
    Ok(ExitCode::SUCCESS)
}

fn announce(
    services: &Services,
    world: Option<&World>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    writeln!(out, "Airtable  {}  token {}", services.airtable_url, tokens::AIRTABLE)?;
    writeln!(out, "Apify     {}  token {}", services.apify_url, tokens::APIFY)?;
    writeln!(out, "Gemini    {}  key {}", services.gemini_url, tokens::GEMINI)?;
    let account = format!("{}/_sim/service-account", services.gemini_url);
    writeln!(out, "Vertex AI {}  service account's key file: GET {account}", services.gemini_url)?;
    if let Some(world) = world {
        writeln!(out, "master base {}", world.master_base)?;
        for client in &world.clients {
            writeln!(out, "client {} with base {}", client.id, client.base)?;
        }
    }
    writeln!(out, "control: GET /_sim/requests, POST /_sim/reset, POST /_sim/faults on each port")?;
    out.flush()
}
