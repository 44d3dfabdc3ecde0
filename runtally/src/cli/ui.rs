//! `runtally ui`: the page over a system that runs elsewhere.

use super::operator::{Operator, Place};
use super::stop_signals::StopSignals;
use crate::page::{LastRead, Page, ServiceState, Simulators, Source};
use crate::result::{CommandResult, Fault, Hinted};
use crate::system::{Service, serve_front};
use shared::config::Vars;
use shared::core::clock::Clock;
use shared::services::airtable::MAX_CHUNK_LANES;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Options of `runtally ui`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Data folder of `runtally serve`; ignored when SCORING_QUEUE_URL or a similar variable says
    /// that the data is on AWS
    #[arg(long, default_value = ".runtally")]
    data: PathBuf,
    /// Port of the page, on this machine alone
    #[arg(long, default_value_t = 9110)]
    port: u16,
    /// Let the page act: retry, rewrite records, redrive, discard, score what waits
    #[arg(long)]
    allow_actions: bool,
}

/// Shows the page until SIGTERM or SIGINT. While somebody looks, the page queries the system every
/// five seconds, with the rights of the user who started it.
///
/// # Errors
/// When the port is taken, or the variables name no system.
pub async fn run(options: &Options) -> CommandResult {
    let mut stop = StopSignals::new()?;
    let source = source(options)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await;
    let listener = listener.map_err(|error| {
        let message =
            format!("port {} on 127.0.0.1 is not free for the page: {error}", options.port);
        Hinted::new(message, "stop what uses it, or choose another with --port")
    })?;
    let acts = if options.allow_actions { "it may act" } else { "it only reads" };
    let (address, place) = (listener.local_addr()?, source.deployment.place());
    let told = format!("page      http://{address}/\nover      {place}\nrights    {acts}\n");
    // If nobody reads this output, the page continues.
    std::io::stdout().write_all(told.as_bytes()).ok();
    tokio::select! {
        () = serve_front(listener, Page::new(source).front()) => {}
        () = stop.asked() => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn source(options: &Options) -> Result<Source, Fault> {
    let place = Place { data: options.data.clone(), json: false };
    let Operator { deployment, airtable, master } = Operator::open(&place)?;
    let vars = Vars::new(place.variables()?);
    let service = |service: Service| ServiceState {
        name: service.name(),
        is_real: deployment.is_on_aws() || service.is_real(),
        place: "as the system's own configuration says".to_owned(),
    };
    Ok(Source {
        services: Service::ALL.map(service).into(),
        simulators: Simulators::default(),
        inside: None,
        allow_actions: options.allow_actions,
        lanes: vars.within("LANES", 2, 1..=MAX_CHUNK_LANES)?,
        verify_for: metrics_finalizer::verify_for(&vars)?,
        clock: Clock::system(),
        last: LastRead::default(),
        deployment,
        airtable,
        master,
    })
}
