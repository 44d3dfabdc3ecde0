//! The run records in the master base: one row per run id and client.

use super::field::{Field, FieldType};
use crate::core::ids::{RecordId, RunId};

/// The table.
pub const TABLE: &str = "Client Run Results";
/// With [`CLIENT_ID`] the row's identity.
pub const RUN_ID: &str = "Run ID";
/// With [`RUN_ID`] the row's identity.
pub const CLIENT_ID: &str = "Client ID";
/// For people.
pub const CLIENT_NAME: &str = "Client Name";
/// See [`RUN_TYPES`].
pub const RUN_TYPE: &str = "Run Type";
/// First event of the run.
pub const START_TIME: &str = "Start Time";
/// The moment the last chunk was settled.
pub const END_TIME: &str = "End Time";
/// See [`STATUSES`].
pub const STATUS: &str = "Status";
/// One per line when a run had several harvests.
pub const APIFY_RUN_ID: &str = "Apify Run ID";
/// Target URLs in the actor's input.
pub const TARGETS: &str = "Profiles Submitted for Post Harvesting";
/// Items in the dataset that are posts.
pub const POSTS_HARVESTED: &str = "Total Posts Harvested";
/// What Apify reports for the run.
pub const APIFY_COST: &str = "Apify API Costs";
/// Posts sent to the model.
pub const POSTS_EXAMINED: &str = "Posts Examined for Scoring";
/// Posts that came back with a valid score.
pub const POSTS_SCORED: &str = "Posts Successfully Scored";
/// Total tokens of every model call about posts.
pub const POST_TOKENS: &str = "Post Scoring Tokens";
/// Profiles sent to the model.
pub const PROFILES_EXAMINED: &str = "Profiles Examined for Scoring";
/// Profiles that came back with a valid score.
pub const PROFILES_SCORED: &str = "Profiles Successfully Scored";
/// Total tokens of every model call about profiles.
pub const PROFILE_TOKENS: &str = "Profile Scoring Tokens";
/// Tokens priced by the price table.
pub const AI_COST: &str = "AI Cost";
/// One line per notable thing.
pub const SYSTEM_NOTES: &str = "System Notes";
/// One line per stage.
pub const PROGRESS_LOG: &str = "Progress Log";
/// Errors by category with the first examples.
pub const ERROR_DETAILS: &str = "Error Details";
/// `balanced`, or what does not add up.
pub const BALANCE: &str = "Balance";

/// A checkbox by which a person asks for a replay: what failed or is missing is queued again.
pub const RETRY: &str = "Retry";

/// Choices of [`RUN_TYPE`].
pub const RUN_TYPES: [&str; 2] = ["Orchestrated", "Standalone"];
/// Choices of [`STATUS`].
pub const STATUSES: [&str; 5] =
    ["Running", "Completed", "Completed with Errors", "Stalled", "Failed"];

/// The fields that people write and this system reads. It only ever takes a tick off.
pub const OPERATOR_FIELDS: [Field; 1] = [Field::optional(RETRY, FieldType::Checkbox)];

/// Every field that is written, with its type. No other field is ever touched.
pub const FIELDS: [Field; 22] = [
    Field::required(RUN_ID, FieldType::Text),
    Field::required(CLIENT_ID, FieldType::Text),
    Field::required(CLIENT_NAME, FieldType::Text),
    Field::optional(RUN_TYPE, FieldType::SingleSelect(&RUN_TYPES)),
    Field::required(START_TIME, FieldType::DateTime),
    Field::required(END_TIME, FieldType::DateTime),
    Field::required(STATUS, FieldType::SingleSelect(&STATUSES)),
    Field::required(APIFY_RUN_ID, FieldType::LongText),
    Field::required(TARGETS, FieldType::Number),
    Field::required(POSTS_HARVESTED, FieldType::Number),
    Field::required(APIFY_COST, FieldType::Currency),
    Field::required(POSTS_EXAMINED, FieldType::Number),
    Field::required(POSTS_SCORED, FieldType::Number),
    Field::required(POST_TOKENS, FieldType::Number),
    Field::required(PROFILES_EXAMINED, FieldType::Number),
    Field::required(PROFILES_SCORED, FieldType::Number),
    Field::required(PROFILE_TOKENS, FieldType::Number),
    Field::optional(AI_COST, FieldType::Currency),
    Field::required(SYSTEM_NOTES, FieldType::LongText),
    Field::optional(PROGRESS_LOG, FieldType::LongText),
    Field::optional(ERROR_DETAILS, FieldType::LongText),
    Field::optional(BALANCE, FieldType::LongText),
];

/// What stands between the Run ID and the kept record in the Run ID of a duplicate.
const DUPLICATE_OF: &str = " (duplicate of ";

/// The Run ID that marks a record as a duplicate of the record `kept` of `run`.
#[must_use]
pub fn duplicate_run_id(run: &RunId, kept: &RecordId) -> String {
    format!("{run}{DUPLICATE_OF}{kept})")
}

/// Whether a Run ID marks its record as a duplicate.
#[must_use]
pub fn is_duplicate(run_id: &str) -> bool {
    run_id.contains(DUPLICATE_OF)
}
