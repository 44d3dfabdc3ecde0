//! Writes a wave's rows. Its answers are already paid for, so everything that can be written is
//! written.

use super::attempt::ChunkAttempt;
use super::denied::Patience;
use crate::lead::written::{missing_choice, refused_field};
use serde_json::{Map, Value, json};
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, RecordId};
use shared::core::text::bounded;
use shared::ports::{Env, Transport};
use shared::schema::leads as schema;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Update};
use std::collections::{BTreeMap, BTreeSet};

/// Longest message from Airtable in a note.
const MAX_MESSAGE: usize = 250;

/// Where rows are written, and until when.
pub(super) struct Target<'a, T> {
    pub(super) airtable: &'a Airtable<T>,
    pub(super) base: &'a BaseId,
    pub(super) deadline: Deadline,
}

/// What could not be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Rows that are not written at all, with the reason.
    pub(super) rows: BTreeMap<RecordId, String>,
    /// Notes for the run's record about cells that are left out of rows that are written.
    pub(super) notes: Vec<String>,
}

/// Writes the wave's rows, in one request if there is no problem. A field that is locked or missing
/// is left out, here and in later waves. If the write is still refused, each row is written on its
/// own, so that a bad value affects only its cell. After a denial, the write is repeated as long as
/// there is time.
pub(super) async fn write_rows(
    target: &Target<'_, impl Transport>,
    mut rows: Vec<Update>,
    writable: &mut Vec<String>,
) -> Result<Unwritten, Failure> {
    let mut unwritten = Unwritten::default();
    let mut patience = Patience::until(target.deadline);
    loop {
        rows.retain(|row| !row.fields.is_empty());
        if rows.is_empty() {
            return Ok(unwritten);
        }
        let Err(error) = target.airtable.update(target.base, schema::TABLE, &rows).await else {
            return Ok(unwritten);
        };
        if error.is_about_the_table()
            && let Some(field) = refused_field(&error, |name| writable.iter().any(|w| w == name))
        {
            tracing::error!(%error, airtable.field = field, "leads are written without this field");
            writable.retain(|name| name != field);
            rows.iter_mut().for_each(|row| drop(row.fields.remove(field)));
            unwritten.notes.push(left_out(field, target.base, &error));
            continue;
        }
        if let Some((field, choice)) =
            rows.iter().find_map(|row| missing_choice(&error, &row.fields))
        {
            tracing::error!(%error, airtable.field = field, "a choice is missing");
            for row in rows.iter_mut().filter(|row| row.fields.get(field) == Some(&json!(choice))) {
                row.fields.insert(field.to_owned(), Value::Null);
            }
            unwritten.notes.push(cleared(field, &choice));
            continue;
        }
        if !matches!(error, AirtableError::Refused { .. } | AirtableError::Denied { .. }) {
            return Err(error.into());
        }
        let Some(denied) = write_each(target, rows, &mut unwritten).await? else {
            return Ok(unwritten);
        };
        rows = existing(target, denied.rows, &mut unwritten).await?;
        if rows.is_empty() {
            return Ok(unwritten);
        }
        patience.wait_after(denied.error).await?;
    }
}

/// The rows that Airtable denies, with the last denial.
struct Denied {
    rows: Vec<Update>,
    error: AirtableError,
}

/// Writes each row on its own; `None` if no row is denied.
async fn write_each(
    target: &Target<'_, impl Transport>,
    rows: Vec<Update>,
    unwritten: &mut Unwritten,
) -> Result<Option<Denied>, Failure> {
    let mut denied: Option<Denied> = None;
    for row in rows {
        let (row, error) = match write_row(target, row, unwritten).await {
            Ok(()) => continue,
            Err(refused) => refused,
        };
        if matches!(error, AirtableError::Denied { .. }) {
            let rows = denied.take().map(|denied| denied.rows).unwrap_or_default();
            denied = Some(Denied { rows: rows.into_iter().chain([row]).collect(), error });
        } else if matches!(error, AirtableError::Refused { .. }) {
            tracing::error!(%error, airtable.record = %row.id, "lead's row is not written");
            unwritten.rows.insert(row.id, bounded(&error.to_string(), MAX_MESSAGE));
        } else {
            return Err(error.into());
        }
    }
    Ok(denied)
}

