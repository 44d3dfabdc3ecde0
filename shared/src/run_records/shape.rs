//! The shape of the table of run records, according to its schema: which fields can be written,
//! under which names, and with which choices.

use super::field_note::{Effect, FieldNote};
use super::fields::{all_cells, chosen};
use super::notes;
use crate::core::ids::RunId;
use crate::fold::Summary;
use crate::schema::run_record as schema;
use crate::schema::{Field, FieldType};
use crate::services::airtable::formula::Formula;
use crate::services::airtable::{FieldSchema, TableSchema};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Ids of fields, by the names they had when the schema was read.
pub(super) type FieldIds = BTreeMap<&'static str, String>;

/// What is known about the table. By default nothing is known: then every field is written, and
/// only a refused write shows what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Fields that are not written, with the reason.
    pub(super) left_out: BTreeMap<&'static str, String>,
    /// Fields that were renamed, with their new names.
    renamed: BTreeMap<&'static str, String>,
    /// The choices of select fields.
    choices: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whether the table has the checkbox `Retry`; `None` if the schema is unknown.
    pub(super) has_retry: Option<bool>,
}

impl Shape {
    /// The shape of `table`. A field that was renamed after `ids` were read is found by its id, and
    /// one whose name looks the same by its name. The Run ID can also be found as the table's first
    /// field. It is never left out: without it there is no record.
    pub(super) fn of(table: &TableSchema, ids: &FieldIds) -> Self {
        let is_retry = |field: &&FieldSchema| field.name == schema::RETRY;
        let retry = table.fields.iter().find(is_retry);
        let has_retry = retry.is_some_and(|field| FieldType::Checkbox.accepts(&field.field_type));
        let mut shape = Self { has_retry: Some(has_retry), ..Self::default() };
        for field in &schema::FIELDS {
            shape.add(field, table, ids);
        }
        shape
    }

    /// The shape of `table`, as far as its field names show it.
    pub fn of_table(table: &TableSchema) -> Self {
        Self::of(table, &FieldIds::new())
    }

    fn add(&mut self, field: &'static Field, table: &TableSchema, ids: &FieldIds) {
        let wanted = field.field_type.in_words();
        let by_name = table.fields.iter().find(|known| known.name == field.name);
        let by_id = || {
            let id = ids.get(field.name)?;
            table.fields.iter().find(|known| known.id == *id)
        };
        let primary = || table.primary_field().filter(|_| field.name == schema::RUN_ID);
        let alike = || table.alike(field.name);
        let reason = match by_name.or_else(by_id).or_else(alike).or_else(primary) {
            None => format!("the table has no such field; add it as {wanted}"),
            Some(known) if !is_usable(field, known) => {
                format!("it is a {} field in Airtable; make it {wanted}", known.field_type)
            }
            Some(known) => {
                if known.name != field.name {
                    self.renamed.insert(field.name, known.name.clone());
                }
                if known.field_type == "singleSelect" {
                    let choices = known.options.choices.iter().map(|choice| choice.name.clone());
                    self.choices.insert(field.name, choices.collect());
                }
                return;
            }
        };
        if field.name != schema::RUN_ID {
            self.left_out.insert(field.name, reason);
        }
    }

