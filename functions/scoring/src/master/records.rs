//! Reads run records and clients, even if somebody renamed a field that is needed for it.

use super::rows::MasterBase;
use shared::core::ids::RunId;
use shared::ports::Transport;
use shared::schema::{Field, run_record};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, Row, TableSchema};
use std::collections::{BTreeMap, BTreeSet};

/// The current names of a table's fields.
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

    /// A sentence for each field that was renamed.
    pub(super) fn notes(&self, table: &str) -> Vec<String> {
        let note = |(field, name): (&&str, &String)| {
            format!(
                "field {field:?} of {table:?} is called {name:?} now; rename it back to {field:?}"
            )
        };
        self.renamed.iter().map(note).collect()
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
    /// Reads records, oldest first, with all their fields if `fields` is empty.
    pub(super) async fn records(
        &self,
        fields: &[&'static str],
        formula: impl Fn(&FieldNames) -> Formula,
    ) -> Result<Vec<Row>, AirtableError> {
        let (table, known) = (run_record::TABLE, &run_record::FIELDS);
        let wanted = Wanted { table, known, fields, needed: &[] };
        let (rows, _) = self.by_our_names(wanted, |names| Some(formula(names))).await?;
        Ok(rows)
    }

    /// Reads rows, oldest first, with their cells by schema name. If Airtable does not know a
    /// field's name, the schema shows its current name.
    pub(super) async fn by_our_names(
        &self,
        Wanted { table, known, fields, needed }: Wanted<'_>,
        formula: impl Fn(&FieldNames) -> Option<Formula>,
    ) -> Result<(Vec<Row>, FieldNames), AirtableError> {
        let as_ours = FieldNames::default();
        let error = match self.list(table, fields, formula(&as_ours)).await {
            Err(error) if error.is_unknown_name() => error,
            listed => return Ok((listed?, as_ours)),
        };
        let names = match self.airtable.tables(self.id).await {
            Ok(tables) => tables.iter().find(|found| found.name == table).map(|found| {
                field_names(found, known, |field| self.airtable.renamed(self.id, found, field))
            }),
            Err(AirtableError::Denied { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(names) = names.filter(|names| *names != as_ours) else {
            if fields.is_empty() {
                return Err(error);
            }
            // Without the schema, only the rows show which fields there are.
            return Ok((self.list(table, &[], formula(&as_ours)).await?, as_ours));
        };
        if needed.iter().any(|field| names.lost.contains(field)) {
            return Err(error);
        }
        tracing::warn!(?names, table, "fields of the master base were renamed; rename them back");
        let fields = fields.iter().filter(|field| !names.lost.contains(*field));
        let fields: Vec<&str> = fields.map(|field| names.of(field)).collect();
        let rows = self.list(table, &fields, formula(&names)).await?;
        let rows = rows.into_iter().map(|row| names.in_our_names(row)).collect();
        Ok((rows, names))
    }
}

/// The fields to read of a table; all of them if `fields` is empty.
pub(super) struct Wanted<'a> {
    pub(super) table: &'static str,
    /// The table's fields according to our schema.
    pub(super) known: &'static [Field],
    pub(super) fields: &'a [&'static str],
    /// Fields without which nothing is read.
    pub(super) needed: &'a [&'static str],
}

/// The names of the fields, according to what is known of renamed ones. The first field of the run
/// records is the Run ID.
fn field_names(
    table: &TableSchema,
    known: &'static [Field],
    renamed: impl Fn(&str) -> Option<String>,
) -> FieldNames {
    let mut names = FieldNames::default();
    let has = |name: &str| table.fields.iter().any(|field| field.name == name);
    for field in known.iter().filter(|field| !has(field.name)) {
        let is_run_id = table.name == run_record::TABLE && field.name == run_record::RUN_ID;
        let primary = || table.primary_field().filter(|_| is_run_id);
        let primary = || primary().map(|field| field.name.clone());
        match renamed(field.name).or_else(primary) {
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
    use shared::schema::apify;

    fn table(names: &[&str]) -> TableSchema {
        let field = |(n, name): (usize, &&str)| json!({"id": format!("fld{n}"), "name": name, "type": "singleLineText"});
        let fields: Vec<Value> = names.iter().enumerate().map(field).collect();
        let table = json!({"name": run_record::TABLE, "primaryFieldId": "fld0", "fields": fields});
        serde_json::from_value(table).unwrap()
    }

    #[test]
    fn only_the_first_field_of_the_run_records_is_taken_for_the_run_id() {
        let mut apify = table(&["Apify Run ID", "Run"]);
        apify.name = apify::TABLE.to_owned();
        let names = field_names(&apify, &apify::FIELDS, |_| None);
        assert_eq!(names.find(apify::RUN_ID), None);
        assert_eq!(names.find(apify::APIFY_RUN_ID), Some("Apify Run ID"));
    }

    #[test]
    fn a_record_is_found_whatever_its_identity_is_called() {
        let run: RunId = "251014-153000-Guy-Wilson".parse().unwrap();
        let formula = |names: &[&str], by_id: &dyn Fn(&str) -> Option<String>| {
            field_names(&table(names), &run_record::FIELDS, by_id)
                .identity(&run)
                .as_str()
                .to_owned()
        };
        let nobody = |_: &str| None;
        let by_id = |field: &str| (field == run_record::RUN_ID).then(|| "Name".to_owned());
        for (names, by_id, name) in [
            (["Run", "Client ID"], &nobody as &dyn Fn(&str) -> _, "Run"),
            (["Run ID", "Customer"], &nobody, "Run ID"),
            (["Customer", "Name"], &by_id, "Name"),
        ] {
            let found = format!("{{{name}}}='251014-153000-Guy-Wilson'");
            assert_eq!(formula(&names, by_id), found);
        }
    }
}
