//! `runtally explain`: shows a run's events in order, what they add up to, the record as it is, and
//! every difference between the two.

mod explained;
mod show;

use super::operator::Place;
use super::output::print_json;
use super::records::{AirtableOption, Records};
use crate::result::CommandResult;
use crate::system::Deployment;
use explained::explain;
use shared::core::ids::RunId;
use std::process::ExitCode;

/// Options of `runtally explain`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The run, such as 251014-153000-Guy-Wilson
    run: RunId,
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    airtable: AirtableOption,
    /// Show at most this many events, the newest ones
    #[arg(long, default_value_t = 200)]
    events: usize,
}

/// Explains a run. Succeeds if its record agrees with its events, or is only behind them.
///
/// # Errors
/// When the log cannot be read, or does not know the run. Without the record it explains the
/// events, and says so.
pub async fn run(options: &Options) -> CommandResult {
    let deployment = Deployment::open(options.place.variables()?, &options.place.data)?;
    let records = Records::open(&options.place, &options.airtable)?;
    let explained = explain(&deployment, &records, &options.run).await?;
    if options.place.json {
        print_json(&show::as_json(&explained, options.events))?;
    } else {
        show::print(&explained, options.events)?;
    }
    Ok(if explained.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
