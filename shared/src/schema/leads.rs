//! The leads in a client's base.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Leads";
/// The view of the leads that wait for post scoring. A base may lack it.
pub const WAITING_VIEW: &str = "Leads with Posts not yet scored";

/// A harvest found posts.
pub const HARVEST_DONE: &str = "Done";
/// A harvest found no posts.
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
/// The profile has a score.
pub const SCORED: &str = "Scored";
/// The profile says too little to be scored.
pub const PROFILE_TOO_THIN: &str = "Skipped – Profile Too Thin";
/// The model refuses to talk about the profile.
pub const API_ERROR: &str = "Failed – API Error";
/// The model's answer about the profile is unusable.
pub const PARSE_ERROR: &str = "Failed – Parse Error";
/// Choices of [`SCORING_STATUS`].
pub const SCORING_STATUSES: [&str; 5] =
    [TO_BE_SCORED, SCORED, PROFILE_TOO_THIN, API_ERROR, PARSE_ERROR];

fields! {
    /// Every field that profile scoring writes, with its type.
    PROFILE_FIELDS {
        AI_SCORE = "AI Score", required(Percent);
        AI_ASSESSMENT = "AI Profile Assessment", required(LongText);
        AI_BREAKDOWN = "AI Attribute Breakdown", required(LongText);
        /// Whether the lead is excluded.
        AI_EXCLUDED = "AI_Excluded", optional(Checkbox);
        EXCLUDE_DETAILS = "Exclude Details", optional(LongText);
        SCORING_STATUS = "Scoring Status", required(SingleSelect(&SCORING_STATUSES));
        DATE_SCORED = "Date Scored", required(DateTime);
    }
    /// Every field that post scoring writes, with its type.
    POST_FIELDS {
        /// The lead's posts as a JSON array (or an older form).
        POSTS_CONTENT = "Posts Content", required(LongText);
        TIME_POSTS_ADDED = "Time Posts Added", required(DateTime);
        POSTS_HARVEST_STATUS = "Posts Harvest Status", optional(SingleSelect(&HARVEST_STATUSES));
        /// When a harvest last checked the lead.
        LAST_POST_CHECK_AT = "Last Post Check At", optional(DateTime);
        POSTS_FOUND = "Posts Found (Last Run)", optional(Number);
        POSTS_HARVEST_RUN_ID = "Posts Harvest Run ID", optional(Text);
        POSTS_SCORE = "Posts Relevance Score", required(Number);
        /// Every scored post as a JSON array, or the error message.
        POSTS_EVALUATION = "Posts AI Evaluation", required(LongText);
        TOP_POST = "Top Scoring Post", required(LongText);
        /// When the posts were scored; empty while they wait for scoring.
        DATE_POSTS_SCORED = "Date Posts Scored", required(DateTime);
        POSTS_SKIP_REASON = "Posts Skip Reason", optional(Text);
        POSTS_JSON_STATUS = "Posts JSON Status", optional(SingleSelect(&JSON_STATUSES));
        POST_SCORING_RUN_ID = "Post Scoring Run ID", optional(Text);
        /// The tokens of this lead in that run.
        POST_SCORING_TOKENS = "Post Scoring Tokens", optional(Number);
    }
    /// The fields that are only read, with their types.
    READ_FIELDS {
        PROFILE_URL = "LinkedIn Profile URL", read(Text);
        FIRST_NAME = "First Name", read_if_there(Text);
        LAST_NAME = "Last Name", read_if_there(Text);
    }
    /// The fields that may describe the profile. A base needs one of them.
    PROFILE_SOURCES {
        RAW_PROFILE = "Raw Profile Data", read_if_there(LongText);
        /// The profile's data as JSON, for clients that use this field name.
        PROFILE_JSON = "Profile Full JSON", read_if_there(LongText);
    }
    /// The fields that people write and post scoring reads.
    OPERATOR_FIELDS {
        /// The client's checkbox: somebody acted on the posts. A base may lack it.
        POSTS_ACTIONED = "Posts Actioned", read_if_there(Checkbox);
    }
}
