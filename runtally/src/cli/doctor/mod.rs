//! `runtally doctor`: checks everything the system needs, and says how to correct what is wrong.

mod airtable;
mod bases;
mod check;
mod data;
mod rubric;
mod services;
mod settings;
mod tables;
mod webhook;

use super::operator::Place;
use super::output::print_json;
use crate::result::{CommandResult, Fault};
use crate::system::Deployment;
use check::{Check, Level};
use serde_json::json;
use shared::adapters::http::HttpTransport;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use webhook::Address;

/// Longest time for one group of checks, so that the answer always comes within ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);
const MAX_LINES: usize = 100;

/// Options of `runtally doctor`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    /// Root of the webhook's public URL, such as https://abc123.execute-api.eu-west-1.amazonaws.com
    /// (default: that of the `runtally serve` on --data)
    #[arg(long, env = "WEBHOOK_URL")]
    url: Option<String>,
}

/// Checks everything. Succeeds if nothing is wrong.
///
/// # Errors
/// When it cannot start.
pub async fn run(options: &Options) -> CommandResult {
    let variables = options.place.variables()?;
    let transport = HttpTransport::new()?;
    let deployment = Deployment::open(&variables, &options.place.data);
    let is_on_aws = deployment.as_ref().is_ok_and(Deployment::is_on_aws);
    let served = Some(options.place.served()?.url).filter(|url| !url.is_empty() && !is_on_aws);
    let is_served = served.is_some();
    let named = options.url.clone().filter(|url| !url.trim().is_empty());
    let address = named.map(Address::Named).or(served.map(Address::Served));
    let address = address.unwrap_or(Address::Unknown);
    let groups = futures_util::join!(
        patiently("settings", async { settings::check(&variables, is_served) }),
        patiently("Airtable", bases::check(&variables, &transport)),
        patiently("Apify", services::apify(&variables, &transport)),
        patiently("model", services::model(&variables, &transport)),
        patiently("data", data::check(deployment)),
        patiently("webhook", webhook::check(&variables, &transport, &address)),
    );
    let checks: Vec<Check> =
        <[Vec<Check>; 6]>::from(groups).into_iter().flat_map(bounded).collect();
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let (wrong, warnings) = (count(Level::Wrong), count(Level::Warning));
    if options.place.json {
        print_json(&json!({"checks": checks, "wrong": wrong, "warnings": warnings}))?;
    } else {
        print(&checks, wrong, warnings)?;
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The checks of one group, or a check that says that they took too long.
async fn patiently(what: &str, checks: impl Future<Output = Vec<Check>>) -> Vec<Check> {
    tokio::time::timeout(PATIENCE, checks).await.unwrap_or_else(|_| {
        let says = format!("not finished within {} s; none of it is checked", PATIENCE.as_secs());
        vec![Check::wrong(
            what,
            says,
            "wait a minute and try again: the service may be throttled or down",
        )]
    })
}

/// At most [`MAX_LINES`] of each level, with a line that counts the rest.
fn bounded(checks: Vec<Check>) -> Vec<Check> {
    let mut shown = Vec::new();
    for level in [Level::Wrong, Level::Warning, Level::Info, Level::Ok] {
        let mut of_level: Vec<Check> =
            checks.iter().filter(|check| check.level == level).cloned().collect();
        let more = of_level.len().saturating_sub(MAX_LINES);
        of_level.truncate(MAX_LINES);
        shown.extend(of_level);
        if more > 0 {
            let says = format!("{more} more like these");
            shown.push(Check { level, what: "…".to_owned(), says, what_to_do: None });
        }
    }
    shown
}

fn print(checks: &[Check], wrong: usize, warnings: usize) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    for check in checks {
        writeln!(out, "{}", check.line())?;
    }
    let verdict = match (wrong, warnings) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (wrong, warnings) => format!("{wrong} wrong, {warnings} with a warning."),
    };
    Ok(writeln!(out, "{verdict}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn checks_that_never_end_are_reported_as_wrong_within_ten_seconds() {
        let started = tokio::time::Instant::now();
        let checks = patiently("Apify", std::future::pending()).await;
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!((checks[0].level, checks[0].what.as_str()), (Level::Wrong, "Apify"));
    }
}
