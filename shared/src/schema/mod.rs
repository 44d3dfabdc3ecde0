//! Airtable's spelling of tables, fields, views and choices. Nothing outside this file spells
//! them.

/// A field that is read or written, and what the base must have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub field_type: FieldType,
    /// Whether a base may lack it without anything being wrong.
    pub optional: bool,
    /// Whether this system writes it; one that is only read may be of more types.
    pub written: bool,
}

impl Field {
    const fn required(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: false, written: true }
    }

    const fn optional(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: true, written: true }
    }

    const fn read(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: false, written: false }
    }

    const fn read_if_there(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: true, written: false }
    }

    /// Whether a field of Airtable's type `airtable` serves.
    #[must_use]
    pub fn accepts(&self, airtable: &str) -> bool {
        self.field_type.accepts(airtable) || (!self.written && self.field_type.reads(airtable))
    }
}

/// A table that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its fields, list by list. The very first is the primary field of a table that is made.
    pub fields: &'static [&'static [Field]],
    /// Whether a base may lack it without anything being wrong.
    pub optional: bool,
}

impl Table {
    /// All its fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().copied().flatten()
    }
}

/// The tables of the master base.
pub const MASTER_BASE: [Table; 3] = [
    Table { name: clients::TABLE, fields: &[&clients::FIELDS], optional: false },
    Table {
        name: run_record::TABLE,
        fields: &[&run_record::FIELDS, &run_record::OPERATOR_FIELDS],
        optional: false,
    },
    Table { name: apify::TABLE, fields: &[&apify::FIELDS], optional: true },
];

/// The tables of the base of a client whose leads' profiles and posts are scored.
pub const CLIENT_BASE: [Table; 4] = [
    Table {
        name: leads::TABLE,
        fields: &[
            &leads::READ_FIELDS,
            &leads::PROFILE_SOURCES,
            &leads::PROFILE_FIELDS,
            &leads::OPERATOR_FIELDS,
            &leads::POST_FIELDS,
        ],
        optional: false,
    },
    Table {
        name: post_instructions::TABLE,
        fields: &[&post_instructions::FIELDS],
        optional: false,
    },
    Table { name: post_attributes::TABLE, fields: &[&post_attributes::FIELDS], optional: false },
    PROFILE_ATTRIBUTES,
];

/// The tables of the base of a client whose leads' profiles alone are scored.
pub const PROFILES_ONLY_BASE: [Table; 2] = [
    Table {
        name: leads::TABLE,
        fields: &[&leads::READ_FIELDS, &leads::PROFILE_SOURCES, &leads::PROFILE_FIELDS],
        optional: false,
    },
    PROFILE_ATTRIBUTES,
];

/// Profiles are scored for every client that is served.
const PROFILE_ATTRIBUTES: Table = Table {
    name: profile_attributes::TABLE,
    fields: &[&profile_attributes::FIELDS],
    optional: false,
};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text; the identity fields are upserted on.
    Text,
    /// Lines of text.
    LongText,
    /// A number.
    Number,
    /// An amount of US dollars.
    Currency,
    /// A share: 0.5 is 50 %.
    Percent,
    /// A point in time.
    DateTime,
    /// A yes or no.
    Checkbox,
    /// One of these choices, all of which are written or read by name.
    SingleSelect(&'static [&'static str]),
}

impl FieldType {
    /// Whether a field of Airtable's type `airtable` takes what this one holds.
    #[must_use]
    pub fn accepts(self, airtable: &str) -> bool {
        match self {
            Self::Text | Self::LongText => {
                matches!(airtable, "singleLineText" | "multilineText" | "richText")
            }
            Self::Number | Self::Currency => matches!(airtable, "number" | "currency"),
            Self::Percent => airtable == "percent",
            Self::DateTime => airtable == "dateTime",
            Self::Checkbox => airtable == "checkbox",
            // A select as plain text loses nothing.
            Self::SingleSelect(_) => matches!(airtable, "singleSelect" | "singleLineText"),
        }
    }

