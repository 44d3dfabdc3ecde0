//! How a command reports that it failed: what failed, and what to do.

use super::json::error_object;
use super::paint::{Paint, Tone};
use crate::result::{Fault, Hinted};
use crate::storage::StoreError;
use clap::error::ErrorKind as ClapError;
use shared::config::ConfigError;
use shared::ports::{LogError, QueueError};
use shared::services::airtable::AirtableError;
use shared::services::apify::ApifyError;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// The hint for an error that has none.
const ANY: &str = "`runtally doctor` checks everything that the system needs";

/// Reports a failure on standard error, or with `json` as the answer. If nobody reads the answer
/// any more, as with `| head`, this is not a failure.
pub fn fail(error: &Fault, json: bool) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    {
        return ExitCode::SUCCESS;
    }
    say(&error.to_string(), &hint_of(error), json);
    ExitCode::FAILURE
}

/// Answers wrong arguments, and requests for help or the version.
pub fn refuse_usage(error: &clap::Error, json: bool) -> ExitCode {
    let is_help = error.kind() == ClapError::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || (is_help && !json) {
        error.print().ok();
        return if is_help { ExitCode::from(2) } else { ExitCode::SUCCESS };
    }
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(str::trim);
    let message = parts.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let rest: Vec<&str> = parts.collect();
    let of = |name: &str| rest.iter().find_map(|part| part.strip_prefix(name));
    let usage = of("Usage: ").map(|usage| format!("`{usage}`; `--help` explains the options"));
    let hint = of("tip: ").map(str::to_owned).or(usage);
    let any = || {
        "`runtally help` lists the commands, and `--help` after one explains its options".to_owned()
    };
    say(&message, &hint.unwrap_or_else(any), json);
    ExitCode::from(2)
}

/// Reports something odd on standard error that does not stop the command.
pub fn warn(message: &str) {
    let warning = Paint::of_stderr().put(Tone::Warning, "warning:");
    writeln!(io::stderr().lock(), "{warning} {message}").ok();
}

fn say(message: &str, hint: &str, json: bool) {
    if json {
        // A program reads only the answer. If the answer cannot be written, as on a full disk,
        // standard error gets the message for a person.
        let answered = writeln!(io::stdout().lock(), "{:#}", error_object(message, hint));
        if answered.is_ok() {
            return;
        }
    }
    let paint = Paint::of_stderr();
    let (error, tip) = (paint.put(Tone::Bad, "error:"), paint.put(Tone::Busy, "hint:"));
    writeln!(io::stderr().lock(), "{error} {message}\n{tip} {hint}").ok();
}

fn hint_of(error: &Fault) -> String {
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        return hinted.hint().to_owned();
    }
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return of_setting(error);
    }
    if let Some(error) = error.downcast_ref::<AirtableError>() {
        return of_airtable(error).to_owned();
    }
    if error.is::<ApifyError>() {
        return "check APIFY_TOKEN and APIFY_API_URL, or try again later".to_owned();
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return error.what_to_do().to_owned();
    }
    if error.is::<LogError>() || error.is::<QueueError>() {
        return "check that the data can be read and written: the folder of --data, or on AWS the \
                URLs, the table's name and your credentials"
            .to_owned();
    }
    ANY.to_owned()
}

/// The hint for a setting.
pub(in crate::cli) fn of_setting(error: &ConfigError) -> String {
    match error {
        ConfigError::Missing { name, .. } => format!("set {name}"),
        ConfigError::Invalid { name, .. } => format!("correct {name}"),
    }
}

/// The hint for an error of Airtable.
pub(in crate::cli) fn of_airtable(error: &AirtableError) -> &'static str {
    match error {
        AirtableError::Denied { .. } => {
            "set AIRTABLE_TOKEN to a valid personal access token with access to the base"
        }
        AirtableError::Transport(_) => "check AIRTABLE_API_URL and the network",
        AirtableError::QuotaSpent => "upgrade the plan, or wait for the first of the month",
        AirtableError::RateLimited { .. } | AirtableError::Unavailable { .. } => {
            "nothing: try again in a minute"
        }
        AirtableError::Refused { .. } | AirtableError::Unreadable { .. } => {
            "check AIRTABLE_API_URL: this is not what Airtable answers"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_with_what_to_do() {
        let missing = ConfigError::Missing { name: "AIRTABLE_TOKEN", purpose: "a token" };
        assert_eq!(hint_of(&missing.into()), "set AIRTABLE_TOKEN");
        let hinted = Hinted::new("no", "say yes");
        assert_eq!(hint_of(&hinted), "say yes");
        assert!(hint_of(&"anything".into()).contains("runtally doctor"));
    }
}
