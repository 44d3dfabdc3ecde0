//! Rows as they are read and written, and the one way to read a cell.

use super::formula::Formula;
use crate::core::ids::{RecordId, RunId};
use crate::schema::run_record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A row, with its cells read as `F`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record<F> {
    pub id: RecordId,
    #[serde(rename = "createdTime")]
    pub created_time: Timestamp,
    /// Its cells; empty ones are left out.
    pub fields: F,
}

/// A change to an existing row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Update {
    pub id: RecordId,
    /// The cells; `null` clears one, cells not named stay.
    pub fields: Map<String, Value>,
}

/// What Airtable answered to an upsert.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Upserted {
    /// The rows, in the order they were sent.
    pub records: Vec<Row>,
    /// Those of them that did not exist.
    #[serde(rename = "createdRecords", default)]
    pub created: Vec<RecordId>,
}

/// A row with its cells by field name; empty cells are left out.
pub type Row = Record<Map<String, Value>>;

/// Whole numbers from here on are not exact in JSON.
const MAX_WHOLE: f64 = 1e15;

impl Row {
    /// A cell as text without white space around it; a number as its digits. Empty for a cell
    /// that is empty or holds anything else.
    pub fn text(&self, field: &str) -> String {
        match self.fields.get(field) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                String::new()
            }
        }
    }

    /// A cell as a number, which a table may hold as text.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.text(field).parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A cell as a whole number from 0 on, a fraction cut off. `None` for text with a fraction:
    /// nobody can say how it is meant.
    pub fn whole(&self, field: &str) -> Option<u64> {
        if let Value::Number(number) = self.fields.get(field)? {
            let number = number.as_f64()?;
            return (0.0..MAX_WHOLE).contains(&number).then_some(number as u64);
        }
        self.text(field).parse().ok()
    }

    /// Whether a checkbox is set, or a number is not 0 where the table has one in its place.
    pub fn is_set(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
            || self.number(field).is_some_and(|number| number != 0.0)
    }
}

/// Sorts rows by age, so that every reader takes the same one of several that fit: the first.
pub fn oldest_first<F>(rows: &mut [Record<F>]) {
    rows.sort_by(|a, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
}

/// The rows with the identity of `run`: its Run ID and its Client ID.
pub fn identity(run: &RunId) -> Formula {
    Formula::all([
        Formula::equals(run_record::RUN_ID, run.as_str()),
        Formula::equals(run_record::CLIENT_ID, run.client().as_str()),
    ])
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
            (json!(["a"]), "", None, None, false),
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
        ] {
            let row = row("rec00000000000001", "2026-11-23T10:00:00Z", cell.clone());
            let read =
                (row.text("Cell"), row.number("Cell"), row.whole("Cell"), row.is_set("Cell"));
            assert_eq!(read, (text.to_owned(), number, whole, is_set), "{cell}");
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

    #[test]
    fn a_run_is_identified_by_its_run_id_and_its_client_id() {
        let run = "261123-100000-Guy-Wilson".parse().unwrap();
        let formula = "AND({Run ID}='261123-100000-Guy-Wilson',{Client ID}='Guy-Wilson')";
        assert_eq!(identity(&run).as_str(), formula);
    }
}
