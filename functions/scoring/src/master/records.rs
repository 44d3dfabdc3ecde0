//! Reads run records, even if somebody renamed a field by which they are found.

use super::rows::MasterBase;
use shared::core::ids::RunId;
use shared::ports::Transport;
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, Row, TableSchema};
use std::collections::{BTreeMap, BTreeSet};

/// The current names of the run records' fields in the table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldNames {
    renamed: BTreeMap<&'static str, String>,
    /// Fields whose current name is unknown.
    lost: BTreeSet<&'static str>,
}

impl FieldNames {
    pub(super) fn of<'a>(&'a self, field: &'a str) -> &'a str {
        self.renamed.get(field).map_or(field, String::as_str)
    }

    /// The name that a field has in the table; `None` if it is not known.
    pub(super) fn find<'a>(&'a self, field: &'a str) -> Option<&'a str> {
        (!self.lost.contains(field)).then(|| self.of(field))
    }

    /// The condition for a run's record. A run's id contains its client's id, so the field Client ID
    /// is not needed.
    pub(super) fn identity(&self, run: &RunId) -> Formula {
        Formula::equals(self.of(run_record::RUN_ID), run.as_str())
    }

    /// A row with its cells by schema name.
    fn in_our_names(&self, mut row: Row) -> Row {
        for (field, name) in &self.renamed {
            if let Some(value) = row.fields.remove(name) {
                row.fields.insert((*field).to_owned(), value);
            }
        }
        row
    }
}

impl<T: Transport> MasterBase<'_, T> {
    /// Reads records, oldest first, with all their fields if `fields` is empty. If Airtable does
    /// not know a field's name, the schema shows its current name.
    pub(super) async fn records(
        &self,
        fields: &[&'static str],
        formula: impl Fn(&FieldNames) -> Formula,
    ) -> Result<Vec<Row>, AirtableError> {
        let as_ours = FieldNames::default();
        let listed = self.list(run_record::TABLE, fields, Some(formula(&as_ours))).await;
        let error = match listed {
            Err(error) if error.is_unknown_name() => error,
            listed => return listed,
        };
        let names = match self.airtable.tables(self.id).await {
            Ok(tables) => {
                tables.iter().find(|table| table.name == run_record::TABLE).map(|table| {
                    let by_id = |field: &str| self.airtable.renamed(self.id, table, field);
                    field_names(table, by_id)
                })
            }
            Err(AirtableError::Denied { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(names) = names.filter(|names| *names != as_ours) else { return Err(error) };
        tracing::warn!(?names, "fields of the run records were renamed; rename them back");
        let fields = fields.iter().filter(|field| !names.lost.contains(*field));
        let fields: Vec<&str> = fields.map(|field| names.of(field)).collect();
        let rows = self.list(run_record::TABLE, &fields, Some(formula(&names))).await?;
        Ok(rows.into_iter().map(|row| names.in_our_names(row)).collect())
    }
}

/// The names of the fields, found by their ids where these are known, or by a name that looks the
/// same. The table's first field is the Run ID.
fn field_names(table: &TableSchema, by_id: impl Fn(&str) -> Option<String>) -> FieldNames {
    let mut names = FieldNames::default();
    let has = |name: &str| table.fields.iter().any(|field| field.name == name);
    for field in run_record::FIELDS.iter().filter(|field| !has(field.name)) {
        let primary = || table.primary_field().filter(|_| field.name == run_record::RUN_ID);
        let primary = || primary().map(|field| field.name.clone());
        let alike = || table.alike(field.name).map(|field| field.name.clone());
        match by_id(field.name).or_else(alike).or_else(primary) {
            Some(name) => drop(names.renamed.insert(field.name, name)),
            None => drop(names.lost.insert(field.name)),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn table(names: &[&str]) -> TableSchema {
        let field = |(n, name): (usize, &&str)| json!({"id": format!("fld{n}"), "name": name, "type": "singleLineText"});
        let fields: Vec<Value> = names.iter().enumerate().map(field).collect();
        let table = json!({"name": run_record::TABLE, "primaryFieldId": "fld0", "fields": fields});
        serde_json::from_value(table).unwrap()
    }

    #[test]
    fn a_record_is_found_whatever_its_identity_is_called() {
        let run: RunId = "251014-153000-Guy-Wilson".parse().unwrap();
        let formula = |names: &[&str], by_id: &dyn Fn(&str) -> Option<String>| {
            field_names(&table(names), by_id).identity(&run).as_str().to_owned()
        };
        let nobody = |_: &str| None;
        let by_id = |field: &str| (field == run_record::RUN_ID).then(|| "Name".to_owned());
        for (names, by_id, name) in [
            (["Run", "Client ID"], &nobody as &dyn Fn(&str) -> _, "Run"),
            (["Run ID", "Customer"], &nobody, "Run ID"),
            (["Customer", "run id "], &nobody, "run id "),
            (["Customer", "Name"], &by_id, "Name"),
        ] {
            let found = format!("{{{name}}}='251014-153000-Guy-Wilson'");
            assert_eq!(formula(&names, by_id), found);
        }
    }
}
