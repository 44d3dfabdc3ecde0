//! Rows as they are read and written, and the one way to read a cell.

use crate::core::ids::RecordId;
use crate::schema::{Field, FieldType};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A row with its cells by field name. Empty cells are omitted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    pub id: RecordId,
    /// [`Timestamp::MAX`] if Airtable does not say: the row then counts as the newest.
    #[serde(rename = "createdTime", default = "never", deserialize_with = "moment")]
    pub created_time: Timestamp,
    #[serde(default)]
    pub fields: Map<String, Value>,
}

fn never() -> Timestamp {
    Timestamp::MAX
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::MAX))
}

/// A change to an existing row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Update {
    pub id: RecordId,
    /// The new cells. `null` clears a cell; cells not named stay unchanged.
    pub fields: Map<String, Value>,
}

/// Airtable's answer to an upsert.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Upserted {
    /// The rows, in the order in which they were sent.
    pub records: Vec<Row>,
    /// The ids of the rows that were created.
    #[serde(rename = "createdRecords", default)]
    pub created: Vec<RecordId>,
}

/// Texts that mean yes in a field that should be a checkbox, in lower case.
const YES: [&str; 9] =
    ["true", "yes", "y", "on", "x", "checked", "\u{2713}", "\u{2714}", "\u{2705}"];
/// Texts that mean no.
pub(super) const NO: [&str; 6] = ["false", "no", "n", "off", "0", "unchecked"];

/// From here on, JSON numbers are not exact.
const MAX_WHOLE: f64 = 1e15;

/// A cell with content that does not fit its field: the result of a formula or lookup that failed
/// (`{"error":"#ERROR!"}`, `{"specialValue":"NaN"}`), or a value of another type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the field {field:?} of record {record} holds {holds}")]
pub struct OddCell {
    pub record: RecordId,
    pub field: String,
    /// What it holds, in words. Never a string that somebody wrote.
    pub holds: String,
}

impl Row {
    /// A cell as a string without white space around it. A number becomes its digits. A list with
    /// one value, as lookups and multiple selects give it, becomes that value. Empty for an empty
    /// cell and for anything else.
    pub fn text(&self, field: &str) -> String {
        match self.value(field) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                String::new()
            }
        }
    }

    /// A cell's value, or the only value if it is a list with one value.
    fn value(&self, field: &str) -> Option<&Value> {
        let cell = self.fields.get(field)?;
        let only = cell.as_array().map(Vec::as_slice).and_then(|cell| match cell {
            [only] => Some(only),
            _ => None,
        });
        Some(only.unwrap_or(cell))
    }

    /// The first of these fields whose cell is neither a string nor a number nor empty. A checkbox
    /// that is not set counts as empty.
    pub fn odd<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> Option<OddCell> {
        let odd = |field: &'a str| {
            let holds = odd_text(self.value(field)?)?;
            Some(self.odd_cell(field, &holds))
        };
        fields.into_iter().find_map(odd)
    }

    /// The first of these fields whose cell is an error or does not match the field's kind.
    pub fn odd_of(&self, fields: &[Field]) -> Option<OddCell> {
        fields.iter().find_map(|field| {
            if field.field_type != FieldType::Checkbox {
                return self.odd([field.name]);
            }
            let unclear = || self.odd_cell(field.name, "text that says neither yes nor no");
            let is_clear = self.says(field.name).is_some();
            (!is_clear).then(|| self.odd([field.name]).unwrap_or_else(unclear))
        })
    }

    /// The first of these fields whose cell is neither a number nor empty. A string of digits is a
    /// number.
    pub fn odd_number<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> Option<OddCell> {
        fields.into_iter().find_map(|field| {
            let cell = self.value(field)?;
            let holds = odd_text(cell).or_else(|| {
                let is_number = self.text(field).is_empty() || self.number(field).is_some();
                (!is_number).then(|| "text that is not a number".to_owned())
            });
            Some(self.odd_cell(field, &holds?))
        })
    }

    /// A cell as a limit: a whole number of at least 0; `None` for an empty cell.
    ///
    /// # Errors
    /// [`OddCell`] for anything else: a number that cannot be read must not count as no limit.
    pub fn limit(&self, field: &str) -> Result<Option<u64>, OddCell> {
        if let Some(odd) = self.odd_number([field]) {
            return Err(odd);
        }
        if self.text(field).is_empty() {
            return Ok(None);
        }
        let holds = match self.number(field) {
            Some(number) if number < 0.0 => "a negative number",
            Some(number) if number >= MAX_WHOLE => "a number that is too large",
            Some(_) | None => "a number that is not whole",
        };
        self.whole(field).map(Some).ok_or_else(|| self.odd_cell(field, holds))
    }

    fn odd_cell(&self, field: &str, holds: &str) -> OddCell {
        let (record, field, holds) = (self.id.clone(), field.to_owned(), holds.to_owned());
        OddCell { record, field, holds }
    }

    /// A cell as a number. A table may store it as a string.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.text(field).parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A cell as a whole number of at least 0, without its fraction. `None` for a string with a
    /// fraction, because its meaning is unclear.
    pub fn whole(&self, field: &str) -> Option<u64> {
        if let Value::Number(number) = self.value(field)? {
            let number = number.as_f64()?;
            return (0.0..MAX_WHOLE).contains(&number).then_some(number as u64);
        }
        self.text(field).parse().ok()
    }

    /// Whether a checkbox is set. If the table has a number or a text instead: whether it is not 0, or
    /// says yes.
    pub fn is_set(&self, field: &str) -> bool {
        self.says(field) == Some(true)
    }

    /// The meaning of a checkbox, or of a number or text instead of it; `None` if it is neither yes nor no.
    fn says(&self, field: &str) -> Option<bool> {
        if let Some(Value::Bool(set)) = self.value(field) {
            return Some(*set);
        }
        if let Some(number) = self.number(field) {
            return Some(number != 0.0);
        }
        let text = self.text(field).to_lowercase();
        let is_empty = text.is_empty() && self.odd([field]).is_none();
        if is_empty || NO.contains(&text.as_str()) {
            return Some(false);
        }
        YES.contains(&text.as_str()).then_some(true)
    }
}

