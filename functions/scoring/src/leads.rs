//! Rows of the table `Leads`: reading them, and the cells that are written.

use crate::evaluation::{self, ScoredPost};
use crate::posts_content::StoredPost;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::airtable::formula::{Formula, any_encoding_of};
use shared::airtable::{Airtable, AirtableError, ListQuery, Record, TableSchema};
use shared::ids::{BaseId, RunId};
use shared::linkedin::ProfileKey;
use shared::messages::{ChunkLead, ErrorCategory, LeadRef, SkipReason};
use shared::schema::{leads as schema, post_attributes};
use shared::seams::Transport;

/// A lead's row, as far as post scoring reads it.
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
}

/// The fields of [`LeadRow`].
const READ: [&str; 4] = [
    schema::PROFILE_URL,
    schema::POSTS_CONTENT,
    schema::POSTS_EVALUATION,
    schema::DATE_POSTS_SCORED,
];

/// The fields of `Leads` that can be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Writable {
    pub(crate) fields: Vec<String>,
    /// Whether the criteria of the rubric can be switched off; `None` when the schema is secret.
    pub(crate) criteria_have_active: Option<bool>,
    pub(crate) warnings: Vec<String>,
}

/// Reads which of the fields that post scoring writes a base has: one request, once per plan.
/// Where the token may not read the schema, the fields that every base must have are written.
///
/// # Errors
/// [`AirtableError::Refused`] when a field that every base must have is missing or has another
/// type: no token is spent on results that cannot be kept.
pub(crate) async fn writable_fields(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
) -> Result<Writable, AirtableError> {
    let required = || schema::POST_FIELDS.iter().filter(|field| !field.optional);
    let tables = match airtable.tables(base).await {
        Ok(tables) => tables,
        Err(AirtableError::Denied { .. }) => {
            return Ok(Writable {
                criteria_have_active: None,
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
    let criteria = tables.iter().find(|table| table.name == post_attributes::TABLE);
    let has_active = |table: &TableSchema| {
        table.fields.iter().any(|field| field.name == post_attributes::ACTIVE)
    };
    let criteria_have_active = criteria.map(has_active);
    let table = tables.into_iter().find(|table| table.name == schema::TABLE);
    let known = table.map(|table| table.fields).unwrap_or_default();
    let mut writable = Writable { fields: Vec::new(), criteria_have_active, warnings: Vec::new() };
    for field in &schema::POST_FIELDS {
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

/// Reads the rows of a chunk's leads: one request.
pub(crate) async fn read(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    leads: &[ChunkLead],
) -> Result<Vec<Record<LeadRow>>, AirtableError> {
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
    let query = ListQuery { fields: &READ, formula: Some(Formula::any(formulas)) };
    let mut rows = airtable.list(base, schema::TABLE, &query).await?;
    rows.sort_by(|a: &Record<LeadRow>, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
    Ok(rows)
}

/// The row of a lead: of several with its profile the oldest.
pub(crate) fn find<'a>(rows: &'a [Record<LeadRow>], lead: &LeadRef) -> Option<&'a Record<LeadRow>> {
    rows.iter().find(|row| match lead {
        LeadRef::Profile(profile) => {
            ProfileKey::of(&row.fields.profile_url).as_ref() == Some(profile)
        }
        LeadRef::Record(record) => row.id == *record,
    })
}

/// Collects the cells of one row.
pub(crate) struct Cells<'a> {
    run: &'a RunId,
    at: Timestamp,
    cells: Map<String, Value>,
}

impl<'a> Cells<'a> {
    /// No cells yet.
    pub(crate) fn new(run: &'a RunId, at: Timestamp) -> Self {
        Self { run, at, cells: Map::new() }
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
        posts: &[&StoredPost],
        scored: &[ScoredPost],
        lead: Option<&ProfileKey>,
        tokens: u64,
    ) {
        if let Some(best) = evaluation::best(scored) {
            self.set(schema::POSTS_SCORE, json!(best.score));
            self.set(schema::TOP_POST, json!(evaluation::top_post(posts[best.index], best, lead)));
        }
        self.set(schema::POSTS_EVALUATION, json!(evaluation::cell(self.run, posts, scored)));
        self.set(schema::DATE_POSTS_SCORED, self.now());
        self.set(schema::POSTS_SKIP_REASON, Value::Null);
        self.tried(tokens);
    }

    /// The lead could not be scored. Only what would fail the same way again is dated, so that it
    /// waits for new posts; everything else is tried again in the next run.
    pub(crate) fn failed(&mut self, category: ErrorCategory, detail: &str, tokens: u64) {
        self.set(
            schema::POSTS_EVALUATION,
            json!(evaluation::error_cell(self.run, category, detail)),
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
