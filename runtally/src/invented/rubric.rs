//! The tables that a client's prompts are made from.

use super::criteria::{CRITERIA, Criterion};
use super::fields::{Cells, row};
use super::instructions::INSTRUCTIONS;
use serde_json::json;
use shared::schema::{post_attributes, post_instructions, profile_attributes};
use simulators::airtable::{FieldSpec, TableSpec};

/// A category that the system does not know.
const UNKNOWN_CATEGORY: &str = "Context Factor";
/// How a criterion is scored.
const SCORING_TYPES: [&str; 2] = ["Scale", "Fixed Points"];

/// The tables with their rows.
pub(super) fn tables(client: &str) -> [(TableSpec, Vec<Cells>); 3] {
    let texts = INSTRUCTIONS.iter().map(|(order, id, name, text)| {
        row([
            (post_instructions::COMPONENT_ID, json!(id)),
            (post_instructions::COMPONENT_NAME, json!(name)),
            (post_instructions::TEXT, json!(text.replace("{client}", client))),
            (post_instructions::SORT_ORDER, json!(order)),
        ])
    });
    [
        (instructions_table(), texts.collect()),
        (criteria_table(), CRITERIA.iter().map(criterion).collect()),
        (profile_table(), PROFILE_ATTRIBUTES.iter().map(profile_attribute).collect()),
    ]
}

fn instructions_table() -> TableSpec {
    TableSpec::new(
        post_instructions::TABLE,
        vec![
            FieldSpec::text(post_instructions::COMPONENT_ID),
            FieldSpec::text(post_instructions::COMPONENT_NAME),
            FieldSpec::long_text(post_instructions::TEXT),
            FieldSpec::number(post_instructions::SORT_ORDER, 1),
        ],
    )
}

fn criteria_table() -> TableSpec {
    let categories = [post_attributes::POSITIVE, post_attributes::NEGATIVE, UNKNOWN_CATEGORY];
    TableSpec::new(
        post_attributes::TABLE,
        vec![
            FieldSpec::text(post_attributes::ID),
            FieldSpec::text(post_attributes::NAME),
            FieldSpec::single_select(post_attributes::CATEGORY, &categories),
            FieldSpec::single_select(post_attributes::SCORING_TYPE, &SCORING_TYPES),
            FieldSpec::number(post_attributes::MAX_SCORE, 0),
            FieldSpec::long_text(post_attributes::INSTRUCTIONS),
            FieldSpec::long_text(post_attributes::POSITIVE_KEYWORDS),
            FieldSpec::long_text(post_attributes::NEGATIVE_KEYWORDS),
            FieldSpec::long_text(post_attributes::EXAMPLE_HIGH),
            FieldSpec::long_text(post_attributes::EXAMPLE_LOW),
            FieldSpec::checkbox(post_attributes::ACTIVE),
        ],
    )
}

fn criterion(criterion: &Criterion) -> Cells {
    let category = criterion.category.unwrap_or(UNKNOWN_CATEGORY);
    let scoring_type = SCORING_TYPES[usize::from(criterion.points < 0)];
    row([
        (post_attributes::ID, json!(criterion.id)),
        (post_attributes::NAME, json!(criterion.name)),
        (post_attributes::CATEGORY, json!(category)),
        (post_attributes::SCORING_TYPE, json!(scoring_type)),
        (post_attributes::MAX_SCORE, json!(criterion.points)),
        (post_attributes::INSTRUCTIONS, json!(criterion.instructions)),
        (post_attributes::POSITIVE_KEYWORDS, json!(criterion.speaks_for)),
        (post_attributes::NEGATIVE_KEYWORDS, json!(criterion.speaks_against)),
        (post_attributes::EXAMPLE_HIGH, json!(criterion.applies)),
        (post_attributes::EXAMPLE_LOW, json!(criterion.does_not_apply)),
        (post_attributes::ACTIVE, json!(criterion.is_active)),
    ])
}

/// An attribute of profiles: id, category, heading, instructions, points.
type ProfileAttribute = (&'static str, &'static str, &'static str, &'static str, Option<i32>);

