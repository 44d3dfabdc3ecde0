//! What is known about the table of run records, and how long it stays valid.

use super::field_note::{Effect, FieldNote};
use super::shape::{FieldIds, Shape};
use crate::core::clock::Clock;
use crate::core::ids::BaseId;
use crate::core::text::bounded;
use crate::ports::Transport;
use crate::schema::run_record as schema;
use crate::services::airtable::{Airtable, AirtableError, TableSchema};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long knowledge about the table's fields stays valid. A restored field is written again after
/// this time, or at the next tick.
const SHAPE_AGE: SignedDuration = SignedDuration::from_mins(10);
/// How long a refusal stays valid if the schema does not explain it: the field is locked, or the
/// schema cannot be read. Then the field is tried again.
const REFUSAL_AGE: SignedDuration = SignedDuration::from_hours(1);
/// Longest message from Airtable in a note.
const MAX_MESSAGE: usize = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recency {
    Recent,
    Now,
}

/// The table of run records in one base, with what is known about its fields.
pub(super) struct Table {
    pub(super) base: BaseId,
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The last known shape, and when the schema was last requested.
    shape: Option<(Timestamp, Shape)>,
    learned_at: Option<Timestamp>,
    ids: FieldIds,
    /// Fields that were refused for every record: since when, and why.
    refused: BTreeMap<&'static str, Refused>,
    /// The fields that were logged as left out.
    said: BTreeSet<&'static str>,
}

struct Refused {
    at: Timestamp,
    reason: String,
    /// Whether the field is locked, which the schema does not show.
    is_lock: bool,
}

impl Table {
    pub(super) fn new(base: BaseId, clock: Clock) -> Self {
        Self { base, clock, known: Mutex::default() }
    }

    /// What is known about the table. The token does not need access to the schema: without it,
    /// only a refused write shows what is wrong.
    pub(super) async fn shape(
        &self,
        airtable: &Airtable<impl Transport>,
        recency: Recency,
    ) -> Shape {
        let now = self.clock.now();
        let is_recent = |asked_at: &Timestamp| now.duration_since(*asked_at) < SHAPE_AGE;
        let asked_at = self.lock().shape.as_ref().map(|(asked_at, _)| *asked_at);
        if recency == Recency::Now || !asked_at.as_ref().is_some_and(is_recent) {
            match airtable.tables(&self.base).await {
                Ok(tables) => self.lock().learn(&tables, now),
                Err(error) => {
                    tracing::warn!(%error, "the schema of run records is not known");
                    self.lock().keep(now);
                }
            }
        }
        self.lock().shape(now)
    }

    /// Remembers that a field was refused for every record, and logs it.
    pub(super) fn refuse(&self, field: &'static str, error: &AirtableError) -> Shape {
        let now = self.clock.now();
        let reason = bounded(error.message(), MAX_MESSAGE);
        let is_lock = matches!(error, AirtableError::Denied { .. });
        let mut known = self.lock();
        known.refused.insert(field, Refused { at: now, reason, is_lock });
        known.shape(now)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The schema was read.
    fn learn(&mut self, tables: &[TableSchema], now: Timestamp) {
        let Some(table) = tables.iter().find(|table| table.name == schema::TABLE) else {
            return self.keep(now);
        };
        self.shape = Some((now, Shape::of(table, &self.ids)));
        for field in &schema::FIELDS {
            let found = table.fields.iter().find(|known| known.name == field.name);
            if let Some(found) = found.filter(|found| !found.id.is_empty()) {
                self.ids.insert(field.name, found.id.clone());
            }
        }
        self.learned_at = Some(now);
        self.refused.retain(|_, refused| refused.is_lock);
    }

    /// The schema could not be read. What was known stays valid for a while.
    fn keep(&mut self, now: Timestamp) {
        let is_old = |at: Timestamp| now.duration_since(at) >= REFUSAL_AGE;
        let known = self.shape.take().filter(|_| !self.learned_at.is_none_or(is_old));
        let shape = known.map(|(_, shape)| shape).unwrap_or_default();
        self.shape = Some((now, shape));
    }

    fn shape(&mut self, now: Timestamp) -> Shape {
        self.refused.retain(|_, refused| now.duration_since(refused.at) < REFUSAL_AGE);
        let mut shape = self.shape.as_ref().map(|(_, shape)| shape.clone()).unwrap_or_default();
        for (field, refused) in &self.refused {
            shape.left_out.entry(field).or_insert_with(|| refused.reason.clone());
        }
        self.say(&shape);
        shape
    }

    /// Logs once that a field is left out, and once that it is written again.
    fn say(&mut self, shape: &Shape) {
        let table = schema::TABLE;
        for (field, reason) in &shape.left_out {
            if self.said.insert(field) {
                tracing::error!(
                    airtable.table = table,
                    airtable.field = field,
                    reason,
                    "run records are written without this field; restore it in Airtable"
                );
            }
        }
        let is_back = |field: &&'static str| !shape.left_out.contains_key(*field);
        let back: Vec<&'static str> = self.said.iter().copied().filter(is_back).collect();
        for field in back {
            self.said.remove(field);
            tracing::info!(
                airtable.table = table,
                airtable.field = field,
                "run records are written with this field again"
            );
        }
    }
}

/// The written field that a refusal names.
pub(super) fn refused_field(error: &AirtableError, shape: &Shape) -> Option<&'static str> {
    let is_written = |name: &&str| *name != schema::RUN_ID && !shape.left_out.contains_key(*name);
    let names = || schema::FIELDS.iter().map(|field| field.name).filter(is_written);
    let named = error.field_of(names().map(|name| shape.name(name)))?;
    names().find(|name| shape.name(name) == named)
}

/// The note about a field whose value was refused for a single record.
pub(super) fn refused_value(field: &'static str, error: &AirtableError) -> FieldNote {
    let reason = format!("Airtable does not take its value: {}", error.message());
    FieldNote { field, effect: Effect::LeftOut, reason: bounded(&reason, MAX_MESSAGE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_field_may_be_refused_but_not_the_run_id() {
        let refused = |field: &str| {
            let error = AirtableError::Refused {
                what: "upsert".to_owned(),
                error_type: "INVALID_VALUE_FOR_COLUMN".to_owned(),
                message: format!("Field \"{field}\" cannot accept the provided value"),
            };
            refused_field(&error, &Shape::default())
        };
        assert_eq!(refused(schema::RUN_ID), None);
        for field in [schema::CLIENT_ID, schema::STATUS] {
            assert_eq!(refused(field), Some(field));
        }
    }
}
