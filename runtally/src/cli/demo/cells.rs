//! Reads cells of a run record, or of a lead's row.

use serde_json::{Map, Value};
use shared::schema::run_record;

/// The cost of the model in dollars; 0 if the record has no such cell.
pub(super) fn cost(record: &Map<String, Value>) -> f64 {
    record.get(run_record::AI_COST).and_then(Value::as_f64).unwrap_or_default()
}

/// A text cell; empty if the record has no such cell.
pub(super) fn field<'a>(record: &'a Map<String, Value>, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A count; 0 if the record has no such cell.
pub(super) fn number(record: &Map<String, Value>, name: &str) -> u64 {
    record.get(name).and_then(Value::as_u64).unwrap_or_default()
}
