//! The rows of the tables that a client's prompts are made from, read from `data/`.

use super::tables::{Cells, row};
use serde::Deserialize;
use serde_json::json;
use shared::schema::post_instructions::SCORING_HEADER;
use shared::schema::{post_attributes, post_instructions, profile_attributes};
use std::sync::LazyLock;

/// A category that the system does not know.
pub(super) const UNKNOWN_CATEGORY: &str = "Context Factor";

/// Sort order, id, name and text of the prompt's components, stored in another order than they
/// are read in.
const INSTRUCTIONS: [(u32, &str, &str, &str); 5] = [
    (40, "OUTPUT_FORMAT", "What to answer", include_str!("data/output_format.txt")),
    (10, "ROLE", "Who you are", include_str!("data/role.txt")),
    (30, "SCALE", "How to arrive at a score", include_str!("data/scale.txt")),
    (35, "WORKED_EXAMPLES", "Posts that were scored by hand", include_str!("data/examples.txt")),
    (20, SCORING_HEADER, "Before the rubric", include_str!("data/header.txt")),
];

static RUBRIC: LazyLock<Rubric> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/rubric.json"))
        .expect("the rubric is part of the program")
});

#[derive(Deserialize)]
struct Rubric {
    criteria: Vec<Criterion>,
    profile_attributes: Vec<ProfileAttribute>,
}

#[derive(Deserialize)]
struct Criterion {
    id: String,
    name: String,
    category: String,
    points: i32,
    instructions: String,
    speaks_for: String,
    speaks_against: String,
    applies: String,
    does_not_apply: String,
    is_active: bool,
}

#[derive(Deserialize)]
struct ProfileAttribute {
    id: String,
    category: String,
    heading: String,
    instructions: String,
    points: Option<i32>,
    penalty: Option<i32>,
}

/// The texts around the rubric in the prompt of this client.
pub(super) fn instructions(client: &str) -> Vec<Cells> {
    let component = |(order, id, name, text): &(u32, &str, &str, &str)| {
        row([
            (post_instructions::COMPONENT_ID, json!(id)),
            (post_instructions::COMPONENT_NAME, json!(name)),
            (post_instructions::TEXT, json!(text.trim_end().replace("{client}", client))),
            (post_instructions::SORT_ORDER, json!(order)),
        ])
    };
    INSTRUCTIONS.iter().map(component).collect()
}

/// The criteria for posts.
pub(super) fn criteria() -> Vec<Cells> {
    let criterion = |criterion: &Criterion| {
        let scoring_type = if criterion.points < 0 { "Fixed Points" } else { "Scale" };
        row([
            (post_attributes::ID, json!(criterion.id)),
            (post_attributes::NAME, json!(criterion.name)),
            (post_attributes::CATEGORY, json!(criterion.category)),
            (post_attributes::SCORING_TYPE, json!(scoring_type)),
            (post_attributes::MAX_SCORE, json!(criterion.points)),
            (post_attributes::INSTRUCTIONS, json!(criterion.instructions)),
            (post_attributes::POSITIVE_KEYWORDS, json!(criterion.speaks_for)),
            (post_attributes::NEGATIVE_KEYWORDS, json!(criterion.speaks_against)),
            (post_attributes::EXAMPLE_HIGH, json!(criterion.applies)),
            (post_attributes::EXAMPLE_LOW, json!(criterion.does_not_apply)),
            (post_attributes::ACTIVE, json!(criterion.is_active)),
        ])
    };
    RUBRIC.criteria.iter().map(criterion).collect()
}

/// The attributes for profiles.
pub(super) fn profile_attributes() -> Vec<Cells> {
    let attribute = |attribute: &ProfileAttribute| {
        row([
            (profile_attributes::ID, json!(attribute.id)),
            (profile_attributes::CATEGORY, json!(attribute.category)),
            (profile_attributes::HEADING, json!(attribute.heading)),
            (profile_attributes::INSTRUCTIONS, json!(attribute.instructions)),
            (profile_attributes::MAX_POINTS, json!(attribute.points)),
            (profile_attributes::PENALTY, json!(attribute.penalty)),
            (profile_attributes::ACTIVE, json!(true)),
        ])
    };
    RUBRIC.profile_attributes.iter().map(attribute).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_long_enough_to_be_cached() {
        let texts: usize = INSTRUCTIONS.iter().map(|text| text.3.trim_end().chars().count()).sum();
        let active = RUBRIC.criteria.iter().filter(|criterion| criterion.is_active);
        let parts = active.flat_map(|c| {
            [&c.instructions, &c.speaks_for, &c.speaks_against, &c.applies, &c.does_not_apply]
        });
        let criteria: usize = parts.map(|part| part.chars().count()).sum();
        assert!((9_500..12_000).contains(&(texts + criteria)), "{texts} + {criteria}");
    }

    #[test]
    fn the_rubric_has_every_oddity() {
        let places: Vec<u32> = INSTRUCTIONS.iter().map(|text| text.0).collect();
        assert!(!places.is_sorted());
        assert!(INSTRUCTIONS.iter().any(|text| text.1 == SCORING_HEADER));
        assert_eq!(RUBRIC.criteria.iter().filter(|criterion| !criterion.is_active).count(), 1);
        for (category, count) in
            [(UNKNOWN_CATEGORY, 1), (post_attributes::POSITIVE, 3), (post_attributes::NEGATIVE, 2)]
        {
            let active = RUBRIC.criteria.iter().filter(|criterion| criterion.is_active);
            assert_eq!(active.filter(|c| c.category == category).count(), count, "{category}");
        }
    }
}
