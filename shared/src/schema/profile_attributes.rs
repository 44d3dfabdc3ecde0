//! The attributes of the profile-scoring rubric.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Scoring Attributes";
/// Names the attribute.
pub const ID: &str = "Attribute Id";
/// See [`CATEGORIES`].
pub const CATEGORY: &str = "Category";
/// Its name.
pub const HEADING: &str = "Heading";
/// The rubric's text.
pub const INSTRUCTIONS: &str = "Instructions";
/// Examples.
pub const EXAMPLES: &str = "Examples";
/// What speaks for it.
pub const SIGNALS: &str = "Signals";
/// Its weight.
pub const MAX_POINTS: &str = "Max Points";
/// The fewest points that count.
pub const MIN_TO_QUALIFY: &str = "Min To Qualify";
/// Whether it counts by a quarter only.
pub const BONUS: &str = "Bonus Points";
/// What it takes from the score.
pub const PENALTY: &str = "Penalty";
/// Whether it rules a lead out.
pub const DISQUALIFYING: &str = "Disqualifying";
/// Whether it counts.
pub const ACTIVE: &str = "Active";
/// The id of the prompt's opening.
pub const PREAMBLE: &str = "PREAMBLE";
/// Adds to the score.
pub const POSITIVE: &str = "positive";
/// Takes from the score.
pub const NEGATIVE: &str = "negative";
/// Says something to the model, and is not scored.
pub const META: &str = "meta";
/// Choices of [`CATEGORY`].
pub const CATEGORIES: [&str; 3] = [POSITIVE, NEGATIVE, META];

/// Every field that is read, with its type.
pub const FIELDS: [Field; 12] = [
    Field::read(ID, FieldType::Text),
    Field::read(CATEGORY, FieldType::SingleSelect(&CATEGORIES)),
    Field::read_if_there(HEADING, FieldType::Text),
    Field::read(INSTRUCTIONS, FieldType::LongText),
    Field::read_if_there(EXAMPLES, FieldType::LongText),
    Field::read_if_there(SIGNALS, FieldType::LongText),
    Field::read(MAX_POINTS, FieldType::Number),
    Field::read_if_there(MIN_TO_QUALIFY, FieldType::Number),
    Field::read_if_there(BONUS, FieldType::Checkbox),
    Field::read_if_there(PENALTY, FieldType::Number),
    Field::read_if_there(DISQUALIFYING, FieldType::Checkbox),
    Field::read_if_there(ACTIVE, FieldType::Checkbox),
];
