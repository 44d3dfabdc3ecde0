//! The system prompt of post scoring: a client's instructions with its rubric inside.

use super::rubric::{Rubric, empty, is_active, readable, write_cells};
use crate::task_error::TaskError;
use shared::core::ids::BaseId;
use shared::ports::Transport;
use shared::schema::{post_attributes as attributes, post_instructions as instructions};
use shared::services::airtable::{Airtable, ListQuery, Row};
use std::fmt::Write as _;

/// Reads a client's rubric: two requests.
pub(crate) async fn read_posts_rubric(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    has_active: Option<bool>,
) -> Result<Rubric, TaskError> {
    let texts: Vec<Row> = airtable.list(base, instructions::TABLE, &ListQuery::default()).await?;
    if texts.iter().all(|row| row.text(instructions::TEXT).is_empty()) {
        let words = format!("words in its field {:?}", instructions::TEXT);
        return Err(empty(instructions::TABLE, base, &words));
    }
    let criteria: Vec<Row> = airtable.list(base, attributes::TABLE, &ListQuery::default()).await?;
    prompt(&texts, &criteria, has_active)
        .ok_or_else(|| empty(attributes::TABLE, base, "active criteria"))
}

/// The texts in order, with the criteria after the component `SCORING_HEADER`. `None` if no
/// criterion is active.
fn prompt(texts: &[Row], criteria: &[Row], has_active: Option<bool>) -> Option<Rubric> {
    let mut warnings = Vec::new();
    let texts = readable(texts, (instructions::TABLE, &instructions::FIELDS), &mut warnings);
    let mut criteria = readable(criteria, (attributes::TABLE, &attributes::FIELDS), &mut warnings);
    let is_active = is_active(&criteria, attributes::ACTIVE, has_active);
    criteria.retain(|row| is_active(row));
    criteria.sort_by_cached_key(|row| row.text(attributes::ID));
    if criteria.is_empty() {
        return None;
    }
    let rubric = rubric_text(&criteria, &mut warnings);

    let mut texts = texts;
    texts.sort_by(|a, b| {
        order(a).total_cmp(&order(b)).then_with(|| id_of_text(a).cmp(&id_of_text(b)))
    });
    let mut parts: Vec<String> = Vec::new();
    let mut placed = false;
    for row in texts {
        parts.push(row.text(instructions::TEXT));
        if !placed && id_of_text(row) == instructions::SCORING_HEADER {
            parts.push(rubric.clone());
            placed = true;
        }
    }
    if !placed {
        warnings.push(format!(
            "table {:?} has no component {:?}: the rubric is put at the end of the prompt",
            instructions::TABLE,
            instructions::SCORING_HEADER
        ));
        parts.push(rubric);
    }
    let prompt = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    Some(Rubric { prompt, attributes: Vec::new(), warnings })
}

fn rubric_text(criteria: &[&Row], warnings: &mut Vec<String>) -> String {
    let is_negative = |row: &&&Row| row.text(attributes::CATEGORY) == attributes::NEGATIVE;
    for row in criteria {
        let category = row.text(attributes::CATEGORY);
        if category != attributes::POSITIVE && category != attributes::NEGATIVE {
            warnings.push(format!(
                "criterion {:?} has the unknown category {category:?} and counts as positive: correct it",
                row.text(attributes::ID)
            ));
        }
    }
    let (negative, positive): (Vec<&Row>, Vec<&Row>) = criteria.iter().partition(is_negative);
    let mut out = String::new();
    for (heading, rows) in [(attributes::POSITIVE, positive), (attributes::NEGATIVE, negative)] {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "## {heading}s");
        for row in rows {
            write_criterion(&mut out, row);
        }
    }
    out.trim_end().to_owned()
}

fn write_criterion(out: &mut String, row: &Row) {
    let _ = writeln!(out, "### {}: {}", row.text(attributes::ID), row.text(attributes::NAME));
    let cells = [
        ("Scoring type", attributes::SCORING_TYPE),
        ("Points", attributes::MAX_SCORE),
        ("Instructions", attributes::INSTRUCTIONS),
        ("Speaks for it", attributes::POSITIVE_KEYWORDS),
        ("Speaks against it", attributes::NEGATIVE_KEYWORDS),
        ("Applies", attributes::EXAMPLE_HIGH),
        ("Does not apply", attributes::EXAMPLE_LOW),
    ];
    write_cells(out, row, &cells);
}

fn id_of_text(row: &Row) -> String {
    row.text(instructions::COMPONENT_ID)
}

