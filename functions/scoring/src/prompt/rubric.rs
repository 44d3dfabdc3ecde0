//! What the two kinds of rubric have in common.

use shared::core::ids::BaseId;
use shared::services::airtable::{AirtableError, Row};

/// A rubric that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RubricError {
    #[error(transparent)]
    Airtable(#[from] AirtableError),
    #[error("table {table:?} of base {base} has no {what}; add some before anything can be scored")]
    Empty { table: &'static str, base: BaseId, what: &'static str },
}

/// Writes a line for each of the row's cells that is filled, after its label.
pub(crate) fn write_cells(out: &mut String, row: &Row, cells: &[(&str, &str)]) {
    for (label, field) in cells {
        let value = row.text(field);
        if !value.is_empty() {
            out.push_str(&format!("{label}: {value}\n"));
        }
    }
}
