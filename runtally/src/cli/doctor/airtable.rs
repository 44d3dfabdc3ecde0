//! Airtable's token, and what to do when Airtable refuses.

use super::check::Check;
use shared::adapters::http::HttpTransport;
use shared::services::airtable::{Airtable, AirtableError, Identity};

pub(super) type Api = Airtable<HttpTransport>;

/// What the functions need their token for.
const SCOPES: [&str; 3] = ["data.records:read", "data.records:write", "schema.bases:read"];
/// For reading tables and fields.
pub(super) const SCHEMA_SCOPE: &str = SCOPES[2];

pub(super) fn check_scopes(identity: &Identity) -> Vec<Check> {
    let what = "Airtable token";
    let Some(scopes) = &identity.scopes else {
        let says = format!("Airtable accepts it ({}) and does not say its scopes", identity.id);
        return vec![Check::info(what, says)];
    };
    let mut checks: Vec<Check> = SCOPES
        .iter()
        .filter(|scope| !scopes.iter().any(|has| has == *scope))
        .map(|scope| {
            let says = format!("it lacks the scope {scope}");
            Check::wrong(what, says, "add it at https://airtable.com/create/tokens")
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::ok(what, format!("Airtable accepts it ({})", identity.id)));
    }
    checks
}

pub(super) fn token_todo(error: &AirtableError) -> &'static str {
    match error {
        AirtableError::Denied { .. } => {
            "set AIRTABLE_TOKEN to a valid personal access token with access to the base"
        }
        AirtableError::Transport(_) => "check AIRTABLE_API_URL and the network",
        AirtableError::QuotaSpent => "upgrade the plan, or wait for the first of the month",
        AirtableError::RateLimited { .. } | AirtableError::Unavailable { .. } => "try again later",
        AirtableError::Refused { .. } | AirtableError::Unreadable { .. } => {
            "check AIRTABLE_API_URL: this is not what Airtable answers"
        }
    }
}