    /// The fields by which a run's record is found. A Client ID that is missing or has choices is not
    /// needed for that: the Run ID ends with it.
    pub(super) fn merge_on(&self) -> impl Iterator<Item = &'static str> {
        let client = schema::CLIENT_ID;
        let is_usable = !self.left_out.contains_key(client) && !self.choices.contains_key(client);
        [schema::RUN_ID].into_iter().chain(is_usable.then_some(client))
    }

    /// The cells by which the run's record is found, by schema name.
    pub(super) fn identity_cells(&self, run: &RunId) -> Vec<(&'static str, String)> {
        let id_in = |field| match field {
            schema::RUN_ID => run.to_string(),
            _ => run.client().to_string(),
        };
        self.merge_on().map(|field| (field, id_in(field))).collect()
    }

    /// The rows with the identity of `run`.
    pub fn identity(&self, run: &RunId) -> Formula {
        let cells = self.identity_cells(run).into_iter();
        Formula::all(cells.map(|(field, id)| Formula::equals(self.name(field), &id)))
    }

    /// Every cell of the run's record, by schema name, including the notes about fields. `refused`
    /// are additional notes from the current write.
    pub(super) fn cells_with(
        &self,
        summary: &Summary,
        refused: &[FieldNote],
    ) -> Map<String, Value> {
        let mut notes = self.notes(summary);
        notes.extend(refused.iter().cloned());
        let mut cells = all_cells(summary);
        cells.insert(
            schema::SYSTEM_NOTES,
            json!(notes::system_notes(summary, &notes, self.has_retry)),
        );
        for note in &notes {
            match note.effect {
                Effect::LeftOut => drop(cells.remove(note.field)),
                Effect::Cleared => drop(cells.insert(note.field, Value::Null)),
                Effect::Renamed => {}
            }
        }
        cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Every cell of the run's record, by schema name.
    pub fn cells(&self, summary: &Summary) -> Map<String, Value> {
        self.cells_with(summary, &[])
    }

    fn notes(&self, summary: &Summary) -> Vec<FieldNote> {
        let left_out = self.left_out.iter().map(|(field, reason)| FieldNote {
            field,
            effect: Effect::LeftOut,
            reason: reason.clone(),
        });
        let renamed = self.renamed.iter().map(|(field, name)| {
            let reason =
                format!("it is called {name:?} in Airtable now; rename it back to {field:?}");
            FieldNote { field, effect: Effect::Renamed, reason }
        });
        let cleared = chosen(summary).into_iter().filter_map(|(field, choice)| {
            let known = self.choices.get(field)?;
            (!known.contains(choice)).then(|| FieldNote::missing_choice(field, choice))
        });
        left_out.chain(renamed).chain(cleared).collect()
    }

    /// The field's name in the table.
    pub(super) fn name<'a>(&'a self, field: &'a str) -> &'a str {
        self.renamed.get(field).map_or(field, String::as_str)
    }

    /// Cells by their names in the table.
    pub(super) fn to_table(&self, cells: Map<String, Value>) -> Map<String, Value> {
        if self.renamed.is_empty() {
            return cells;
        }
        cells.into_iter().map(|(field, value)| (self.name(&field).to_owned(), value)).collect()
    }

    /// A row's cells by schema name.
    pub fn in_our_names(&self, mut cells: Map<String, Value>) -> Map<String, Value> {
        for (field, name) in &self.renamed {
            if let Some(value) = cells.remove(name) {
                cells.insert((*field).to_owned(), value);
            }
        }
        cells
    }

    /// What prevents all records from showing everything they should. If this changes, the records
    /// written before have to be checked.
    pub(super) fn shortcomings(&self) -> BTreeSet<String> {
        let left_out = self.left_out.keys().map(|field| (*field).to_owned());
        let renamed = self.renamed.iter().map(|(field, name)| format!("{field}: named {name}"));
        let lacks = schema::FIELDS.iter().filter_map(|field| {
            let FieldType::SingleSelect(wanted) = field.field_type else { return None };
            let known = self.choices.get(field.name)?;
            let missing = wanted.iter().filter(|choice| !known.contains(**choice));
            let missing: Vec<&str> = missing.copied().collect();
            let says = || format!("{}: without {}", field.name, missing.join(", "));
            (!missing.is_empty()).then(says)
        });
        let clients = self.choices.get(schema::CLIENT_ID).map(|known| {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("{}: only {}", schema::CLIENT_ID, known.join(", "))
        });
        left_out.chain(renamed).chain(lacks).chain(clients).collect()
    }
}

