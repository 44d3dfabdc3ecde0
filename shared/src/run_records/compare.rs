//! Compares what a record shows with what it should show.

use crate::core::digest::short_id_of;
use crate::core::json;
use crate::schema::{Field, FieldType, run_record as schema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What Airtable returned for a record right after it was written: a digest of each cell that this
/// system owns, and the fields that could not be written. As long as a record still shows the same,
/// its log does not have to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellDigests {
    cells: BTreeMap<String, String>,
    left_out: BTreeSet<String>,
}

impl CellDigests {
    /// The digests of `fields`. `left_out` lists the table's shortcomings, mostly fields that are
    /// not written.
    pub fn of(fields: &Map<String, Value>, left_out: BTreeSet<String>) -> Self {
        let cells = schema::FIELDS
            .iter()
            .filter_map(|field| {
                let value = fields.get(field.name).filter(|value| !is_empty(value))?;
                Some((field.name.to_owned(), short_id_of(&[&json::text(value)])))
            })
            .collect();
        Self { cells, left_out }
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are plain JSON values")
    }

    /// Reads digests from the event log; `None` if another release wrote them in another format.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The fields whose cells have changed since.
    pub fn changed(&self, now: &Self) -> Vec<&'static str> {
        schema::FIELDS
            .iter()
            .map(|field| field.name)
            .filter(|name| self.cells.get(*name) != now.cells.get(*name))
            .collect()
    }
}

/// The fields, in the order of the schema, whose cell in `shown` differs from `wanted`. Fields that
/// `wanted` does not have are not compared.
///
/// Airtable omits empty cells, writes times in its own format, and may cut white space at the end
/// of a string. These are not differences.
pub fn differences(wanted: &Map<String, Value>, shown: &Map<String, Value>) -> Vec<&'static str> {
    let differs = |field: &&Field| {
        let shown = shown.get(field.name).unwrap_or(&Value::Null);
        wanted.get(field.name).is_some_and(|wanted| !is_same(field.field_type, wanted, shown))
    };
    schema::FIELDS.iter().filter(differs).map(|field| field.name).collect()
}

fn is_same(field_type: FieldType, wanted: &Value, shown: &Value) -> bool {
    if is_empty(wanted) && is_empty(shown) {
        return true;
    }
    let numbers = wanted.as_f64().zip(shown.as_f64());
    let texts = wanted.as_str().zip(shown.as_str());
    match field_type {
        // Counts and tokens are whole numbers.
        FieldType::Number => numbers.is_some_and(|(wanted, shown)| (wanted - shown).abs() < 0.5),
        // Airtable may have rounded an amount.
        FieldType::Currency | FieldType::Percent => numbers
            .is_some_and(|(wanted, shown)| (wanted - shown).abs() <= 1e-9 * wanted.abs().max(1.0)),
        FieldType::DateTime => texts.is_some_and(|(wanted, shown)| {
            let times = wanted.parse::<Timestamp>().ok().zip(shown.parse::<Timestamp>().ok());
            times.is_some_and(|(wanted, shown)| wanted == shown)
        }),
        FieldType::Text | FieldType::LongText | FieldType::SingleSelect(_) => {
            texts.is_some_and(|(wanted, shown)| wanted.trim_end() == shown.trim_end())
        }
        FieldType::Checkbox => wanted == shown,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_people_write_and_empty_cells_change_nothing_of_what_a_record_shows() {
        let plain = CellDigests::of(&map(json!({"Status": "Running"})), BTreeSet::new());
        let row = map(json!({"Status": "Running", "Invoiced": true, "End Time": null}));
        assert_eq!(CellDigests::of(&row, BTreeSet::new()), plain);
        let edited = CellDigests::of(&map(json!({"Status": "Failed"})), BTreeSet::new());
        assert_eq!(plain.changed(&edited), ["Status"]);
        assert_ne!(
            CellDigests::of(&row, ["AI Cost".to_owned()].into()),
            plain,
            "a field that came back is to be written"
        );
        assert_eq!(CellDigests::from_text(&plain.to_text()), Some(plain));
    }

    #[test]
    fn cells_are_compared_by_the_type_of_their_field() {
        for (field, wanted, shown, is_same) in [
            ("Post Scoring Tokens", json!(3), json!(3.0), true),
            ("Post Scoring Tokens", json!(0), json!(null), false),
            ("Post Scoring Tokens", json!(4_000_000_001_u64), json!(4_000_000_000_u64), false),
            ("AI Cost", json!(0.1), json!(0.1 + 1e-12), true),
            ("AI Cost", json!(0.1), json!(0.100_001), false),
            ("AI Cost", json!(null), json!(0), false),
            ("Start Time", json!("2026-11-23T10:00:00.000Z"), json!("2026-11-23T10:00:00Z"), true),
            ("Start Time", json!("2026-11-23T10:00:00Z"), json!("2026-11-23T10:00:01Z"), false),
            ("End Time", json!(null), json!(null), true),
            ("System Notes", json!("a\nb"), json!("a\nb\n"), true),
            ("System Notes", json!(""), json!(null), true),
            ("Run ID", json!("2026-11-23T10:00:00Z"), json!("2026-11-23T10:00:00.0Z"), false),
            ("Status", json!("Completed"), json!("Failed"), false),
        ] {
            let found = differences(&map(json!({field: wanted})), &map(json!({field: shown})));
            assert_eq!(found.is_empty(), is_same, "{field}: {wanted} and {shown}");
        }
    }

    #[test]
    fn differences_come_in_the_order_of_the_schema_and_other_fields_are_not_compared() {
        let wanted = map(json!({"AI Cost": 0.1, "Status": "Completed", "Post Scoring Tokens": 0,
            "End Time": null}));
        let shown = map(json!({"Status": "Failed", "Balance": "not written", "Invoiced": true}));
        assert_eq!(differences(&wanted, &shown), ["Status", "Post Scoring Tokens", "AI Cost"]);
    }
}
