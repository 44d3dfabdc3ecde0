//! What is known of the table of run records: which fields can be written.

use crate::core::clock::Clock;
use crate::core::ids::BaseId;
use crate::ports::Transport;
use crate::schema::run_record as schema;
use crate::schema::{Field, FieldType, run_record};
use crate::services::airtable::{Airtable, TableSchema};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// How long what is known of the table's fields counts. A field that came back is written again
/// after this, or at the next tick.
const SHAPE_AGE: SignedDuration = SignedDuration::from_mins(10);
/// How long a refusal counts where the schema cannot be read. Then the field is tried again.
const REFUSAL_AGE: SignedDuration = SignedDuration::from_hours(1);

pub(super) const MERGE_ON: [&str; 2] = [schema::RUN_ID, schema::CLIENT_ID];

#[derive(Debug, Clone)]
pub(super) struct Shape {
    asked_at: Timestamp,
    /// Since when what is known here is known.
    known_since: Timestamp,
    pub(super) left_out: BTreeMap<&'static str, String>,
    /// Whether the table has the checkbox by which a person asks for a replay; `None` where the
    /// token may not read the schema.
    pub(super) has_retry: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recency {
    Recent,
    Now,
}

/// The table of run records in one base, with what is known of its fields.
pub(super) struct Table {
    pub(super) base: BaseId,
    clock: Clock,
    shape: Mutex<Option<Shape>>,
    /// The fields that the log has a line about.
    said: Mutex<BTreeSet<&'static str>>,
}

impl Table {
    pub(super) fn new(base: BaseId, clock: Clock) -> Self {
        Self { base, clock, shape: Mutex::new(None), said: Mutex::default() }
    }

    /// What is known of the table. A token that may not read the schema is fine: then only a
    /// refused write tells.
    pub(super) async fn shape(
        &self,
        airtable: &Airtable<impl Transport>,
        recency: Recency,
    ) -> Shape {
        let now = self.clock.now();
        let known = self.shape.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shape) = &known
            && recency == Recency::Recent
            && now.duration_since(shape.asked_at) < SHAPE_AGE
        {
            return shape.clone();
        }
        let (left_out, has_retry) = (BTreeMap::new(), None);
        let mut shape = Shape { asked_at: now, known_since: now, left_out, has_retry };
        match airtable.tables(&self.base).await {
            Ok(tables) => {
                if let Some(table) = tables.iter().find(|table| table.name == schema::TABLE) {
                    shape.left_out = unwritable(table);
                    shape.has_retry = Some(has_checkbox(table, schema::RETRY));
                    self.say_what_came_back(&shape);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the schema of run records is not known");
                let is_recent = |known: &Shape| now.duration_since(known.known_since) < REFUSAL_AGE;
                if let Some(known) = known.filter(is_recent) {
                    shape = Shape { asked_at: now, ..known };
                }
            }
        }
        for (field, reason) in &shape.left_out {
            self.say_left_out(field, reason);
        }
        self.remember(shape.clone());
        shape
    }

    pub(super) fn remember(&self, shape: Shape) {
        *self.shape.lock().unwrap_or_else(PoisonError::into_inner) = Some(shape);
    }

    /// Logs that a field or choice is left out, once as long as it is.
    pub(super) fn say_left_out(&self, field: &'static str, reason: &str) {
        if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(field) {
            tracing::error!(
                airtable.table = schema::TABLE,
                airtable.field = field,
                reason,
                "run records are written without this field; restore it in Airtable"
            );
        }
    }

    fn say_what_came_back(&self, shape: &Shape) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let back: BTreeSet<&'static str> =
            said.iter().filter(|field| !shape.left_out.contains_key(*field)).copied().collect();
        for field in back {
            said.remove(field);
            tracing::info!(
                airtable.table = schema::TABLE,
                airtable.field = field,
                "run records are written with this field again"
            );
        }
    }
}

fn has_checkbox(table: &TableSchema, name: &str) -> bool {
    table
        .fields
        .iter()
        .any(|field| field.name == name && FieldType::Checkbox.accepts(&field.field_type))
}

/// The fields that `table` lacks or has with another type, with the reason. The identity fields
/// are never left out: without them there is no record.
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
pub(super) fn refused_field(message: &str, shape: &Shape) -> Option<&'static str> {
    run_record::FIELDS
        .iter()
        .map(|field| field.name)
        .filter(|name| !MERGE_ON.contains(name) && !shape.left_out.contains_key(name))
        .find(|name| message.contains(&format!("\"{name}\"")))
}
