//! The attributes of the profile-scoring rubric.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Scoring Attributes";
/// The id of the row that opens the prompt.
pub const PREAMBLE: &str = "PREAMBLE";
/// Adds to the score.
pub const POSITIVE: &str = "positive";
/// Lowers the score.
pub const NEGATIVE: &str = "negative";
/// Instructs the model, but is not scored.
pub const META: &str = "meta";
/// Choices of [`CATEGORY`].
pub const CATEGORIES: [&str; 3] = [POSITIVE, NEGATIVE, META];

fields! {
    /// Every field that is read, with its type.
    FIELDS {
        ID = "Attribute Id", read(Text);
        CATEGORY = "Category", read(SingleSelect(&CATEGORIES));
        HEADING = "Heading", read_if_there(Text);
        INSTRUCTIONS = "Instructions", read(LongText);
        EXAMPLES = "Examples", read_if_there(LongText);
        /// What supports the attribute.
        SIGNALS = "Signals", read_if_there(LongText);
        MAX_POINTS = "Max Points", read(Number);
        /// The fewest points that count.
        MIN_TO_QUALIFY = "Min To Qualify", read_if_there(Number);
        /// Whether only a quarter of it counts in the denominator.
        BONUS = "Bonus Points", read_if_there(Checkbox);
        /// How many points it subtracts from the score.
        PENALTY = "Penalty", read_if_there(Number);
        /// Whether it rules a lead out.
        DISQUALIFYING = "Disqualifying", read_if_there(Checkbox);
        ACTIVE = "Active", read_if_there(Checkbox);
    }
}
