//! Airtable's token, and what to do when Airtable refuses.

use super::check::Check;
use crate::cli::output::of_airtable;
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::services::airtable::{Airtable, AirtableError, Identity};

pub(super) type Api = Airtable<HttpTransport>;

/// What the functions need their token for.
const SCOPES: [&str; 3] = ["data.records:read", "data.records:write", "schema.bases:read"];
/// For writing rows.
const WRITE_SCOPE: &str = SCOPES[1];
/// For reading tables and fields.
pub(super) const SCHEMA_SCOPE: &str = SCOPES[2];

/// What Airtable says of a token. Of a personal access token it tells no scopes: what such a token
/// may do is tried, base by base.
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

/// Tries to write rows of a table, without changing any.
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

/// What Airtable did not answer. That it limits the requests is nobody's fault: the system itself may
/// be using them.
pub(super) fn unanswered(what: impl ToString, error: &AirtableError) -> Check {
    if matches!(error, AirtableError::RateLimited { .. }) {
        let todo = "ask again in a minute; the system waits by itself";
        return Check::warning(what, format!("not checked now: {error}"), todo);
    }
    Check::wrong(what, error, of_airtable(error))
}
