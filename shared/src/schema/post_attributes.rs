//! The criteria of the post-scoring rubric.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Post Scoring Attributes";
/// Adds to the score.
pub const POSITIVE: &str = "Positive Scoring Factor";
/// Lowers the score.
pub const NEGATIVE: &str = "Negative Scoring Factor";

/// Choices of [`CATEGORY`].
pub const CATEGORIES: [&str; 2] = [POSITIVE, NEGATIVE];

fields! {
    /// Every field that is read, with its type.
    FIELDS {
        ID = "Attribute ID", read(Text);
        NAME = "Criterion Name", read(Text);
        /// [`POSITIVE`] or [`NEGATIVE`].
        CATEGORY = "Category", read(SingleSelect(&CATEGORIES));
        SCORING_TYPE = "Scoring Type", read_if_there(Text);
        MAX_SCORE = "Max Score / Point Value", read(Number);
        INSTRUCTIONS = "Detailed Instructions for AI (Scoring Rubric)", read_if_there(LongText);
        /// Words that support the criterion.
        POSITIVE_KEYWORDS = "Keywords/Positive Indicators", read_if_there(LongText);
        /// Words that speak against the criterion.
        NEGATIVE_KEYWORDS = "Keywords/Negative Indicators", read_if_there(LongText);
        EXAMPLE_HIGH = "Example - High Score / Applies", read_if_there(LongText);
        EXAMPLE_LOW = "Example - Low Score / Does Not Apply", read_if_there(LongText);
        /// Whether the criterion counts. The API omits a checkbox that is not set.
        ACTIVE = "Active", read_if_there(Checkbox);
    }
}
