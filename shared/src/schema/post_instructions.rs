//! The texts of the post-scoring prompt.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Post Scoring Instructions";
/// The component after which the rubric is inserted.
pub const SCORING_HEADER: &str = "SCORING_HEADER";

fields! {
    /// Every field that is read, with its type.
    FIELDS {
        COMPONENT_ID = "Component ID", read(Text);
        COMPONENT_NAME = "Component Name", read_if_there(Text);
        TEXT = "Instruction Text", read(LongText);
        SORT_ORDER = "Sort Order", read(Number);
    }
}
