//! Rows of the table `Leads`: reading them, and the cells that are written.

use crate::posts::stored::StoredPost;
use crate::prompt::posts::{self, ScoredPost};
use crate::prompt::profile::{self, ProfileScore};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::core::ids::{BaseId, PlanId, RunId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{Chunk, ChunkLead, ErrorCategory, Kind, LeadRef, SkipReason};
use shared::ports::Transport;
use shared::schema::{leads as schema, post_attributes, profile_attributes};
use shared::services::airtable::formula::{Formula, any_encoding_of};
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Record, TableSchema};

/// A lead's row, as far as scoring reads it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct LeadRow {
    #[serde(rename = "LinkedIn Profile URL")]
    pub(crate) profile_url: String,
    #[serde(rename = "Posts Content")]
    pub(crate) posts_content: String,
    #[serde(rename = "Posts AI Evaluation")]
    pub(crate) evaluation: String,
    #[serde(rename = "Date Posts Scored")]
    pub(crate) scored_at: Option<String>,
    #[serde(rename = "Raw Profile Data")]
    pub(crate) raw_profile: String,
    #[serde(rename = "Profile Full JSON")]
    pub(crate) profile_json: String,
    #[serde(rename = "Scoring Status")]
    pub(crate) scoring_status: String,
    #[serde(rename = "AI Attribute Breakdown")]
    pub(crate) breakdown: String,
    #[serde(rename = "Post Scoring Tokens")]
    pub(crate) tokens: Option<u64>,
}

/// The fields of [`LeadRow`] that post scoring reads.
const READ_FOR_POSTS: [&str; 4] = [
    schema::PROFILE_URL,
    schema::POSTS_CONTENT,
    schema::POSTS_EVALUATION,
    schema::DATE_POSTS_SCORED,
];
/// The fields of [`LeadRow`] that profile scoring reads besides those with the profile.
const READ_FOR_PROFILES: [&str; 3] =
    [schema::PROFILE_URL, schema::SCORING_STATUS, schema::AI_BREAKDOWN];

/// What a base has of the fields that scoring reads and writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Writable {
    /// The fields of `Leads` that can be written.
    pub(crate) fields: Vec<String>,
    /// Whether the rows of the rubric can be switched off; `None` when the schema is secret.
    pub(crate) criteria_have_active: Option<bool>,
    /// The fields that hold the leads' profiles.
    pub(crate) profile_fields: Vec<String>,
    /// Whether the leads can be marked as acted on; `None` when the schema is secret.
    pub(crate) has_actioned: Option<bool>,
    pub(crate) warnings: Vec<String>,
}

/// Reads which of the fields that a kind of scoring writes a base has: one request, once per plan.
/// Where the token may not read the schema, the fields that every base must have are written.
///
/// # Errors
/// [`AirtableError::Refused`] when a field that every base must have is missing or has another
/// type: no token is spent on results that cannot be kept.
pub(crate) async fn writable_fields(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    kind: Kind,
) -> Result<Writable, AirtableError> {
    let (fields, rubric, active) = match kind {
        Kind::Post => (&schema::POST_FIELDS[..], post_attributes::TABLE, post_attributes::ACTIVE),
        Kind::Profile => {
            (&schema::PROFILE_FIELDS[..], profile_attributes::TABLE, profile_attributes::ACTIVE)
        }
    };
    let required = || fields.iter().filter(|field| !field.optional);
    let tables = match airtable.tables(base).await {
        Ok(tables) => tables,
        Err(AirtableError::Denied { .. }) => {
            return Ok(Writable {
                criteria_have_active: None,
                has_actioned: None,
                profile_fields: vec![schema::RAW_PROFILE.to_owned()],
                fields: required().map(|field| field.name.to_owned()).collect(),
                warnings: vec![format!(
                    "the schema of base {base} may not be read (scope schema.bases:read): \
                     optional fields of {:?} are not written",
                    schema::TABLE
                )],
            });
        }
        Err(error) => return Err(error),
    };
    let criteria = tables.iter().find(|table| table.name == rubric);
    let has_active = |table: &TableSchema| table.fields.iter().any(|field| field.name == active);
    let criteria_have_active = criteria.map(has_active);
    let table = tables.into_iter().find(|table| table.name == schema::TABLE);
    let known = table.map(|table| table.fields).unwrap_or_default();
    let has = |name: &str| known.iter().any(|field| field.name == name);
    let profile_fields = [schema::RAW_PROFILE, schema::PROFILE_JSON].into_iter().filter(|f| has(f));
    let mut writable = Writable {
        fields: Vec::new(),
        criteria_have_active,
        profile_fields: profile_fields.map(str::to_owned).collect(),
        has_actioned: Some(has(schema::POSTS_ACTIONED)),
        warnings: Vec::new(),
    };
    for field in fields {
        let found = known.iter().find(|known| known.name == field.name);
        let fits = found.is_some_and(|found| field.field_type.accepts(&found.field_type));
        match (found, fits) {
            (_, true) => writable.fields.push(field.name.to_owned()),
            (None, _) if field.optional => {}
            (Some(found), _) if field.optional => writable.warnings.push(format!(
                "field {:?} of {:?} in base {base} is not written: it is a {} field; make it {}",
                field.name,
                schema::TABLE,
                found.field_type,
                field.field_type.in_words()
            )),
            (found, _) => {
                let is = found
                    .map_or("missing".to_owned(), |found| format!("a {} field", found.field_type));
                return Err(AirtableError::Refused {
                    what: format!("writing {} of {base}", schema::TABLE),
                    error_type: "schema".to_owned(),
                    message: format!(
                        "field {:?} is {is}; make it {}",
                        field.name,
                        field.field_type.in_words()
                    ),
                });
            }
        }
    }
    Ok(writable)
}

