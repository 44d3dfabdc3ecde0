//! The upsert of run records.

use super::fields::cells;
use crate::airtable::formula::Formula;
use crate::airtable::{Airtable, AirtableError, ListQuery, Record, TableSchema, Update};
use crate::clock::Clock;
use crate::fold::Summary;
use crate::ids::{BaseId, RecordId, RunId};
use crate::schema::run_record as schema;
use crate::schema::{Field, FieldType, run_record};
use crate::seams::Transport;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Most runs of one request (Airtable's limit).
pub const MAX_RUNS: usize = crate::airtable::MAX_RECORDS;
/// How long what is known of the table's fields counts. A field that came back is written again
/// after this.
const SHAPE_AGE: SignedDuration = SignedDuration::from_mins(10);
/// The fields that identify a record.
const MERGE_ON: [&str; 2] = [schema::RUN_ID, schema::CLIENT_ID];

/// A record that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The run.
    pub run: RunId,
    /// Its record.
    pub record: RecordId,
    /// Whether the record did not exist before.
    pub created: bool,
    /// Other records with the run's identity, now marked as duplicates.
    pub duplicates: Vec<RecordId>,
}

/// Writes run records into one base.
pub struct RunRecords {
    base: BaseId,
    clock: Clock,
    shape: Mutex<Option<Shape>>,
}

/// What is known of the table: the fields that cannot be written, with the reason.
#[derive(Debug, Clone)]
struct Shape {
    read_at: Timestamp,
    left_out: BTreeMap<&'static str, String>,
}

impl RunRecords {
    /// Writes into the table of run records of `base`.
    #[must_use]
    pub fn new(base: BaseId, clock: Clock) -> Self {
        Self { base, clock, shape: Mutex::new(None) }
    }

    /// Brings the records of up to 10 runs into being or up to date, in one request when nothing
    /// is wrong with the table.
    ///
    /// A field that the table lacks, or that does not take its value, is left out and said so in
    /// the notes of the same record. Records that share an identity are told apart: the oldest
    /// stays, the others are marked.
    ///
    /// # Errors
    /// [`AirtableError`] when the records could not be written. Nothing is half written: trying
    /// again gives the same records.
    pub async fn write(
        &self,
        airtable: &Airtable<impl Transport>,
        runs: &[Summary],
    ) -> Result<Vec<Written>, AirtableError> {
        let mut shape = self.shape(airtable).await;
        let mut duplicates: BTreeMap<RunId, Vec<RecordId>> = BTreeMap::new();
        let mut looked_for_duplicates = false;
        // A choice that a select lacks concerns these runs alone: it is not remembered.
        let mut left_out_now: Vec<(&'static str, String)> = Vec::new();
        loop {
            let known = shape.left_out.iter().map(|(name, why)| (*name, why.as_str()));
            let now = left_out_now.iter().map(|(name, why)| (*name, why.as_str()));
            let left_out: Vec<(&str, &str)> = known.chain(now).collect();
            let rows: Vec<_> = runs.iter().map(|run| cells(run, &left_out)).collect();
            let error = match airtable.upsert(&self.base, schema::TABLE, &MERGE_ON, &rows).await {
                Ok(upserted) => {
                    self.remember(shape);
                    return Ok(written(runs, &upserted.records, &upserted.created, duplicates));
                }
                Err(error) => error,
            };
            let AirtableError::Refused { message, .. } = &error else { return Err(error) };
            if let Some(field) = refused_choice(message, &rows, &left_out_now) {
                tracing::error!(
                    %error,
                    airtable.table = schema::TABLE,
                    airtable.field = field,
                    "run records are written without this choice; add it in Airtable"
                );
                left_out_now.push((field, message.clone()));
            } else if let Some(field) = refused_field(message, &shape) {
                tracing::error!(
                    %error,
                    airtable.table = schema::TABLE,
                    airtable.field = field,
                    "run records are written without this field; restore it in Airtable"
                );
                shape.left_out.insert(field, message.clone());
            } else if !looked_for_duplicates {
                looked_for_duplicates = true;
                for run in runs {
                    let marked = self.mark_duplicates(airtable, run).await?;
                    duplicates.insert(run.run.clone(), marked);
                }
                if duplicates.values().all(Vec::is_empty) {
                    return Err(error);
                }
            } else {
                return Err(error);
            }
        }
    }

    /// What is known of the table, read anew when that is too old. A token that may not read the
    /// schema is fine: then only a refused write tells.
    async fn shape(&self, airtable: &Airtable<impl Transport>) -> Shape {
        let now = self.clock.now();
        let known = self.shape.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shape) = known
            && now.duration_since(shape.read_at) < SHAPE_AGE
        {
            return shape;
        }
        let mut shape = Shape { read_at: now, left_out: BTreeMap::new() };
        match airtable.tables(&self.base).await {
            Ok(tables) => {
                if let Some(table) = tables.iter().find(|table| table.name == schema::TABLE) {
                    shape.left_out = unwritable(table);
                }
            }
            Err(error) => tracing::warn!(%error, "the schema of run records is not known"),
        }
        for (field, reason) in &shape.left_out {
            tracing::warn!(
                airtable.table = schema::TABLE,
                airtable.field = field,
                reason,
                "run records are written without this field"
            );
        }
        self.remember(shape.clone());
        shape
    }

