//! What the two kinds of rubric have in common.

use crate::task_error::TaskError;
use shared::core::ids::BaseId;
use shared::messages::ProfileAttribute;
use shared::schema::Field;
use shared::services::airtable::{OddCell, Row};

/// A client's rubric, read once per plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rubric {
    pub(crate) prompt: String,
    /// What profiles are scored by; none for posts.
    pub(crate) attributes: Vec<ProfileAttribute>,
    /// What was odd about it, for the run's notes.
    pub(crate) warnings: Vec<String>,
}

/// Tells which rows are active. `has_active` is whether the table has the checkbox `field`, `None`
/// when that is not known: Airtable leaves out checkboxes that are not set, so a table in which no
/// row has one then counts as a table without the field.
pub(super) fn is_active(
    rows: &[&Row],
    field: &'static str,
    has_active: Option<bool>,
) -> impl Fn(&Row) -> bool + use<> {
    let has_active =
        has_active.unwrap_or_else(|| rows.iter().any(|row| row.fields.contains_key(field)));
    move |row| !has_active || row.is_set(field)
}

/// The rows whose cells can be read. Each other one is left out, with a warning that names it.
pub(super) fn readable<'a>(
    rows: &'a [Row],
    (table, fields): (&str, &[Field]),
    warnings: &mut Vec<String>,
) -> Vec<&'a Row> {
    let is_readable = |row: &&Row| {
        let odd = row.odd_of(fields);
        warnings.extend(odd.iter().map(|odd| left_out(table, odd)));
        odd.is_none()
    };
    rows.iter().filter(is_readable).collect()
}

/// The warning about a row that is left out because of a cell.
pub(super) fn left_out(table: &str, odd: &OddCell) -> String {
    format!("a row of {table:?} is left out of the prompt: {odd}; correct it")
}

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
