//! What the two kinds of rubric have in common.

use serde_json::{Map, Value};
use shared::core::ids::BaseId;
use shared::services::airtable::AirtableError;

/// A rubric that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RubricError {
    #[error(transparent)]
    Airtable(#[from] AirtableError),
    #[error("table {table:?} of base {base} has no {what}; add some before anything can be scored")]
    Empty { table: &'static str, base: BaseId, what: &'static str },
}

/// The cells of a row.
pub(crate) type Cells = Map<String, Value>;

/// A cell as trimmed text; empty for anything that is neither text nor a number.
pub(crate) fn cell_text(row: &Cells, field: &str) -> String {
    match row.get(field) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

/// Writes a line for each of the row's cells that is filled, after its label.
pub(crate) fn write_cells(out: &mut String, row: &Cells, cells: &[(&str, &str)]) {
    for (label, field) in cells {
        let value = cell_text(row, field);
        if !value.is_empty() {
            out.push_str(&format!("{label}: {value}\n"));
        }
    }
}