/// Whether a field of the table can be written as `field`. The Client ID may be a select: its cell
/// is written if the select has the choice.
fn is_usable(field: &Field, known: &FieldSchema) -> bool {
    let is_select = known.field_type == "singleSelect";
    field.field_type.accepts(&known.field_type) || (field.name == schema::CLIENT_ID && is_select)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::story::{Story, run_failed};
    use serde_json::json;

    /// A table with all fields of the right types, after `change`.
    fn table(change: impl Fn(&mut Vec<Value>)) -> TableSchema {
        let fields = schema::FIELDS.iter().enumerate();
        let mut fields: Vec<Value> = fields
            .map(|(n, field)| {
                let (airtable, choices) = match field.field_type {
                    FieldType::Text => ("singleLineText", &[][..]),
                    FieldType::LongText => ("multilineText", &[][..]),
                    FieldType::Number => ("number", &[][..]),
                    FieldType::Currency => ("currency", &[][..]),
                    FieldType::Percent => ("percent", &[][..]),
                    FieldType::DateTime => ("dateTime", &[][..]),
                    FieldType::Checkbox => ("checkbox", &[][..]),
                    FieldType::SingleSelect(choices) => ("singleSelect", choices),
                };
                let choices: Vec<Value> =
                    choices.iter().map(|name| json!({"name": name})).collect();
                json!({"id": format!("fld{n}"), "name": field.name, "type": airtable,
                    "options": {"choices": choices}})
            })
            .collect();
        change(&mut fields);
        serde_json::from_value(json!({"name": schema::TABLE, "fields": fields})).unwrap()
    }

    fn at(field: &str) -> usize {
        schema::FIELDS.iter().position(|known| known.name == field).unwrap()
    }

    fn ids() -> FieldIds {
        let ids = schema::FIELDS.iter().enumerate();
        ids.map(|(n, field)| (field.name, format!("fld{n}"))).collect()
    }

    fn failed() -> Summary {
        Story::new().tell(run_failed(None, "told")).summary()
    }

    #[test]
    fn a_choice_that_a_select_lacks_clears_the_cell_and_the_notes_say_so() {
        let choices = ["Running", "Done"].map(|name| json!({"name": name}));
        let table = table(|fields| {
            fields[at(schema::STATUS)]["options"]["choices"] = json!(choices.clone());
        });
        let shape = Shape::of(&table, &ids());
        let cells = shape.cells(&failed());
        assert_eq!(cells[schema::STATUS], Value::Null);
        let says = r#"Field "Status" is empty: the table lacks the choice "Failed"; add it"#;
        assert!(cells[schema::SYSTEM_NOTES].as_str().unwrap().contains(says), "{cells:?}");
        let lacks = "Status: without Completed, Completed with Errors, Stalled, Failed".to_owned();
        assert_eq!(shape.shortcomings(), [lacks].into());
        let running = Story::new().opened().summary();
        assert_eq!(shape.cells(&running)[schema::STATUS], "Running", "that one it has");
    }

    #[test]
    fn a_renamed_field_is_known_by_its_id_written_under_its_new_name_and_named() {
        let table = table(|fields| fields[at(schema::POST_TOKENS)]["name"] = json!("Tokens"));
        let shape = Shape::of(&table, &ids());
        let cells = shape.to_table(shape.cells(&failed()));
        assert_eq!((&cells["Tokens"], cells.get(schema::POST_TOKENS)), (&json!(0), None));
        let says = "it is called \"Tokens\" in Airtable now; rename it back to \"Post Scoring \
                    Tokens\"";
        assert!(cells[schema::SYSTEM_NOTES].as_str().unwrap().contains(says), "{cells:?}");
        assert_eq!(shape.in_our_names(cells)[schema::POST_TOKENS], 0);
        let renamed = "Post Scoring Tokens: named Tokens".to_owned();
        assert_eq!(shape.shortcomings(), [renamed].into());
        let unknown = Shape::of(&table, &FieldIds::new());
        assert!(unknown.left_out.contains_key(schema::POST_TOKENS), "nobody knows its id");
    }

    #[test]
    fn a_field_whose_name_looks_the_same_is_written_under_its_own_name() {
        let table = table(|fields| fields[at(schema::STATUS)]["name"] = json!("status "));
        let shape = Shape::of(&table, &FieldIds::new());
        let cells = shape.to_table(shape.cells(&failed()));
        assert_eq!(cells["status "], "Failed");
        let says = "it is called \"status \" in Airtable now; rename it back to \"Status\"";
        assert!(cells[schema::SYSTEM_NOTES].as_str().unwrap().contains(says), "{cells:?}");
    }

    #[test]
    fn a_record_is_found_by_its_run_id_alone_where_the_client_id_cannot_be_matched() {
        let client = at(schema::CLIENT_ID);
        let (run_alone, both) = (
            "AND({Run ID}='261123-100000-Guy-Wilson')",
            "AND({Run ID}='261123-100000-Guy-Wilson',{Client ID}='Guy-Wilson')",
        );
        let select = |choice: &str| {
            json!({"id": "fld1", "name": schema::CLIENT_ID, "type": "singleSelect",
                "options": {"choices": [{"name": choice}]}})
        };
        let of = |kind: &str| json!({"id": "fld1", "name": schema::CLIENT_ID, "type": kind});
        let written = Some(json!("Guy-Wilson"));
        for (field, formula, cell) in [
            (of("singleLineText"), both, written.clone()),
            (of("number"), run_alone, None),
            (json!({"id": "fld1", "name": "Customer", "type": "singleLineText"}), run_alone, None),
            (select("Guy-Wilson"), run_alone, written),
            (select("Ada-Park"), run_alone, Some(Value::Null)),
        ] {
            let shape =
                Shape::of(&table(|fields| fields[client] = field.clone()), &FieldIds::new());
            let failed = failed();
            assert_eq!(shape.identity(&failed.run).as_str(), formula, "{field}");
            assert_eq!(shape.cells(&failed).get(schema::CLIENT_ID), cell.as_ref(), "{field}");
        }
        let shape = Shape::of(&table(|fields| fields[client] = select("Ada-Park")), &ids());
        assert_eq!(shape.shortcomings(), ["Client ID: only Ada-Park".to_owned()].into());
    }

    #[test]
    fn a_field_of_another_type_or_that_is_missing_is_left_out_and_the_run_id_never_is() {
        let table = table(|fields| {
            fields[at(schema::START_TIME)]["type"] = json!("date");
            fields.retain(|field| {
                field["name"] != schema::AI_COST && field["name"] != schema::RUN_ID
            });
        });
        let shape = Shape::of(&table, &FieldIds::new());
        let left_out: Vec<&str> = shape.left_out.keys().copied().collect();
        assert_eq!(left_out, [schema::AI_COST, schema::START_TIME]);
        let cells = shape.cells(&failed());
        assert!(cells.contains_key(schema::RUN_ID) && !cells.contains_key(schema::AI_COST));
    }
}