/// What an odd cell holds, in words; `None` for a string, a number or an empty cell.
fn odd_text(cell: &Value) -> Option<String> {
    match cell {
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some("a checkbox".to_owned()),
        Value::Array(items) => (!items.is_empty()).then(|| "a list".to_owned()),
        // Airtable's own short words, such as `#ERROR!` and `NaN`.
        Value::Object(cell) => Some(match (cell.get("error"), cell.get("specialValue")) {
            (Some(error), _) => format!("an error ({})", in_short(error)),
            (None, Some(special)) => format!("no value ({})", in_short(special)),
            (None, None) => "an object".to_owned(),
        }),
    }
}

fn in_short(word: &Value) -> Cow<'_, str> {
    let word = word.as_str().unwrap_or("?");
    let is_plain = word.len() <= 40 && !word.contains(char::is_control);
    if is_plain { word.into() } else { "?".into() }
}

/// Sorts rows by age. If several rows fit, every reader takes the first.
pub fn oldest_first(rows: &mut [Row]) {
    rows.sort_by(|a, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(id: &str, created: &str, cell: Value) -> Row {
        let row = json!({"id": id, "createdTime": created, "fields": {"Cell": cell}});
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn a_cell_is_read_the_same_way_whatever_its_column_holds() {
        for (cell, text, number, whole, is_set) in [
            (json!(" Jane \n"), "Jane", None, None, false),
            (json!("  "), "", None, None, false),
            (json!(null), "", None, None, false),
            (json!([" a "]), "a", None, None, false),
            (json!([500]), "500", Some(500.0), Some(500), true),
            (json!([true]), "", None, None, true),
            (json!(["a", "b"]), "", None, None, false),
            (json!([["a"]]), "", None, None, false),
            (json!(false), "", None, None, false),
            (json!(true), "", None, None, true),
            (json!(0), "0", Some(0.0), Some(0), false),
            (json!(12), "12", Some(12.0), Some(12), true),
            (json!(12.7), "12.7", Some(12.7), Some(12), true),
            (json!(-3), "-3", Some(-3.0), None, true),
            (json!(2e15), "2000000000000000.0", Some(2e15), None, true),
            (json!(" 500 "), "500", Some(500.0), Some(500), true),
            (json!("1.5"), "1.5", Some(1.5), None, true),
            (json!("inf"), "inf", None, None, false),
            (json!(" Yes"), "Yes", None, None, true),
            (json!("FALSE"), "FALSE", None, None, false),
        ] {
            let row = row("rec00000000000001", "2026-11-23T10:00:00Z", cell.clone());
            let read =
                (row.text("Cell"), row.number("Cell"), row.whole("Cell"), row.is_set("Cell"));
            assert_eq!(read, (text.to_owned(), number, whole, is_set), "{cell}");
        }
    }

    #[test]
    fn an_odd_cell_is_named_by_record_field_and_what_it_holds() {
        for (cell, holds) in [
            (json!({"error": "#ERROR!"}), Some("an error (#ERROR!)")),
            (json!({"specialValue": "NaN"}), Some("no value (NaN)")),
            (json!({"url": "https://private"}), Some("an object")),
            (json!(["a", "b"]), Some("a list")),
            (json!([{"error": "#ERROR!"}]), Some("an error (#ERROR!)")),
            (json!(["a"]), None),
            (json!(true), Some("a checkbox")),
            (json!([]), None),
            (json!(false), None),
            (json!("text"), None),
            (json!(7), None),
        ] {
            let row = row("rec00000000000001", "2026-11-23T10:00:00Z", cell);
            let odd = row.odd(["Gone", "Cell"]).map(|odd| odd.to_string());
            let says =
                |holds| format!("the field \"Cell\" of record rec00000000000001 holds {holds}");
            assert_eq!(odd, holds.map(says));
        }
    }

    #[test]
    fn a_text_in_place_of_a_checkbox_says_yes_or_no_or_is_odd() {
        let fields = [Field {
            name: "Cell",
            field_type: FieldType::Checkbox,
            optional: true,
            written: false,
        }];
        for (cell, is_set, holds) in [
            (json!("TRUE"), true, None),
            (json!("No "), false, None),
            (json!("0"), false, None),
            (json!(null), false, None),
            (json!([]), false, None),
            (json!([true]), true, None),
            (json!("perhaps"), false, Some("text that says neither yes nor no")),
            (json!(["a", "b"]), false, Some("a list")),
            (json!({"error": "#ERROR!"}), false, Some("an error (#ERROR!)")),
        ] {
            let row = row("rec00000000000001", "2026-11-23T10:00:00Z", cell.clone());
            assert_eq!(row.is_set("Cell"), is_set, "{cell}");
            assert_eq!(row.odd_of(&fields).map(|odd| odd.holds).as_deref(), holds, "{cell}");
        }
    }

    #[test]
    fn a_limit_is_a_whole_number_or_none_and_anything_else_is_no_limit_of_none() {
        let limit = |cell: Value| {
            let row = row("rec00000000000001", "2026-11-23T10:00:00Z", cell);
            row.limit("Cell").map_err(|odd| odd.holds)
        };
        for empty in [json!(null), json!(""), json!("  "), json!([])] {
            assert_eq!(limit(empty), Ok(None));
        }
        for (cell, tokens) in
            [(json!(0), 0), (json!(12.7), 12), (json!(" 500 "), 500), (json!([500]), 500)]
        {
            assert_eq!(limit(cell), Ok(Some(tokens)));
        }
        for (cell, holds) in [
            (json!({"specialValue": "NaN"}), "no value (NaN)"),
            (json!({"error": "#ERROR!"}), "an error (#ERROR!)"),
            (json!("many"), "text that is not a number"),
            (json!("1,000"), "text that is not a number"),
            (json!("NaN"), "text that is not a number"),
            (json!("1.5"), "a number that is not whole"),
            (json!(2e15), "a number that is too large"),
            (json!("18446744073709551616"), "a number that is too large"),
            (json!(-1), "a negative number"),
            (json!("-1"), "a negative number"),
            (json!([500, 600]), "a list"),
            (json!(true), "a checkbox"),
        ] {
            assert_eq!(limit(cell), Err(holds.to_owned()));
        }
    }

    #[test]
    fn a_row_without_a_readable_time_counts_as_the_newest() {
        for row in [
            json!({"id": "rec0000000000000a"}),
            json!({"id": "rec0000000000000a", "createdTime": "soon", "fields": {}}),
        ] {
            let row: Row = serde_json::from_value(row).unwrap();
            assert_eq!((row.created_time, row.fields.len()), (Timestamp::MAX, 0));
        }
    }

    #[test]
    fn of_two_rows_as_old_the_smaller_id_comes_first() {
        let (early, late) = ("2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z");
        let [a, b, c] = ["rec0000000000000a", "rec0000000000000b", "rec0000000000000c"];
        let mut rows = [(c, early), (a, late), (b, early)].map(|(id, at)| row(id, at, json!("")));
        oldest_first(&mut rows);
        assert_eq!(rows.each_ref().map(|row| row.id.as_str()), [b, c, a]);
    }
}