    /// Whether a cell of Airtable's type `airtable` can be read as what this one holds. What
    /// Airtable computes counts: its result is known only with the first row.
    fn reads(self, airtable: &str) -> bool {
        const COMPUTED: [&str; 2] = ["formula", "rollup"];
        let read: &[&str] = match self {
            Self::Text | Self::LongText | Self::SingleSelect(_) => &[
                "singleLineText",
                "multilineText",
                "richText",
                "singleSelect",
                "url",
                "email",
                "phoneNumber",
            ],
            Self::Number | Self::Currency | Self::Percent => {
                &["number", "currency", "percent", "count", "rating", "autoNumber"]
            }
            Self::DateTime => &["dateTime", "date", "createdTime", "lastModifiedTime"],
            Self::Checkbox => &["checkbox"],
        };
        read.contains(&airtable) || COMPUTED.contains(&airtable)
    }

    /// The type in words, as Airtable's interface calls it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "single line text",
            Self::LongText => "long text",
            Self::Number => "number",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::DateTime => "date with time",
            Self::Checkbox => "checkbox",
            Self::SingleSelect(_) => "single select",
        }
    }
}

/// The table of clients in the master base.
pub mod clients {
    use super::{Field, FieldType};

    /// The table.
    pub const TABLE: &str = "Clients";
    /// Primary key.
    pub const CLIENT_ID: &str = "Client ID";
    /// For people.
    pub const CLIENT_NAME: &str = "Client Name";
    /// Only [`ACTIVE`] clients are served.
    pub const STATUS: &str = "Status";
    /// The client's own base.
    pub const BASE_ID: &str = "Airtable Base ID";
    /// `1-…` lead scoring, `2-…` lead and post scoring.
    pub const SERVICE_LEVEL: &str = "Service Level";
    /// Most tokens of a run's profile scoring; empty: no limit.
    pub const PROFILE_TOKEN_LIMIT: &str = "Profile Scoring Token Limit";
    /// Most tokens of a run's post scoring; empty: no limit.
    pub const POST_TOKEN_LIMIT: &str = "Post Scoring Token Limit";
    /// The status of a client that is served.
    pub const ACTIVE: &str = "Active";
    /// The status of a client that is not.
    pub const INACTIVE: &str = "Inactive";

    /// The choices of [`STATUS`] that are read: whatever else it says, the client is not served.
    pub const STATUSES: [&str; 1] = [ACTIVE];

    /// Every field that is read, with its type.
    pub const FIELDS: [Field; 7] = [
        Field::read(CLIENT_ID, FieldType::Text),
        Field::read(CLIENT_NAME, FieldType::Text),
        Field::read(STATUS, FieldType::SingleSelect(&STATUSES)),
        Field::read(BASE_ID, FieldType::Text),
        Field::read(SERVICE_LEVEL, FieldType::Text),
        Field::read_if_there(PROFILE_TOKEN_LIMIT, FieldType::Number),
        Field::read_if_there(POST_TOKEN_LIMIT, FieldType::Number),
    ];
}

/// The optional table of harvests in the master base.
pub mod apify {
    use super::{Field, FieldType};

    /// The table.
    pub const TABLE: &str = "Apify";
    /// The run a harvest was started for.
    pub const RUN_ID: &str = "Run ID";
    /// The client it was started for.
    pub const CLIENT_ID: &str = "Client ID";
    /// Apify's id of the harvest.
    pub const APIFY_RUN_ID: &str = "Apify Run ID";
    /// How far the harvest is.
    pub const STATUS: &str = "Status";
    /// When it was started.
    pub const CREATED_AT: &str = "Created At";
    /// When it ended.
    pub const COMPLETED_AT: &str = "Completed At";
    /// Where its items are.
    pub const DATASET_ID: &str = "Dataset ID";
    /// Why it failed.
    pub const ERROR: &str = "Error";

    /// Every field that is read, with its type.
    pub const FIELDS: [Field; 3] = [
        Field::read(APIFY_RUN_ID, FieldType::Text),
        Field::read(RUN_ID, FieldType::Text),
        Field::read(CLIENT_ID, FieldType::Text),
    ];
}

/// The run records in the master base: one row per run id and client.
pub mod run_record {
    use super::{Field, FieldType};

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
}

/// The leads in a client's base.
pub mod leads {
    use super::{Field, FieldType};

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
    pub const OPERATOR_FIELDS: [Field; 1] =
        [Field::read_if_there(POSTS_ACTIONED, FieldType::Checkbox)];
}

/// The texts of the post-scoring prompt.
pub mod post_instructions {
    use super::{Field, FieldType};

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
}

/// The criteria of the post-scoring rubric.
pub mod post_attributes {
    use super::{Field, FieldType};

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
}

/// The attributes of the profile-scoring rubric.
pub mod profile_attributes {
    use super::{Field, FieldType};

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
}