    fn remember(&self, shape: Shape) {
        *self.shape.lock().unwrap_or_else(PoisonError::into_inner) = Some(shape);
    }

    /// Looks for records that share the run's identity, and marks all but the oldest.
    async fn mark_duplicates(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &Summary,
    ) -> Result<Vec<RecordId>, AirtableError> {
        let query = ListQuery {
            fields: &[schema::RUN_ID],
            formula: Some(Formula::all([
                Formula::equals(schema::RUN_ID, run.run.as_str()),
                Formula::equals(schema::CLIENT_ID, run.header.client.as_str()),
            ])),
        };
        let mut rows: Vec<Record<Map<String, Value>>> =
            airtable.list(&self.base, schema::TABLE, &query).await?;
        rows.sort_by(|a, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
        let Some((kept, others)) = rows.split_first() else { return Ok(Vec::new()) };
        let mut marked = Vec::new();
        for others in others.chunks(MAX_RUNS) {
            let updates: Vec<Update> =
                others.iter().map(|row| duplicate_of(&row.id, &run.run, &kept.id)).collect();
            airtable.update(&self.base, schema::TABLE, &updates).await?;
            marked.extend(others.iter().map(|row| row.id.clone()));
        }
        Ok(marked)
    }
}

/// The cells that mark a record as the duplicate of `kept`: its Run ID no longer matches.
fn duplicate_of(id: &RecordId, run: &RunId, kept: &RecordId) -> Update {
    let marked = format!("{run} (duplicate of {kept})");
    Update { id: id.clone(), fields: Map::from_iter([(schema::RUN_ID.to_owned(), json!(marked))]) }
}

/// The fields that `table` lacks or has with another type, with the reason. The identity fields
/// are never left out: without them there is no record.
#[must_use]
pub fn unwritable(table: &TableSchema) -> BTreeMap<&'static str, String> {
    let reason = |field: &Field| {
        let wanted = field.field_type.in_words();
        match table.fields.iter().find(|known| known.name == field.name) {
            None => Some(format!("the table has no such field; add it as {wanted}")),
            Some(known) if !field.field_type.accepts(&known.field_type) => {
                Some(format!("it is a {} field in Airtable; make it {wanted}", known.field_type))
            }
            Some(_) => None,
        }
    };
    run_record::FIELDS
        .iter()
        .filter(|field| !MERGE_ON.contains(&field.name))
        .filter_map(|field| Some((field.name, reason(field)?)))
        .collect()
}

/// The field that a refusal is about: the one whose name it quotes.
fn refused_field(message: &str, shape: &Shape) -> Option<&'static str> {
    run_record::FIELDS
        .iter()
        .map(|field| field.name)
        .filter(|name| !MERGE_ON.contains(name) && !shape.left_out.contains_key(name))
        .find(|name| message.contains(&format!("\"{name}\"")))
}

/// The select field that lacks the choice which a refusal quotes.
fn refused_choice(
    message: &str,
    rows: &[Map<String, Value>],
    left_out: &[(&'static str, String)],
) -> Option<&'static str> {
    run_record::FIELDS
        .iter()
        .filter(|field| matches!(field.field_type, FieldType::SingleSelect(_)))
        .map(|field| field.name)
        .filter(|name| !left_out.iter().any(|(known, _)| known == name))
        .find(|name| {
            let mut values = rows.iter().filter_map(|row| row.get(*name)?.as_str());
            values.any(|value| message.contains(&format!("\"{value}\"")))
        })
}

fn written(
    runs: &[Summary],
    records: &[Record<Map<String, Value>>],
    created: &[RecordId],
    mut duplicates: BTreeMap<RunId, Vec<RecordId>>,
) -> Vec<Written> {
    runs.iter()
        .enumerate()
        .filter_map(|(at, run)| {
            // By what the reply says, not by its order, as long as it says it.
            let says = |record: &&Record<Map<String, Value>>| {
                record.fields.get(schema::RUN_ID).and_then(Value::as_str) == Some(run.run.as_str())
            };
            let record = records.iter().find(says).or_else(|| records.get(at))?;
            Some(Written {
                run: run.run.clone(),
                record: record.id.clone(),
                created: created.contains(&record.id),
                duplicates: duplicates.remove(&run.run).unwrap_or_default(),
            })
        })
        .collect()
}
