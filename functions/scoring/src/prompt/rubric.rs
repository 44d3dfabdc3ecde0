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
    /// The attributes by which profiles are scored; empty for posts.
    pub(crate) attributes: Vec<ProfileAttribute>,
    /// Problems in the rubric, for the run's notes.
    pub(crate) warnings: Vec<String>,
}

/// Returns a function that says which rows are active. `has_active` says whether the table has the
/// checkbox `field`; `None` if that is unknown. Airtable omits checkboxes that are not set, so if
/// no row has the field, the table counts as one without it.
pub(super) fn is_active(
    rows: &[&Row],
    field: &'static str,
    has_active: Option<bool>,
) -> impl Fn(&Row) -> bool + use<> {
    let has_active =
        has_active.unwrap_or_else(|| rows.iter().any(|row| row.fields.contains_key(field)));
    move |row| !has_active || row.is_set(field)
}

/// The rows whose cells can be read. Each other row is left out, with a warning that names it.
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

/// The warning about a row that is left out because of one of its cells.
pub(super) fn left_out(table: &str, odd: &OddCell) -> String {
    format!("a row of {table:?} is left out of the prompt: {odd}; correct it")
}

/// The error for a rubric that is empty, and therefore unusable.
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
