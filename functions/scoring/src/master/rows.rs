//! Rows of the master base.

use serde_json::{Map, Value};
use shared::core::ids::BaseId;
use shared::ports::Transport;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Record};

pub(crate) type Row = Record<Map<String, Value>>;

/// The base that lists the clients and holds the run records.
#[derive(Clone, Copy)]
pub(crate) struct MasterBase<'a, T> {
    pub(crate) airtable: &'a Airtable<T>,
    pub(crate) id: &'a BaseId,
}

impl<T: Transport> MasterBase<'_, T> {
    /// Reads rows with all their fields. Naming a field that somebody renamed, or that a base
    /// lacks, would have the request refused.
    pub(crate) async fn list(
        &self,
        table: &str,
        formula: Formula,
    ) -> Result<Vec<Row>, AirtableError> {
        let query = ListQuery { formula: Some(formula), ..ListQuery::default() };
        self.airtable.list(self.id, table, &query).await
    }
}

/// Of several rows that fit, the same one every time.
pub(crate) fn oldest(rows: &[Row]) -> Option<&Row> {
    rows.iter().min_by_key(|row| (row.created_time, &row.id))
}

/// A cell as text; empty for anything that is neither text nor a number.
pub(crate) fn cell_text(row: &Row, field: &str) -> String {
    match row.fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

/// A cell with a whole number, stored as a number or as text.
pub(crate) fn cell_whole(row: &Row, field: &str) -> Option<u64> {
    match row.fields.get(field) {
        Some(Value::Number(number)) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|n| *n >= 0.0 && *n < 1e15).map(|n| n as u64)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    }
}
