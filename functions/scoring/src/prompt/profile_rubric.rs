//! The system prompt of profile scoring, built from a client's table `Scoring Attributes`.

use super::rubric::{Rubric, empty, is_active, left_out, readable, write_cells};
use crate::task_error::TaskError;
use shared::core::ids::BaseId;
use shared::messages::ProfileAttribute;
use shared::ports::Transport;
use shared::schema::profile_attributes as schema;
use shared::services::airtable::{Airtable, ListQuery, Row};
use std::fmt::Write as _;

/// Most attributes of a client. Each chunk contains all of them.
const MAX_ATTRIBUTES: usize = 200;

/// Reads a client's rubric for profiles with one request.
pub(crate) async fn read_profile_rubric(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    has_active: Option<bool>,
) -> Result<Rubric, TaskError> {
    let rows: Vec<Row> = airtable.list(base, schema::TABLE, &ListQuery::default()).await?;
    prompt(&rows, has_active)
        .ok_or_else(|| empty(schema::TABLE, base, "active positive attributes"))
}

/// The preamble, then the positive attributes, then the negative ones, each sorted by id. `None` if
/// no active attribute gives points.
fn prompt(rows: &[Row], has_active: Option<bool>) -> Option<Rubric> {
    let mut warnings = Vec::new();
    let mut rows = readable(rows, (schema::TABLE, &schema::FIELDS), &mut warnings);
    rows.retain(|row| {
        // Points that cannot be read must not count as 0 points.
        let odd = row.odd_number([schema::MAX_POINTS, schema::PENALTY, schema::MIN_TO_QUALIFY]);
        warnings.extend(odd.iter().map(|odd| left_out(schema::TABLE, odd)));
        odd.is_none()
    });
    let is_active = is_active(&rows, schema::ACTIVE, has_active);
    let category = |row: &Row| row.text(schema::CATEGORY).to_lowercase();
    let is_preamble =
        |row: &Row| row.text(schema::ID) == schema::PREAMBLE || category(row) == schema::META;
    let mut sorted = rows;
    sorted.sort_by_cached_key(|row| row.text(schema::ID));
    let mut parts: Vec<String> = Vec::new();
    for row in sorted.iter().filter(|row| is_preamble(row)) {
        // The preamble is used even if it is not marked as active.
        let texts = [schema::INSTRUCTIONS, schema::EXAMPLES, schema::SIGNALS];
        parts.extend(texts.iter().map(|field| row.text(field)).filter(|text| !text.is_empty()));
    }
    let mut attributes: Vec<ProfileAttribute> = Vec::new();
    let (mut positives, mut negatives) = (String::new(), String::new());
    for row in sorted.iter().filter(|row| !is_preamble(row) && is_active(row)) {
        let id = row.text(schema::ID);
        if id.is_empty() || attributes.iter().any(|known| known.id == id) {
            warnings.push(format!(
                "an attribute of {:?} is left out: its id {id:?} is empty or used twice",
                schema::TABLE
            ));
            continue;
        }
        let negative = category(row) == schema::NEGATIVE;
        if !negative && category(row) != schema::POSITIVE {
            warnings.push(format!(
                "attribute {id:?} has the unknown category {:?} and counts as positive: correct it",
                row.text(schema::CATEGORY)
            ));
        }
        let max = row.number(if negative { schema::PENALTY } else { schema::MAX_POINTS });
        let attribute = ProfileAttribute {
            label: row.text(schema::HEADING),
            max: max.unwrap_or(0.0).abs(),
            negative,
            bonus: row.is_set(schema::BONUS),
            id,
        };
        write_attribute(if negative { &mut negatives } else { &mut positives }, &attribute, row);
        attributes.push(attribute);
    }
    if attributes.iter().all(|attribute| attribute.negative) {
        return None;
    }
    if attributes.len() > MAX_ATTRIBUTES {
        warnings.push(format!("only the first {MAX_ATTRIBUTES} attributes are scored"));
        attributes.truncate(MAX_ATTRIBUTES);
    }
    for (heading, text) in [("Speaks for a profile", positives), ("Speaks against it", negatives)] {
        if !text.is_empty() {
            parts.push(format!("## {heading}\n{}", text.trim_end()));
        }
    }
    Some(Rubric { prompt: parts.join("\n\n"), attributes, warnings })
}

