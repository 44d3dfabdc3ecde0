//! The criteria of the post-scoring rubric.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Post Scoring Attributes";
/// Names the criterion.
pub const ID: &str = "Attribute ID";
/// For people.
pub const NAME: &str = "Criterion Name";
/// [`POSITIVE`] or [`NEGATIVE`].
pub const CATEGORY: &str = "Category";
/// How it is scored.
pub const SCORING_TYPE: &str = "Scoring Type";
/// Its weight.
pub const MAX_SCORE: &str = "Max Score / Point Value";
/// The rubric's text.
pub const INSTRUCTIONS: &str = "Detailed Instructions for AI (Scoring Rubric)";
/// Words that speak for it.
pub const POSITIVE_KEYWORDS: &str = "Keywords/Positive Indicators";
/// Words that speak against it.
pub const NEGATIVE_KEYWORDS: &str = "Keywords/Negative Indicators";
/// An example that applies.
pub const EXAMPLE_HIGH: &str = "Example - High Score / Applies";
/// An example that does not.
pub const EXAMPLE_LOW: &str = "Example - Low Score / Does Not Apply";
/// Whether it counts; a checkbox that is not set is left out by the API.
pub const ACTIVE: &str = "Active";
/// Adds to the score.
pub const POSITIVE: &str = "Positive Scoring Factor";
/// Takes from the score.
pub const NEGATIVE: &str = "Negative Scoring Factor";

/// Choices of [`CATEGORY`].
pub const CATEGORIES: [&str; 2] = [POSITIVE, NEGATIVE];

/// Every field that is read, with its type.
pub const FIELDS: [Field; 11] = [
    Field::read(ID, FieldType::Text),
    Field::read(NAME, FieldType::Text),
    Field::read(CATEGORY, FieldType::SingleSelect(&CATEGORIES)),
    Field::read_if_there(SCORING_TYPE, FieldType::Text),
    Field::read(MAX_SCORE, FieldType::Number),
    Field::read_if_there(INSTRUCTIONS, FieldType::LongText),
    Field::read_if_there(POSITIVE_KEYWORDS, FieldType::LongText),
    Field::read_if_there(NEGATIVE_KEYWORDS, FieldType::LongText),
    Field::read_if_there(EXAMPLE_HIGH, FieldType::LongText),
    Field::read_if_there(EXAMPLE_LOW, FieldType::LongText),
    Field::read_if_there(ACTIVE, FieldType::Checkbox),
];
