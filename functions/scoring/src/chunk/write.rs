//! Writes a wave's rows.

use shared::core::failure::Failure;
use shared::core::ids::{BaseId, RecordId};
use shared::ports::Transport;
use shared::schema::leads as schema;
use shared::services::airtable::{Airtable, AirtableError, Update};
use std::collections::BTreeMap;

/// Writes the wave's rows in one request. If Airtable refuses an optional field, the field is left
/// out; what is still refused is written row by row. Returns the rows that could not be written,
/// with the reason.
pub(super) async fn write_rows(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    mut updates: Vec<Update>,
    writable: &mut Vec<String>,
) -> Result<BTreeMap<RecordId, String>, Failure> {
    let mut failed = BTreeMap::new();
    loop {
        if updates.is_empty() {
            return Ok(failed);
        }
        let Err(error) = airtable.update(base, schema::TABLE, &updates).await else {
            return Ok(failed);
        };
        // Airtable does not distinguish a deleted row from a denied one.
        let is_denied = matches!(error, AirtableError::Denied { .. });
        if is_denied && updates.len() > 1 {
            break;
        }
        let AirtableError::Refused { message, .. } = &error else { return Err(error.into()) };
        let Some(field) = refused_optional_field(message, writable) else { break };
        tracing::error!(%error, airtable.field = field, "leads are written without this field");
        writable.retain(|name| name != field);
        for update in &mut updates {
            update.fields.remove(field);
        }
        updates.retain(|update| !update.fields.is_empty());
    }
    let rows = updates.len();
    for update in updates {
        let row = std::slice::from_ref(&update);
        match airtable.update(base, schema::TABLE, row).await {
            Ok(()) => {}
            Err(error @ AirtableError::Denied { .. }) if failed.len() + 1 == rows => {
                return Err(error.into());
            }
            Err(error @ (AirtableError::Refused { .. } | AirtableError::Denied { .. })) => {
                tracing::error!(%error, airtable.record = %update.id, "lead's row is not written");
                failed.insert(update.id, error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(failed)
}

fn refused_optional_field(message: &str, writable: &[String]) -> Option<&'static str> {
    let quoted = |text: &str| message.contains(&format!("\"{text}\""));
    schema::POST_FIELDS
        .iter()
        .chain(&schema::PROFILE_FIELDS)
        .filter(|field| field.optional && writable.iter().any(|name| name == field.name))
        .map(|field| field.name)
        .find(|name| quoted(name))
}
