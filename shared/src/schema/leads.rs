//! The leads in a client's base.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Leads";
/// The lead's profile.
pub const PROFILE_URL: &str = "LinkedIn Profile URL";
/// The lead's first name.
pub const FIRST_NAME: &str = "First Name";
/// The lead's last name.
pub const LAST_NAME: &str = "Last Name";
/// The view of the leads that wait for post scoring; a base may lack it.
pub const WAITING_VIEW: &str = "Leads with Posts not yet scored";
/// A checkbox of the client's: somebody acted on the posts; a base may lack it.
pub const POSTS_ACTIONED: &str = "Posts Actioned";
/// What is known of the profile, as JSON.
pub const RAW_PROFILE: &str = "Raw Profile Data";
/// What is known of the profile, as JSON, where the client names it so.
pub const PROFILE_JSON: &str = "Profile Full JSON";
/// The profile's score.
pub const AI_SCORE: &str = "AI Score";
/// The profile's score in words.
pub const AI_ASSESSMENT: &str = "AI Profile Assessment";
/// The profile's score by attribute.
pub const AI_BREAKDOWN: &str = "AI Attribute Breakdown";
/// Whether the lead is out of the question.
pub const AI_EXCLUDED: &str = "AI_Excluded";
/// Why it is.
pub const EXCLUDE_DETAILS: &str = "Exclude Details";
/// See [`SCORING_STATUSES`].
pub const SCORING_STATUS: &str = "Scoring Status";
/// When the profile was scored.
pub const DATE_SCORED: &str = "Date Scored";
/// The lead's posts as a JSON array (or an older form).
pub const POSTS_CONTENT: &str = "Posts Content";
/// When posts were last added.
pub const TIME_POSTS_ADDED: &str = "Time Posts Added";
/// See [`HARVEST_STATUSES`].
pub const POSTS_HARVEST_STATUS: &str = "Posts Harvest Status";
/// When a harvest last looked.
pub const LAST_POST_CHECK_AT: &str = "Last Post Check At";
/// How many posts the last harvest found.
pub const POSTS_FOUND: &str = "Posts Found (Last Run)";
/// The run of the last harvest.
pub const POSTS_HARVEST_RUN_ID: &str = "Posts Harvest Run ID";
/// The best post's score.
pub const POSTS_SCORE: &str = "Posts Relevance Score";
/// Every scored post as a JSON array, or the error.
pub const POSTS_EVALUATION: &str = "Posts AI Evaluation";
/// The best post.
pub const TOP_POST: &str = "Top Scoring Post";
/// When the posts were scored; empty: they wait for it.
pub const DATE_POSTS_SCORED: &str = "Date Posts Scored";
/// Why the posts were not scored.
pub const POSTS_SKIP_REASON: &str = "Posts Skip Reason";
/// See [`JSON_STATUSES`].
pub const POSTS_JSON_STATUS: &str = "Posts JSON Status";
/// The run that scored the posts.
pub const POST_SCORING_RUN_ID: &str = "Post Scoring Run ID";
/// This lead's tokens in that run.
pub const POST_SCORING_TOKENS: &str = "Post Scoring Tokens";

/// A harvest found posts.
pub const HARVEST_DONE: &str = "Done";
/// A harvest found none.
pub const HARVEST_NO_POSTS: &str = "No Posts";
/// Choices of [`POSTS_HARVEST_STATUS`] that are written.
pub const HARVEST_STATUSES: [&str; 2] = [HARVEST_DONE, HARVEST_NO_POSTS];
/// The posts could be read.
pub const JSON_PARSED: &str = "Parsed";
/// The posts could not be read.
pub const JSON_FAILED: &str = "Failed";
/// Choices of [`POSTS_JSON_STATUS`] that are written.
pub const JSON_STATUSES: [&str; 2] = [JSON_PARSED, JSON_FAILED];
/// The profile waits for scoring.
pub const TO_BE_SCORED: &str = "To Be Scored";
/// The profile is scored.
pub const SCORED: &str = "Scored";
/// The profile says too little.
pub const PROFILE_TOO_THIN: &str = "Skipped – Profile Too Thin";
/// The model refuses to speak about the profile.
pub const API_ERROR: &str = "Failed – API Error";
/// The model's answer about the profile is of no use.
pub const PARSE_ERROR: &str = "Failed – Parse Error";
/// Choices of [`SCORING_STATUS`].
pub const SCORING_STATUSES: [&str; 5] =
    [TO_BE_SCORED, SCORED, PROFILE_TOO_THIN, API_ERROR, PARSE_ERROR];

/// Every field that profile scoring writes, with its type.
pub const PROFILE_FIELDS: [Field; 7] = [
    Field::required(AI_SCORE, FieldType::Percent),
    Field::required(AI_ASSESSMENT, FieldType::LongText),
    Field::required(AI_BREAKDOWN, FieldType::LongText),
    Field::optional(AI_EXCLUDED, FieldType::Checkbox),
    Field::optional(EXCLUDE_DETAILS, FieldType::LongText),
    Field::required(SCORING_STATUS, FieldType::SingleSelect(&SCORING_STATUSES)),
    Field::required(DATE_SCORED, FieldType::DateTime),
];

/// Every field that post scoring writes, with its type.
pub const POST_FIELDS: [Field; 14] = [
    Field::required(POSTS_CONTENT, FieldType::LongText),
    Field::required(TIME_POSTS_ADDED, FieldType::DateTime),
    Field::optional(POSTS_HARVEST_STATUS, FieldType::SingleSelect(&HARVEST_STATUSES)),
    Field::optional(LAST_POST_CHECK_AT, FieldType::DateTime),
    Field::optional(POSTS_FOUND, FieldType::Number),
    Field::optional(POSTS_HARVEST_RUN_ID, FieldType::Text),
    Field::required(POSTS_SCORE, FieldType::Number),
    Field::required(POSTS_EVALUATION, FieldType::LongText),
    Field::required(TOP_POST, FieldType::LongText),
    Field::required(DATE_POSTS_SCORED, FieldType::DateTime),
    Field::optional(POSTS_SKIP_REASON, FieldType::Text),
    Field::optional(POSTS_JSON_STATUS, FieldType::SingleSelect(&JSON_STATUSES)),
    Field::optional(POST_SCORING_RUN_ID, FieldType::Text),
    Field::optional(POST_SCORING_TOKENS, FieldType::Number),
];

/// The fields that are only read, with their types.
pub const READ_FIELDS: [Field; 3] = [
    Field::read(PROFILE_URL, FieldType::Text),
    Field::read_if_there(FIRST_NAME, FieldType::Text),
    Field::read_if_there(LAST_NAME, FieldType::Text),
];

/// The fields that may hold what is known of a profile. A base needs one of them.
pub const PROFILE_SOURCES: [Field; 2] = [
    Field::read_if_there(RAW_PROFILE, FieldType::LongText),
    Field::read_if_there(PROFILE_JSON, FieldType::LongText),
];

/// The fields that people write and post scoring reads.
pub const OPERATOR_FIELDS: [Field; 1] = [Field::read_if_there(POSTS_ACTIONED, FieldType::Checkbox)];
