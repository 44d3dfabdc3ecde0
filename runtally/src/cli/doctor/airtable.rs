//! Checks of Airtable's token, and hints for Airtable's refusals.

use super::check::Check;
use crate::cli::output::of_airtable;
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::services::airtable::{Airtable, AirtableError, Identity};

pub(super) type Api = Airtable<HttpTransport>;

/// The scopes that the functions need.
const SCOPES: [&str; 3] = ["data.records:read", "data.records:write", "schema.bases:read"];
/// The scope for writing rows.
const WRITE_SCOPE: &str = SCOPES[1];
/// The scope for reading tables and fields.
pub(super) const SCHEMA_SCOPE: &str = SCOPES[2];

/// What Airtable says about a token. Airtable does not list the scopes of a personal access token,
/// so the doctor tries such a token on each base.
pub(super) fn check_scopes(identity: &Identity) -> Vec<Check> {
    let what = "Airtable token";
    let mut checks = vec![Check::ok(what, format!("Airtable knows it ({})", identity.id))];
    for scope in SCOPES {
        let is_told = identity.scopes.as_ref();
        if is_told.is_some_and(|scopes| !scopes.iter().any(|has| has == scope)) {
            let says = format!("it lacks the scope {scope}");
            checks.push(Check::wrong(what, says, "add it at https://airtable.com/create/tokens"));
        }
    }
    checks
}

/// Tries to write to a table, without changing any row.
pub(super) async fn check_writing(airtable: &Api, base: &BaseId, what: &str, table: &str) -> Check {
    match airtable.try_to_write(base, table).await {
        Ok(()) => {
            Check::ok(what, format!("a write to {table:?} that changes nothing is not denied"))
        }
        Err(error @ AirtableError::Denied { .. }) => Check::wrong(
            what,
            format!("rows of {table:?} cannot be written: {error}"),
            format!(
                "give the token the scope {WRITE_SCOPE}, and its user the right to edit the base"
            ),
        ),
        Err(error) => unanswered(what, &error),
    }
}

/// A request that Airtable did not answer. A rate limit is only a warning, because the system
/// itself may be using the requests.
pub(super) fn unanswered(what: impl ToString, error: &AirtableError) -> Check {
    if matches!(error, AirtableError::RateLimited { .. }) {
        let todo = "ask again in a minute; the system waits and continues automatically";
        return Check::warning(what, format!("not checked now: {error}"), todo);
    }
    Check::wrong(what, error, of_airtable(error))
}
