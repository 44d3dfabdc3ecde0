//! What the two kinds of rubric have in common.

use crate::task_error::TaskError;
use shared::core::ids::BaseId;
use shared::services::airtable::Row;

/// A rubric that says nothing cannot be used.
pub(super) fn empty(table: &str, base: &BaseId, what: &str) -> TaskError {
    TaskError::Fatal(format!(
        "table {table:?} of base {base} has no {what}; add some before anything can be scored"
    ))
}

pub(crate) fn write_cells(out: &mut String, row: &Row, cells: &[(&str, &str)]) {
    for (label, field) in cells {
        let value = row.text(field);
        if !value.is_empty() {
            out.push_str(&format!("{label}: {value}\n"));
        }
    }
}
