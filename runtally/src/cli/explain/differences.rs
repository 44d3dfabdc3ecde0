//! What the record says against what the log says.

use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::schema::{Field, FieldType, run_record};

/// A field whose cell is not what the fold says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    pub(super) field: &'static str,
    /// By the log.
    pub(super) expected: Value,
    /// On the record.
    pub(super) found: Value,
}

/// Every difference between the cells that the fold makes and those of the record. A field that
/// is not among `expected` is none of ours.
pub(super) fn between(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
) -> Vec<Difference> {
    let difference = |field: &Field| {
        let expected = expected.get(field.name)?;
        let found = found.get(field.name).unwrap_or(&Value::Null);
        (!is_same(field.field_type, expected, found)).then(|| Difference {
            field: field.name,
            expected: expected.clone(),
            found: found.clone(),
        })
    };
    run_record::FIELDS.iter().filter_map(difference).collect()
}

/// Whether Airtable would show both alike: an empty text is no text, 3 is 3.0, a moment is a
/// moment however it is written, and a text may have lost the white space at its end.
fn is_same(field_type: FieldType, a: &Value, b: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().trim_end().to_owned();
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            // Airtable keeps six decimals of an amount; anything else that is written is whole.
            (a - b).abs() < 1e-6
        }
        (Value::String(_) | Value::Null, Value::String(_) | Value::Null) => {
            let (a, b) = (text(a), text(b));
            let moments = (a.parse::<Timestamp>(), b.parse::<Timestamp>());
            match (field_type, moments) {
                (FieldType::DateTime, (Ok(a), Ok(b))) => a == b,
                (_, _) => a == b,
            }
        }
        (_, _) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(expected: Value, found: Value) -> Vec<&'static str> {
        let cells = |value: Value| value.as_object().cloned().unwrap();
        between(&cells(expected), &cells(found)).iter().map(|found| found.field).collect()
    }

    #[test]
    fn what_airtable_shows_alike_is_no_difference() {
        let expected = json!({"Post Scoring Tokens": 3, "System Notes": "", "End Time": null,
            "Start Time": "2026-11-23T10:00:00.000Z", "Apify API Costs": 0.074_123_456_7});
        let found = json!({"Post Scoring Tokens": 3.0, "Start Time": "2026-11-23T10:00:00Z",
            "Apify API Costs": 0.074_123});
        assert_eq!(fields(expected, found), [""; 0]);
    }

    #[test]
    fn a_number_that_is_gone_and_one_that_was_edited_are_found() {
        let expected = json!({"Posts Examined for Scoring": 0, "Post Scoring Tokens": 3});
        assert_eq!(
            fields(expected, json!({"Post Scoring Tokens": 4, "Invoiced": true})),
            ["Posts Examined for Scoring", "Post Scoring Tokens"]
        );
    }
}
