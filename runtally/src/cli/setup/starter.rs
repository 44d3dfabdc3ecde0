//! A working example of a rubric for a base that has none: you can score with it on the first day,
//! and replace it with your own text.

use serde_json::{Map, Value, json};
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::schema::{Table, post_attributes, post_instructions, profile_attributes};
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row, TableSchema};
use std::collections::BTreeMap;

/// Most rows of one request to Airtable.
const ROWS_AT_ONCE: usize = 10;
/// The tables of a rubric, each with the field that identifies its rows.
const TABLES: [(&str, &str); 3] = [
    (post_instructions::TABLE, post_instructions::COMPONENT_ID),
    (post_attributes::TABLE, post_attributes::ID),
    (profile_attributes::TABLE, profile_attributes::ID),
];

/// What was done with one table of a rubric.
pub(super) struct Filled {
    pub(super) base: BaseId,
    pub(super) table: &'static str,
    /// Number of added rows; 0 if the table has rows.
    pub(super) rows: usize,
}

impl Filled {
    pub(super) fn json(&self) -> Value {
        json!({"base": self.base, "table": self.table, "rows": self.rows})
    }

    pub(super) fn line(&self, applied: bool) -> String {
        let Self { base, table, rows } = self;
        match (rows, applied) {
            (0, _) => format!("kept  {base}: table {table:?} has rows of its own"),
            (rows, true) => format!("added  {base}: {rows} example rows to table {table:?}"),
            (rows, false) => format!("would add  {base}: {rows} example rows to table {table:?}"),
        }
    }
}

/// Fills the empty rubric tables that are among `wanted`. Without `apply` it only reports what it
/// would add.
///
/// # Errors
/// When Airtable cannot be read, or refuses a row, for example because a select lacks a choice.
pub(super) async fn fill(
    airtable: &Airtable<HttpTransport>,
    base: &BaseId,
    wanted: &'static [Table],
    apply: bool,
) -> Result<Vec<Filled>, AirtableError> {
    let known = airtable.tables(base).await?;
    let mut filled = Vec::new();
    for (table, id) in TABLES.into_iter().filter(|(name, _)| wanted.iter().any(|t| t.name == *name))
    {
        let schema = known.iter().find(|known| known.name == table);
        let has_rows = match schema {
            Some(_) => {
                let rows: Vec<Row> = airtable.list(base, table, &ListQuery::default()).await?;
                !rows.is_empty()
            }
            None => false,
        };
        let rows = if has_rows { Vec::new() } else { rows_of(table) };
        if let Some(schema) = schema.filter(|_| apply) {
            let rows: Vec<Map<String, Value>> =
                rows.iter().map(|row| fitting(row, schema)).collect();
            // Merged by their names, so a repetition after a lost answer does not duplicate them.
            for rows in rows.chunks(ROWS_AT_ONCE) {
                airtable.upsert(base, table, &[id], rows).await?;
            }
        }
        filled.push(Filled { base: base.clone(), table, rows: rows.len() });
    }
    Ok(filled)
}

/// The example's rows of a table.
fn rows_of(table: &str) -> Vec<Map<String, Value>> {
    let mut tables: BTreeMap<String, Vec<Map<String, Value>>> =
        serde_json::from_str(include_str!("starter.json"))
            .expect("the example is part of the program");
    tables.remove(table).unwrap_or_default()
}

/// The cells of a row for which the table has a field.
fn fitting(row: &Map<String, Value>, table: &TableSchema) -> Map<String, Value> {
    let has = |name: &str| table.fields.iter().any(|field| field.name == name);
    row.iter()
        .filter(|(name, _)| has(name))
        .map(|(name, cell)| (name.clone(), cell.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::schema::CLIENT_BASE;

    #[test]
    fn every_cell_of_the_example_is_of_a_field_that_setup_makes() {
        for (name, id) in TABLES {
            let rows = rows_of(name);
            assert!(rows.len() > 3 && rows.len() <= ROWS_AT_ONCE, "{name}");
            let table = CLIENT_BASE.iter().find(|table| table.name == name).unwrap();
            for row in rows {
                assert!(row.contains_key(id), "{row:?}");
                for cell in row.keys() {
                    assert!(table.fields().any(|field| field.name == cell), "{name}: {cell}");
                }
            }
        }
    }
}
