//! The texts of the post-scoring prompt.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Post Scoring Instructions";
/// Names the text.
pub const COMPONENT_ID: &str = "Component ID";
/// For people.
pub const COMPONENT_NAME: &str = "Component Name";
/// The text.
pub const TEXT: &str = "Instruction Text";
/// Its place.
pub const SORT_ORDER: &str = "Sort Order";
/// The component that the rubric follows.
pub const SCORING_HEADER: &str = "SCORING_HEADER";

/// Every field that is read, with its type.
pub const FIELDS: [Field; 4] = [
    Field::read(COMPONENT_ID, FieldType::Text),
    Field::read_if_there(COMPONENT_NAME, FieldType::Text),
    Field::read(TEXT, FieldType::LongText),
    Field::read(SORT_ORDER, FieldType::Number),
];
