//! Comparing what a record shows with what it was written to show.

use crate::core::digest::short_id_of;
use crate::core::json;
use crate::schema::run_record as schema;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What Airtable showed of a record right after it was written: a digest of each cell that this
/// system owns, as Airtable gave it back, and the fields that could not be written. A record that
/// still shows the same needs no look at the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellDigests {
    cells: BTreeMap<String, String>,
    left_out: BTreeSet<String>,
}

impl CellDigests {
    /// What `fields` show, of a table that lacks the fields `left_out`.
    #[must_use]
    pub fn of<'a>(
        fields: &Map<String, Value>,
        left_out: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let cells = schema::FIELDS
            .iter()
            .filter_map(|field| {
                let value = fields.get(field.name).filter(|value| !is_empty(value))?;
                Some((field.name.to_owned(), short_id_of(&[&json::text(value)])))
            })
            .collect();
        Self { cells, left_out: left_out.into_iter().map(str::to_owned).collect() }
    }

    /// As the event log keeps it.
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are plain JSON values")
    }

    /// From the event log; `None` for what another release wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The fields whose cells are no longer what was shown.
    #[must_use]
    pub fn changed(&self, now: &Self) -> Vec<&'static str> {
        schema::FIELDS
            .iter()
            .map(|field| field.name)
            .filter(|name| self.cells.get(*name) != now.cells.get(*name))
            .collect()
    }
}

/// The fields in which `shown` is not what `wanted` says. Airtable leaves out empty cells, writes
/// times its own way and may cut white space at a text's end: none of this is a difference.
#[must_use]
pub fn differences(wanted: &Map<String, Value>, shown: &Map<String, Value>) -> Vec<&'static str> {
    schema::FIELDS
        .iter()
        .map(|field| field.name)
        .filter(|name| {
            let Some(wanted) = wanted.get(*name) else { return false };
            !is_same(wanted, shown.get(*name).unwrap_or(&Value::Null))
        })
        .collect()
}

fn is_same(wanted: &Value, shown: &Value) -> bool {
    match (wanted, shown) {
        (Value::Number(wanted), Value::Number(shown)) => {
            let (wanted, shown) = (wanted.as_f64(), shown.as_f64());
            wanted.zip(shown).is_some_and(|(wanted, shown)| {
                (wanted - shown).abs() <= 1e-9 * wanted.abs().max(1.0)
            })
        }
        (Value::String(wanted), Value::String(shown)) => {
            wanted.trim_end() == shown.trim_end()
                || matches!(
                    (wanted.parse::<Timestamp>(), shown.parse::<Timestamp>()),
                    (Ok(wanted), Ok(shown)) if wanted == shown
                )
        }
        (wanted, shown) => (is_empty(wanted) && is_empty(shown)) || wanted == shown,
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
        let plain = CellDigests::of(&map(json!({"Status": "Running"})), []);
        let row = map(json!({"Status": "Running", "Invoiced": true, "End Time": null}));
        assert_eq!(CellDigests::of(&row, []), plain);
        let edited = CellDigests::of(&map(json!({"Status": "Failed"})), []);
        assert_eq!(plain.changed(&edited), ["Status"]);
        assert_ne!(
            CellDigests::of(&row, ["AI Cost"]),
            plain,
            "a field that came back is to be written"
        );
        assert_eq!(CellDigests::from_text(&plain.to_text()), Some(plain));
    }

    #[test]
    fn only_what_says_something_else_is_a_difference() {
        let wanted = map(json!({"Status": "Completed", "AI Cost": 0.1, "System Notes": "a\nb",
            "Start Time": "2026-11-23T10:00:00.000Z", "End Time": null, "Error Details": "",
            "Post Scoring Tokens": 0}));
        let mut shown =
            map(json!({"Status": "Completed", "AI Cost": 0.1, "System Notes": "a\nb\n",
            "Start Time": "2026-11-23T10:00:00Z", "Post Scoring Tokens": 0}));
        assert_eq!(differences(&wanted, &shown), Vec::<&str>::new());
        shown.extend(map(json!({"AI Cost": 0.2, "Status": "Failed", "Balance": "not written"})));
        shown.remove("Post Scoring Tokens");
        assert_eq!(differences(&wanted, &shown), ["Status", "Post Scoring Tokens", "AI Cost"]);
    }
}
