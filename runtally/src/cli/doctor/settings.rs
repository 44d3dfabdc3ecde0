//! Checks the settings as each function reads them.

use super::check::Check;
use crate::cli::output::of_setting;
use crate::system::Variables;
use shared::config::ConfigError;

/// Shown if `runtally serve` has a token and the doctor has none.
pub(super) const TOKEN_ELSEWHERE: &str = "WEBHOOK_TOKEN is not set here; `runtally serve` was started with one. Set it here to have it checked";

/// Checks whether each function would start. Other groups check what Airtable, Apify and the model
/// need.
///
/// With `is_served`, a `runtally serve` is running. It has its own token, so the doctor does not
/// need one.
pub(super) fn check(variables: &impl Variables, is_served: bool) -> Vec<Check> {
    let others = without_services(variables);
    let read = [
        ("webhook-intake", webhook_intake::Config::read(variables).err()),
        ("metrics-finalizer", metrics_finalizer::Config::read(&others).err()),
    ];
    read.into_iter()
        .map(|(function, error)| match error {
            None => Check::ok(function, "its settings can be read"),
            Some(ConfigError::Missing { name: "WEBHOOK_TOKEN", .. }) if is_served => {
                Check::info(function, TOKEN_ELSEWHERE)
            }
            Some(error) => Check::wrong(function, &error, of_setting(&error)),
        })
        .collect()
}

/// The variables, with valid values instead of those that other groups check, so that each error is
/// reported once.
pub(super) fn without_services(variables: &impl Variables) -> impl Variables {
    move |name| match name {
        "AIRTABLE_API_URL" | "APIFY_API_URL" => None,
        "AIRTABLE_TOKEN" | "APIFY_TOKEN" => Some("checked-elsewhere".to_owned()),
        "MASTER_BASE_ID" => Some("appCheckedElsewhr".to_owned()),
        other => variables(other),
    }
}