const PROFILE_ATTRIBUTES: [ProfileAttribute; 5] = [
    (
        profile_attributes::PREAMBLE,
        profile_attributes::META,
        "Opening",
        "You assess profiles of people who may become customers. Judge by what the profile says, \
         not by what people of that kind usually are.",
        None,
    ),
    (
        "A",
        profile_attributes::POSITIVE,
        "Decides about operations",
        "Full points for somebody who can sign for a change of tools; half for somebody whom that \
         person asks first.",
        Some(40),
    ),
    (
        "B",
        profile_attributes::POSITIVE,
        "Company of the right size",
        "Between 20 and 400 people. Nothing for sole traders.",
        Some(30),
    ),
    (
        "I",
        profile_attributes::POSITIVE,
        "Ready to be contacted",
        "The profile names a way to write to the person and says that it is welcome.",
        Some(10),
    ),
    (
        "N1",
        profile_attributes::NEGATIVE,
        "Sells what our client sells",
        "Consultancies and resellers of the same kind of software.",
        None,
    ),
];

fn profile_attribute((id, category, heading, instructions, points): &ProfileAttribute) -> Cells {
    let is_negative = *category == profile_attributes::NEGATIVE;
    row([
        (profile_attributes::ID, json!(id)),
        (profile_attributes::CATEGORY, json!(category)),
        (profile_attributes::HEADING, json!(heading)),
        (profile_attributes::INSTRUCTIONS, json!(instructions)),
        (profile_attributes::MAX_POINTS, json!(points)),
        (profile_attributes::PENALTY, json!(is_negative.then_some(-20))),
        (profile_attributes::ACTIVE, json!(true)),
    ])
}

fn profile_table() -> TableSpec {
    TableSpec::new(
        profile_attributes::TABLE,
        vec![
            FieldSpec::text(profile_attributes::ID),
            FieldSpec::single_select(profile_attributes::CATEGORY, &profile_attributes::CATEGORIES),
            FieldSpec::text(profile_attributes::HEADING),
            FieldSpec::long_text(profile_attributes::INSTRUCTIONS),
            FieldSpec::long_text(profile_attributes::EXAMPLES),
            FieldSpec::long_text(profile_attributes::SIGNALS),
            FieldSpec::number(profile_attributes::MAX_POINTS, 0),
            FieldSpec::number(profile_attributes::MIN_TO_QUALIFY, 0),
            FieldSpec::checkbox(profile_attributes::BONUS),
            FieldSpec::number(profile_attributes::PENALTY, 0),
            FieldSpec::checkbox(profile_attributes::DISQUALIFYING),
            FieldSpec::checkbox(profile_attributes::ACTIVE),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_long_enough_to_be_cached() {
        let texts: usize = INSTRUCTIONS.iter().map(|text| text.3.chars().count()).sum();
        let active = CRITERIA.iter().filter(|criterion| criterion.is_active);
        let parts = active.flat_map(|c| {
            [c.instructions, c.speaks_for, c.speaks_against, c.applies, c.does_not_apply]
        });
        let criteria: usize = parts.map(|part| part.chars().count()).sum();
        assert!((9_500..12_000).contains(&(texts + criteria)), "{texts} + {criteria}");
    }

    #[test]
    fn the_rubric_has_every_oddity() {
        let places: Vec<u32> = INSTRUCTIONS.iter().map(|text| text.0).collect();
        assert!(!places.is_sorted());
        assert!(INSTRUCTIONS.iter().any(|text| text.1 == post_instructions::SCORING_HEADER));
        let count = |test: fn(&&Criterion) -> bool| CRITERIA.iter().filter(test).count();
        assert_eq!(count(|c| !c.is_active), 1);
        assert_eq!(count(|c| c.category.is_none() && c.is_active), 1);
        assert_eq!(count(|c| c.category == Some(post_attributes::POSITIVE) && c.is_active), 3);
        assert_eq!(count(|c| c.category == Some(post_attributes::NEGATIVE) && c.is_active), 2);
    }
}
