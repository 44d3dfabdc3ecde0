//! The run records in the master base: one row per run id and client.

use super::field::fields;
use crate::core::ids::{RecordId, RunId};

/// The table's name.
pub const TABLE: &str = "Client Run Results";

/// Choices of [`RUN_TYPE`].
pub const RUN_TYPES: [&str; 2] = ["Orchestrated", "Standalone"];
/// Choices of [`STATUS`].
pub const STATUSES: [&str; 5] =
    ["Running", "Completed", "Completed with Errors", "Stalled", "Failed"];

fields! {
    /// The fields that people write and this system reads. The system only ever clears a checkbox
    /// here.
    OPERATOR_FIELDS {
        /// A checkbox that requests a replay: what failed or is missing is queued again.
        RETRY = "Retry", optional(Checkbox);
    }
    /// Every field that is written, with its type. The system writes no other field.
    FIELDS {
        /// Together with [`CLIENT_ID`] the row's identity.
        RUN_ID = "Run ID", required(Text);
        /// Together with [`RUN_ID`] the row's identity.
        CLIENT_ID = "Client ID", required(Text);
        CLIENT_NAME = "Client Name", required(Text);
        RUN_TYPE = "Run Type", optional(SingleSelect(&RUN_TYPES));
        /// First event of the run.
        START_TIME = "Start Time", required(DateTime);
        /// When the last chunk was settled.
        END_TIME = "End Time", required(DateTime);
        STATUS = "Status", required(SingleSelect(&STATUSES));
        /// One per line if the run had several harvests.
        APIFY_RUN_ID = "Apify Run ID", required(LongText);
        /// Target URLs in the actor's input.
        TARGETS = "Profiles Submitted for Post Harvesting", required(Number);
        /// Items in the dataset that are posts.
        POSTS_HARVESTED = "Total Posts Harvested", required(Number);
        /// Items of the datasets that did not become a lead's post. The notes list them by reason.
        ITEMS_NOT_USED = "Items Not Used", optional(Number);
        /// Targets for which it is unknown whether they have posts.
        TARGETS_UNKNOWN = "Targets Unknown", optional(Number);
        APIFY_COST = "Apify API Costs", required(Currency);
        POSTS_EXAMINED = "Posts Examined for Scoring", required(Number);
        /// Posts that came back with a valid score.
        POSTS_SCORED = "Posts Successfully Scored", required(Number);
        /// Total tokens of every model call about posts.
        POST_TOKENS = "Post Scoring Tokens", required(Number);
        PROFILES_EXAMINED = "Profiles Examined for Scoring", required(Number);
        /// Profiles that came back with a valid score.
        PROFILES_SCORED = "Profiles Successfully Scored", required(Number);
        /// Total tokens of every model call about profiles.
        PROFILE_TOKENS = "Profile Scoring Tokens", required(Number);
        /// The tokens of each UTC day with billed tokens, one day per line.
        TOKENS_BY_DAY = "Tokens by Day", optional(LongText);
        /// The cost of the tokens according to the price table.
        AI_COST = "AI Cost", optional(Currency);
        SYSTEM_NOTES = "System Notes", required(LongText);
        PROGRESS_LOG = "Progress Log", optional(LongText);
        /// Errors by category, with the first examples.
        ERROR_DETAILS = "Error Details", optional(LongText);
        /// `balanced`, or what does not add up.
        BALANCE = "Balance", optional(LongText);
    }
}

/// The text between the Run ID and the kept record's id in the Run ID of a duplicate.
const DUPLICATE_OF: &str = " (duplicate of ";

/// The Run ID that marks a record of `run` as a duplicate of the record `kept`.
pub fn duplicate_run_id(run: &RunId, kept: &RecordId) -> String {
    format!("{run}{DUPLICATE_OF}{kept})")
}

/// Whether a Run ID marks its record as a duplicate.
pub fn is_duplicate(run_id: &str) -> bool {
    run_id.contains(DUPLICATE_OF)
}

/// The Run ID of a record, also where it is marked as a duplicate.
pub fn without_mark(run_id: &str) -> &str {
    run_id.split_once(DUPLICATE_OF).map_or(run_id, |(run, _)| run)
}
