//! `runtally replay`: scores a run's failed and missing leads again.

use super::operator::{Operator, Place, of_another_release};
use super::output::print_json;
use crate::result::{CommandResult, Hinted};
use crate::view::events_of;
use serde_json::json;
use shared::core::clock::Clock;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::fold::{RunState, Status};
use shared::messages::{Replay, routes};
use shared::ports::QueueName;
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally replay`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The run, such as 251014-153000-Guy-Wilson
    run: RunId,
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    /// Also while the run is in progress: leads that are being scored now are paid for twice
    #[arg(long)]
    anyway: bool,
}

/// Queues what failed or is missing in a run. Scored leads are not scored again, and the cost of
/// both attempts counts.
///
/// # Errors
/// When the log or the queue cannot be reached, the log does not know the run, or the run is
/// in progress.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let run = &options.run;
    let (events, _) = events_of(&operator.log_of(run).await?);
    let state = RunState::fold(&events).ok_or_else(|| of_another_release(run))?;
    if state.summary().status == Status::Running && !options.anyway {
        return Err(Hinted::new(
            format!("{run} is in progress"),
            "wait until it has ended or is Stalled, or use --anyway and pay twice for the leads \
             that are being scored now",
        ));
    }
    let tasks = state.replays(Clock::system().now());
    let leads: usize = tasks.iter().map(Replay::leads).sum();
    let harvests: usize = tasks.iter().map(|task| task.unplanned.len()).sum();
    for task in tasks {
        operator.deployment.send(QueueName::Scoring, routes::replay_once(task)).await?;
    }
    if options.place.json {
        print_json(&json!({"run": run, "leads": leads, "harvests": harvests}))?;
    } else if leads + harvests == 0 {
        writeln!(std::io::stdout(), "Nothing in {run} failed or is missing.")?;
    } else {
        let (leads, harvests) = (counted(leads, "lead"), counted(harvests, "harvest"));
        let what = format!("Queued again: {leads} and {harvests} of {run}.");
        writeln!(std::io::stdout(), "{what} `runtally runs --watch` shows the progress.")?;
    }
    Ok(ExitCode::SUCCESS)
}