fn write_attribute(out: &mut String, attribute: &ProfileAttribute, row: &Row) {
    let _ = writeln!(out, "### {}: {}", attribute.id, attribute.label);
    if attribute.negative {
        let _ = writeln!(out, "Penalty: -{} at most", attribute.max);
    } else {
        let bonus = if attribute.bonus { " (bonus)" } else { "" };
        let _ = writeln!(out, "Maximum: {}{bonus}", attribute.max);
    }
    if let Some(least) = row.number(schema::MIN_TO_QUALIFY) {
        let _ = writeln!(out, "Minimum to qualify: {least}");
    }
    if row.is_set(schema::DISQUALIFYING) {
        let _ = writeln!(out, "Disqualifying: a profile it applies to is excluded");
    }
    let cells = [
        ("Instructions", schema::INSTRUCTIONS),
        ("Examples", schema::EXAMPLES),
        ("Signals", schema::SIGNALS),
    ];
    write_cells(out, row, &cells);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    fn rows() -> Vec<Row> {
        testing::rows(&json!([
            {"Attribute Id": "N1", "Category": "negative", "Heading": "Competes", "Penalty": -20,
                "Disqualifying": true, "Active": true},
            {"Attribute Id": "B", "Category": "positive", "Heading": "Size", "Max Points": 30,
                "Bonus Points": true, "Active": true},
            {"Attribute Id": "A", "Category": "positive", "Heading": "Decides", "Max Points": 40,
                "Min To Qualify": 5, "Instructions": "Who signs.", "Signals": "I decided",
                "Active": true},
            {"Attribute Id": "C", "Category": "positive", "Heading": "Old", "Max Points": 9},
            {"Attribute Id": "PREAMBLE", "Category": "meta", "Instructions": "You assess profiles."},
        ]))
    }

    #[test]
    fn the_preamble_comes_first_and_rows_that_are_not_active_are_left_out() {
        let rubric = prompt(&rows(), None).unwrap();
        assert_eq!(
            rubric.prompt,
            "You assess profiles.\n\n## Speaks for a profile\n### A: Decides\nMaximum: 40\n\
             Minimum to qualify: 5\nInstructions: Who signs.\nSignals: I decided\n\
             ### B: Size\nMaximum: 30 (bonus)\n\n\
             ## Speaks against it\n### N1: Competes\nPenalty: -20 at most\n\
             Disqualifying: a profile it applies to is excluded"
        );
        let told: Vec<(&str, f64, bool, bool)> =
            rubric.attributes.iter().map(|a| (a.id.as_str(), a.max, a.negative, a.bonus)).collect();
        assert_eq!(
            told,
            [("A", 40.0, false, false), ("B", 30.0, false, true), ("N1", 20.0, true, false)]
        );
        assert!(rubric.warnings.is_empty());
    }

    #[test]
    fn a_table_without_the_field_active_is_active_as_a_whole() {
        assert_eq!(prompt(&rows(), Some(false)).unwrap().attributes.len(), 4);
        assert_eq!(prompt(&rows()[3..], Some(true)), None, "nothing is left that gives points");
        assert_eq!(prompt(&[], None), None);
    }

    #[test]
    fn ids_that_are_used_twice_and_unknown_categories_are_warned_of() {
        let mut odd = rows();
        odd.push(odd[1].clone());
        odd[2].fields.insert("Category".to_owned(), json!("Bonus"));
        let rubric = prompt(&odd, None).unwrap();
        assert_eq!((rubric.attributes.len(), rubric.warnings.len()), (3, 2));
    }
}
