//! The rows of the tables from which a client's prompts are made, read from `data/`.

use super::tables::{Cells, row};
use serde::Deserialize;
use serde_json::json;
use shared::schema::post_instructions;
use shared::schema::post_instructions::SCORING_HEADER;

/// A category that is unknown to the system.
pub(super) const UNKNOWN_CATEGORY: &str = "Context Factor";

/// Sort order, id, name and text of the prompt's components, stored in a different order than the
/// one in which they are used.
const INSTRUCTIONS: [(u32, &str, &str, &str); 5] = [
    (40, "OUTPUT_FORMAT", "What to answer", include_str!("data/output_format.txt")),
    (10, "ROLE", "Who you are", include_str!("data/role.txt")),
    (30, "SCALE", "How to arrive at a score", include_str!("data/scale.txt")),
    (35, "WORKED_EXAMPLES", "Posts that were scored by hand", include_str!("data/examples.txt")),
    (20, SCORING_HEADER, "Before the rubric", include_str!("data/header.txt")),
];

/// Rows by the names of their fields.
#[derive(Deserialize)]
pub(super) struct Rubric {
    pub(super) criteria: Vec<Cells>,
    pub(super) profile_attributes: Vec<Cells>,
}

pub(super) fn rubric() -> Rubric {
    serde_json::from_str(include_str!("data/rubric.json"))
        .expect("the rubric is part of the program")
}

/// The texts around the rubric in this client's prompt.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use shared::schema::post_attributes;

    #[test]
    fn a_prompt_is_long_enough_to_be_cached() {
        let length = |cell: &Value| cell.as_str().unwrap_or_default().trim_end().chars().count();
        let texts = instructions("").into_iter().map(|row| length(&row[post_instructions::TEXT]));
        let is_active = |row: &Cells| row[post_attributes::ACTIVE] == true;
        let active = rubric().criteria.into_iter().filter(is_active);
        let criteria = active.map(|row| {
            use post_attributes::*;
            let texts = [INSTRUCTIONS, POSITIVE_KEYWORDS, NEGATIVE_KEYWORDS];
            texts
                .into_iter()
                .chain([EXAMPLE_HIGH, EXAMPLE_LOW])
                .map(|field| length(&row[field]))
                .sum()
        });
        let all: usize = texts.chain(criteria).sum::<usize>();
        assert!((9_500..12_000).contains(&all), "{all}");
    }

    #[test]
    fn the_rubric_has_every_oddity() {
        let places: Vec<u32> = INSTRUCTIONS.iter().map(|text| text.0).collect();
        assert!(!places.is_sorted());
        assert!(INSTRUCTIONS.iter().any(|text| text.1 == SCORING_HEADER));
        let (active, inactive): (Vec<Cells>, Vec<Cells>) =
            rubric().criteria.into_iter().partition(|row| row[post_attributes::ACTIVE] == true);
        assert_eq!(inactive.len(), 1);
        for (category, count) in
            [(UNKNOWN_CATEGORY, 1), (post_attributes::POSITIVE, 3), (post_attributes::NEGATIVE, 2)]
        {
            let of_category =
                active.iter().filter(|row| row[post_attributes::CATEGORY] == category);
            assert_eq!(of_category.count(), count, "{category}");
        }
    }
}