/// The rows of some leads, oldest first, each with the profile it is about.
pub(crate) struct Rows(Vec<(Option<ProfileKey>, Record<LeadRow>)>);

impl Rows {
    /// The row of a lead: of several with its profile the oldest.
    pub(crate) fn of(&self, lead: &LeadRef) -> Option<&Record<LeadRow>> {
        let is_its = |(profile, row): &&(Option<ProfileKey>, Record<LeadRow>)| match lead {
            LeadRef::Profile(wanted) => profile.as_ref() == Some(wanted),
            LeadRef::Record(wanted) => row.id == *wanted,
        };
        self.0.iter().find(is_its).map(|(_, row)| row)
    }
}

/// Reads the rows of these leads of a chunk: one request.
pub(crate) async fn read(
    airtable: &Airtable<impl Transport>,
    chunk: &Chunk,
    leads: &[ChunkLead],
) -> Result<Rows, AirtableError> {
    let mut slugs = Vec::new();
    let mut formulas = Vec::new();
    for lead in leads {
        match &lead.lead {
            LeadRef::Profile(profile) => slugs.push(any_encoding_of(profile.as_str())),
            LeadRef::Record(record) => formulas.push(Formula::record_id(record.as_str())),
        }
    }
    if !slugs.is_empty() {
        let pattern = format!("/in/(?:{})\\s*[/?#]", slugs.join("|"));
        formulas.push(Formula::path_matches(schema::PROFILE_URL, &pattern));
    }
    let fields: Vec<&str> = match chunk.kind {
        Kind::Post => {
            // Who may use so many tokens only needs to know what earlier tries used.
            let tokens = chunk.writable.iter().map(String::as_str);
            let tokens = tokens
                .filter(|name| chunk.token_share.is_some() && *name == schema::POST_SCORING_TOKENS);
            READ_FOR_POSTS.into_iter().chain(tokens).collect()
        }
        Kind::Profile => {
            let of_base = chunk.profile_fields.iter().map(String::as_str);
            READ_FOR_PROFILES.into_iter().chain(of_base).collect()
        }
    };
    let query = ListQuery { fields: &fields, formula: Some(Formula::any(formulas)) };
    let mut rows = airtable.list(&chunk.base, schema::TABLE, &query).await?;
    rows.sort_by(|a: &Record<LeadRow>, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
    let with_profile =
        rows.into_iter().map(|row| (ProfileKey::of(&row.fields.profile_url), row)).collect();
    Ok(Rows(with_profile))
}

/// Collects the cells of one row.
pub(crate) struct Cells {
    run: RunId,
    at: Timestamp,
    cells: Map<String, Value>,
}

impl Cells {
    /// No cells yet.
    pub(crate) fn new(run: RunId, at: Timestamp) -> Self {
        Self { run, at, cells: Map::new() }
    }

    /// Nothing is written after all.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
    }

    /// What a harvest found.
    pub(crate) fn harvested(&mut self, found: usize) {
        let status = if found > 0 { schema::HARVEST_DONE } else { schema::HARVEST_NO_POSTS };
        self.set(schema::POSTS_HARVEST_STATUS, json!(status));
        self.set(schema::LAST_POST_CHECK_AT, self.now());
        self.set(schema::POSTS_FOUND, json!(found));
        self.set(schema::POSTS_HARVEST_RUN_ID, json!(self.run));
    }

    /// The lead's posts, with new ones among them.
    pub(crate) fn posts_added(&mut self, content: String) {
        self.set(schema::POSTS_CONTENT, json!(content));
        self.set(schema::TIME_POSTS_ADDED, self.now());
    }

    /// Whether the lead's posts could be read.
    pub(crate) fn posts_readable(&mut self, readable: bool) {
        let status = if readable { schema::JSON_PARSED } else { schema::JSON_FAILED };
        self.set(schema::POSTS_JSON_STATUS, json!(status));
    }

    /// The lead was skipped. One that was dated waits for new posts.
    pub(crate) fn skipped(&mut self, reason: SkipReason, dated: bool) {
        self.set(schema::POSTS_SKIP_REASON, json!(reason.as_str()));
        if dated {
            self.set(schema::DATE_POSTS_SCORED, self.now());
        }
    }

    /// The lead's posts were scored.
    pub(crate) fn scored(
        &mut self,
        posts: &[StoredPost],
        scored: &[ScoredPost],
        lead: Option<&ProfileKey>,
        tokens: u64,
    ) {
        if let Some(best) = posts::best(scored) {
            self.set(schema::POSTS_SCORE, json!(best.score));
            self.set(schema::TOP_POST, json!(posts::top_post(&posts[best.index], best, lead)));
        }
        self.set(schema::POSTS_EVALUATION, json!(posts::cell(&self.run, posts, scored)));
        self.set(schema::DATE_POSTS_SCORED, self.now());
        self.set(schema::POSTS_SKIP_REASON, Value::Null);
        self.tried(tokens);
    }

    /// The tokens that the run may use are used: whatever was harvested waits for the next run.
    pub(crate) fn out_of_budget(&mut self) {
        self.set(schema::POSTS_SKIP_REASON, json!(SkipReason::BudgetReached.as_str()));
        self.set(schema::DATE_POSTS_SCORED, Value::Null);
    }

    /// The lead's profile was scored.
    pub(crate) fn profile_scored(&mut self, score: &ProfileScore) {
        // Airtable writes 83.33 % as 0.8333.
        self.set(schema::AI_SCORE, json!((score.percent * 100.0).round() / 10_000.0));
        self.set(schema::AI_ASSESSMENT, json!(score.assessment));
        let breakdown = profile::breakdown_cell(&score.breakdown, &self.run);
        self.set(schema::AI_BREAKDOWN, json!(breakdown));
        self.set(schema::AI_EXCLUDED, json!(score.excluded.is_some()));
        self.set(schema::EXCLUDE_DETAILS, json!(score.excluded));
        self.set(schema::SCORING_STATUS, json!(schema::SCORED));
        self.set(schema::DATE_SCORED, self.now());
    }

    /// The lead's profile is too thin to be judged.
    pub(crate) fn profile_too_thin(&mut self) {
        self.set(schema::AI_SCORE, json!(0));
        self.set(schema::SCORING_STATUS, json!(schema::PROFILE_TOO_THIN));
        self.set(schema::DATE_SCORED, self.now());
    }

    /// The lead's profile could not be scored by `plan`; `before` is the breakdown that its row
    /// has. What may go better by itself is not marked: the lead stays waiting and is tried again
    /// in the next run.
    pub(crate) fn profile_failed(&mut self, category: ErrorCategory, before: &str, plan: &PlanId) {
        let status = match category {
            ErrorCategory::SafetyBlock => schema::API_ERROR,
            ErrorCategory::AiResponseFormat => schema::PARSE_ERROR,
            ErrorCategory::Quota
            | ErrorCategory::Timeout
            | ErrorCategory::Auth
            | ErrorCategory::ModelConfig
            | ErrorCategory::PostsUnreadable
            | ErrorCategory::Airtable
            | ErrorCategory::Unknown => return,
        };
        self.set(schema::SCORING_STATUS, json!(status));
        let breakdown = profile::failed_cell(before, &self.run, plan);
        self.set(schema::AI_BREAKDOWN, json!(breakdown));
    }

    /// The lead's profile waits for scoring.
    pub(crate) fn profile_waits(&mut self) {
        self.set(schema::SCORING_STATUS, json!(schema::TO_BE_SCORED));
    }

    /// The lead could not be scored. Only what would fail the same way again is dated, so that it
    /// waits for new posts; everything else is tried again in the next run.
    pub(crate) fn failed(
        &mut self,
        category: ErrorCategory,
        detail: &str,
        posts: usize,
        tokens: u64,
    ) {
        self.set(
            schema::POSTS_EVALUATION,
            json!(posts::error_cell(&self.run, category, detail, posts)),
        );
        let dated = category == ErrorCategory::SafetyBlock;
        self.set(schema::DATE_POSTS_SCORED, if dated { self.now() } else { Value::Null });
        self.tried(tokens);
    }

    fn tried(&mut self, tokens: u64) {
        self.set(schema::POST_SCORING_RUN_ID, json!(self.run));
        self.set(schema::POST_SCORING_TOKENS, json!(tokens));
    }

    fn set(&mut self, field: &str, value: Value) {
        self.cells.insert(field.to_owned(), value);
    }

    fn now(&self) -> Value {
        json!(self.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }

    /// The cells, of those fields that can be written.
    pub(crate) fn into_cells(self, writable: &[String]) -> Map<String, Value> {
        self.cells.into_iter().filter(|(name, _)| writable.contains(name)).collect()
    }
}