fn order(row: &Row) -> f64 {
    row.number(instructions::SORT_ORDER).unwrap_or(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    fn texts() -> Vec<Row> {
        testing::rows(&json!([
            {"Component ID": "OUTPUT", "Instruction Text": "Answer in JSON.", "Sort Order": 30},
            {"Component ID": "SCORING_HEADER", "Instruction Text": "Score by this rubric:", "Sort Order": "20"},
            {"Component ID": "ROLE", "Instruction Text": "You score posts.", "Sort Order": 3.5},
        ]))
    }

    #[test]
    fn the_rubric_stands_right_behind_the_scoring_header() {
        let criteria = testing::rows(&json!([
            {"Attribute ID": "B", "Criterion Name": "Sells", "Category": "Negative Scoring Factor", "Max Score / Point Value": -10},
            {"Attribute ID": "A", "Criterion Name": "Builds", "Category": "Positive Scoring Factor", "Max Score / Point Value": 40,
             "Detailed Instructions for AI (Scoring Rubric)": "Look for shipped work."},
        ]));
        let rubric = prompt(&texts(), &criteria, None).unwrap();
        assert_eq!(
            rubric.prompt,
            "You score posts.\n\nScore by this rubric:\n\n\
             ## Positive Scoring Factors\n### A: Builds\nPoints: 40\nInstructions: Look for shipped work.\n\
             ## Negative Scoring Factors\n### B: Sells\nPoints: -10\n\n\
             Answer in JSON."
        );
        assert!(rubric.warnings.is_empty());
    }

    #[test]
    fn only_active_criteria_count_where_the_base_has_the_field() {
        let criteria = testing::rows(&json!([
            {"Attribute ID": "A", "Category": "Positive Scoring Factor", "Active": true},
            {"Attribute ID": "B", "Category": "Positive Scoring Factor"},
        ]));
        let rubric = prompt(&texts(), &criteria, None).unwrap();
        assert!(rubric.prompt.contains("### A") && !rubric.prompt.contains("### B"));
        let without_field =
            testing::rows(&json!([{"Attribute ID": "B", "Category": "Positive Scoring Factor"}]));
        assert!(prompt(&texts(), &without_field, Some(false)).unwrap().prompt.contains("### B"));
        assert_eq!(prompt(&texts(), &without_field, Some(true)), None, "all are switched off");
        assert_eq!(prompt(&texts(), &[], None), None);
    }

    #[test]
    fn a_row_with_an_error_cell_is_left_out_with_a_warning_that_names_it() {
        let criteria = testing::rows(&json!([
            {"Attribute ID": "A", "Category": "Positive Scoring Factor"},
            {"Attribute ID": "B", "Category": "Positive Scoring Factor",
                "Max Score / Point Value": {"error": "#ERROR!"}},
        ]));
        let mut texts = texts();
        texts[0].fields.insert("Sort Order".to_owned(), json!({"specialValue": "NaN"}));
        let rubric = prompt(&texts, &criteria, None).unwrap();
        assert!(rubric.prompt.contains("### A") && !rubric.prompt.contains("### B"));
        assert!(!rubric.prompt.contains("Answer in JSON."));
        let [text, criterion] = rubric.warnings.as_slice() else { panic!("{:?}", rubric.warnings) };
        assert!(text.contains("\"Sort Order\" of record rec00000000000001 holds no value (NaN)"));
        assert!(criterion.contains("holds an error (#ERROR!)"), "{criterion}");
    }

    #[test]
    fn an_unknown_category_counts_as_positive_with_a_warning() {
        let criteria = testing::rows(&json!([{"Attribute ID": "A", "Category": "Bonus"}]));
        let rubric = prompt(&texts(), &criteria, None).unwrap();
        assert!(rubric.prompt.contains("## Positive Scoring Factors\n### A"));
        assert_eq!(
            rubric.warnings,
            [
                r#"criterion "A" has the unknown category "Bonus" and counts as positive: correct it"#
            ]
        );
    }

    #[test]
    fn without_a_scoring_header_the_rubric_stands_at_the_end_with_a_warning() {
        let criteria =
            testing::rows(&json!([{"Attribute ID": "A", "Category": "Positive Scoring Factor"}]));
        let rubric = prompt(&texts()[..1], &criteria, None).unwrap();
        assert!(rubric.prompt.starts_with("Answer in JSON.") && rubric.prompt.ends_with("### A:"));
        assert_eq!(rubric.warnings.len(), 1);
    }
}
