//! The settings as each function reads them.

use super::check::Check;
use crate::system::Variables;
use shared::config::ConfigError;

/// Whether each function would start. Other groups check what Airtable, Apify and the model need.
pub(super) fn check(variables: &impl Variables) -> Vec<Check> {
    let others = without_services(variables);
    let read = [
        ("webhook-intake", webhook_intake::Config::read(variables).err()),
        ("metrics-finalizer", metrics_finalizer::Config::read(&others).err()),
    ];
    read.into_iter()
        .map(|(function, error)| match error {
            None => Check::ok(function, "its settings can be read"),
            Some(error) => Check::wrong(function, &error, corrected(&error)),
        })
        .collect()
}

/// The variables with valid values in place of those that other groups check, so that each error
/// is reported once.
pub(super) fn without_services(variables: &impl Variables) -> impl Variables {
    move |name| match name {
        "AIRTABLE_API_URL" | "APIFY_API_URL" => None,
        "AIRTABLE_TOKEN" | "APIFY_TOKEN" => Some("checked-elsewhere".to_owned()),
        "MASTER_BASE_ID" => Some("appCheckedElsewhr".to_owned()),
        other => variables(other),
    }
}

pub(super) fn corrected(error: &ConfigError) -> String {
    match error {
        ConfigError::Missing { name, .. } => format!("set {name}"),
        ConfigError::Invalid { name, .. } => format!("correct {name}"),
    }
}
