//! `runtally reproject`: rewrites records from the event log. The metrics finalizer does it, as
//! the only writer of records.

use super::operator::{Operator, Place};
use super::output::print_json;
use crate::result::CommandResult;
use serde_json::json;
use shared::core::clock::Clock;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::messages::routes;
use shared::ports::QueueName;
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally reproject`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The run, such as 251014-153000-Guy-Wilson
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    run: Option<RunId>,
    /// Every run of the log
    #[arg(long)]
    all: bool,
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
}

/// Marks the run, or all runs, as not projected and sends a tick, which rewrites their records.
///
/// # Errors
/// When the log or the queue cannot be reached, or the log does not know the run.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let runs = match &options.run {
        Some(run) => {
            operator.log_of(run).await?;
            vec![run.clone()]
        }
        None => operator.deployment.all_runs().await?,
    };
    for run in &runs {
        operator.deployment.unproject(run).await?;
    }
    let tick = routes::tick(&operator.master, Clock::system().now());
    operator.deployment.send(QueueName::Metrics, tick).await?;
    if options.place.json {
        print_json(&json!({"count": runs.len()}))?;
    } else {
        let records = counted(runs.len(), "record");
        writeln!(
            std::io::stdout(),
            "The metrics finalizer rewrites {records} now, and notes on each what it restored."
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
