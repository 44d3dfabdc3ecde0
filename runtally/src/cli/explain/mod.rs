//! `runtally explain`: a run's events in order, what they add up to, the record as it is, and
//! every difference between the two.

mod explained;
mod show;

use super::operator::{Operator, Place, print_json};
use crate::result::CommandResult;
use explained::explain;
use shared::core::ids::RunId;
use std::process::ExitCode;

/// Options of `runtally explain`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The run, such as 251014-153000-Guy-Wilson
    run: RunId,
    #[command(flatten)]
    place: Place,
    /// Show at most this many events, the newest ones
    #[arg(long, default_value_t = 200)]
    events: usize,
}

/// Explains a run. Succeeds if its record says what its events say.
///
/// # Errors
/// When the log or the table of run records cannot be read, or the log does not know the run.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let explained = explain(&operator, &options.run).await?;
    if options.place.json {
        print_json(&show::as_json(&explained, options.events))?;
    } else {
        show::print(&explained, options.events)?;
    }
    Ok(if explained.comparison.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