/// Writes one row. A cell that Airtable refuses is left out; a cell whose choice is missing is
/// cleared. If a refusal does not name the cell, the cells are written in parts.
async fn write_row(
    target: &Target<'_, impl Transport>,
    row: Update,
    unwritten: &mut Unwritten,
) -> Result<(), (Update, AirtableError)> {
    let whole = row.clone();
    let (mut parts, mut notes) = (vec![row], Vec::new());
    let (mut refused, mut is_written) = (None, false);
    while let Some(mut part) = parts.pop() {
        let sent = std::slice::from_ref(&part);
        let Err(error) = target.airtable.update(target.base, schema::TABLE, sent).await else {
            is_written = true;
            continue;
        };
        let id = &part.id;
        let says = bounded(error.message(), MAX_MESSAGE);
        let left_out =
            |field: &str| format!("field {field:?} of record {id} is not written: {says}");
        if let Some((field, choice)) = missing_choice(&error, &part.fields) {
            notes.push(cleared(field, &choice));
            part.fields.insert(field.to_owned(), Value::Null);
            parts.push(part);
        } else if error.is_about_a_field()
            && let Some(field) = refused_field(&error, |name| part.fields.contains_key(name))
        {
            notes.push(left_out(field));
            part.fields.remove(field);
            is_written |= part.fields.is_empty();
            parts.extend(Some(part).filter(|part| !part.fields.is_empty()));
        } else if !matches!(error, AirtableError::Refused { .. }) || error.is_missing_row() {
            return Err((whole, error));
        } else if part.fields.len() > 1 {
            parts.extend(halves(part));
        } else {
            notes.extend(part.fields.keys().map(|field| left_out(field)));
            refused = Some(error);
        }
    }
    match refused {
        Some(error) if !is_written => Err((whole, error)),
        Some(_) | None => {
            unwritten.notes.extend(notes);
            Ok(())
        }
    }
}

/// Two writes instead of one.
fn halves(row: Update) -> [Update; 2] {
    let Update { id, fields } = row;
    let half = fields.len() / 2;
    let (first, second): (Vec<_>, Vec<_>) =
        fields.into_iter().enumerate().partition(|(at, _)| *at < half);
    [first, second].map(|cells| Update {
        id: id.clone(),
        fields: cells.into_iter().map(|(_, cell)| cell).collect(),
    })
}

/// The rows that still exist: only these can be written later. Airtable gives the same answer for a
/// deleted row as for one that the token may not write.
async fn existing(
    target: &Target<'_, impl Transport>,
    rows: Vec<Update>,
    unwritten: &mut Unwritten,
) -> Result<Vec<Update>, Failure> {
    let formula = Formula::any(rows.iter().map(|row| Formula::record_id(row.id.as_str())));
    let query = ListQuery { fields: &[schema::PROFILE_URL], formula: Some(formula) };
    let there: BTreeSet<RecordId> =
        match target.airtable.list(target.base, schema::TABLE, &query).await {
            Ok(found) => found.into_iter().map(|row| row.id).collect(),
            Err(AirtableError::Denied { .. }) => return Ok(rows),
            Err(error) => return Err(error.into()),
        };
    let (there, gone): (Vec<Update>, Vec<Update>) =
        rows.into_iter().partition(|row| there.contains(&row.id));
    let reason = "the row no longer exists";
    unwritten.rows.extend(gone.into_iter().map(|row| (row.id, reason.to_owned())));
    Ok(there)
}

/// Tests whether rows can be written, with a write that changes nothing.
///
/// # Errors
/// [`Failure`] if they cannot. Then the model is not called, because its answers would be lost.
pub(super) async fn try_to_write<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    row: &RecordId,
) -> Result<(), Failure> {
    let nothing = [Update { id: row.clone(), fields: Map::new() }];
    match attempt.airtable.update(&attempt.chunk.base, schema::TABLE, &nothing).await {
        // A refusal of an empty update says nothing about a row with cells.
        Ok(()) | Err(AirtableError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn cleared(field: &str, choice: &str) -> String {
    let table = schema::TABLE;
    format!(
        "field {field:?} of {table:?} is emptied: it lacks the choice {choice:?}; add it in Airtable"
    )
}

fn left_out(field: &str, base: &BaseId, error: &AirtableError) -> String {
    let says = bounded(error.message(), MAX_MESSAGE);
    format!(
        "field {field:?} of {:?} in base {base} is not written: {says}; unlock or restore it in Airtable",
        schema::TABLE
    )
}
