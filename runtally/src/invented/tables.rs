//! Tables of the system's schema, as the simulated Airtable declares and fills them.

use serde_json::{Map, Value};
use shared::schema::{Field, FieldType, Table};
use simulators::airtable::{Airtable, EditError, FieldSpec, TableSpec};

const BATCH: usize = 500;

pub(super) type Cells = Map<String, Value>;

/// The table in a base that follows the schema.
pub fn table_spec(table: &Table) -> TableSpec {
    TableSpec::new(table.name, table.fields().map(field_spec).collect())
}

/// The table with these fields. A field replaces the one with its name, or is added.
pub(super) fn with(mut table: TableSpec, fields: impl IntoIterator<Item = FieldSpec>) -> TableSpec {
    for field in fields {
        match table.fields.iter_mut().find(|known| known.name == field.name) {
            Some(known) => *known = field,
            None => table.fields.push(field),
        }
    }
    table
}

/// The field in a base that follows the schema.
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

/// A row with these cells, without null cells.
pub(super) fn row<const N: usize>(cells: [(&str, Value); N]) -> Cells {
    let filled = cells.into_iter().filter(|(_, value)| !value.is_null());
    filled.map(|(name, value)| (name.to_owned(), value)).collect()
}

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
