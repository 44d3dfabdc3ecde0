//! Fields of the system's schema as the simulated Airtable declares them.

use serde_json::{Map, Value};
use shared::schema::{Field, FieldType};
use simulators::airtable::{Airtable, EditError, FieldSpec};

/// Rows that are put in at a time.
const BATCH: usize = 500;

/// Cells by field name.
pub(super) type Cells = Map<String, Value>;

/// The field of a base that is set up as it should be.
#[must_use]
pub fn field_spec(field: &Field) -> FieldSpec {
    match field.field_type {
        FieldType::Text => FieldSpec::text(field.name),
        FieldType::LongText => FieldSpec::long_text(field.name),
        FieldType::Number => FieldSpec::number(field.name, 0),
        FieldType::Currency => FieldSpec::currency(field.name, 6),
        FieldType::Percent => FieldSpec::percent(field.name, 2),
        FieldType::DateTime => FieldSpec::date_time(field.name),
        FieldType::Checkbox => FieldSpec::checkbox(field.name),
        FieldType::SingleSelect(choices) => FieldSpec::single_select(field.name, choices),
    }
}

/// A row of these cells; null is an empty one.
pub(super) fn row<const N: usize>(cells: [(&str, Value); N]) -> Cells {
    let filled = cells.into_iter().filter(|(_, value)| !value.is_null());
    filled.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Puts rows into a table, however many they are.
pub(super) fn fill(
    airtable: &Airtable,
    base: &str,
    table: &str,
    rows: impl IntoIterator<Item = Cells>,
) -> Result<(), EditError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        airtable.insert_all(base, table, rows.by_ref().take(BATCH).collect())?;
    }
    Ok(())
}
