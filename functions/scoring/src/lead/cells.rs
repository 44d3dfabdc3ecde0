//! The cells that are written to a lead's row.

use super::breakdown_cell::{FailedProfile, breakdown_cell, failed_cell};
use super::evaluation_cell::{Asked, best_post, error_cell, evaluation_cell, top_post_cell};
use crate::posts::post::StoredPost;
use crate::prompt::posts::ScoredPost;
use crate::prompt::profile::ProfileScore;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::core::ids::RunId;
use shared::core::linkedin::ProfileKey;
use shared::core::text::bounded;
use shared::messages::{ErrorCategory, SkipReason};
use shared::schema::leads as schema;

/// Longest text of the model about a profile, in UTF-16 units.
const MAX_WORDS: usize = 20_000;
/// Longest reason why a lead could not be scored, in UTF-16 units.
const MAX_DETAIL: usize = 1_000;

pub(crate) struct Cells {
    run: RunId,
    at: Timestamp,
    cells: Map<String, Value>,
}

impl Cells {
    pub(crate) fn new(run: RunId, at: Timestamp) -> Self {
        Self { run, at, cells: Map::new() }
    }

    /// The string that will be written to a field, if any.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.cells.get(field)?.as_str()
    }

    pub(crate) fn are_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Drops all cells, so that nothing is written.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
    }

    pub(crate) fn harvested(&mut self, found: usize) {
        let status = if found > 0 { schema::HARVEST_DONE } else { schema::HARVEST_NO_POSTS };
        self.set(schema::POSTS_HARVEST_STATUS, status);
        self.set(schema::LAST_POST_CHECK_AT, self.now());
        self.set(schema::POSTS_FOUND, found);
        self.set(schema::POSTS_HARVEST_RUN_ID, json!(self.run));
    }

    pub(crate) fn posts_added(&mut self, content: String) {
        self.set(schema::POSTS_CONTENT, content);
        self.set(schema::TIME_POSTS_ADDED, self.now());
    }

    pub(crate) fn posts_readable(&mut self, readable: bool) {
        let status = if readable { schema::JSON_PARSED } else { schema::JSON_FAILED };
        self.set(schema::POSTS_JSON_STATUS, status);
    }

    /// The lead was skipped. With `dated`, it waits for new posts.
    pub(crate) fn skipped(&mut self, reason: SkipReason, dated: bool) {
        self.set(schema::POSTS_SKIP_REASON, reason.as_str());
        if dated {
            self.set(schema::DATE_POSTS_SCORED, self.now());
        }
    }

    pub(crate) fn scored(
        &mut self,
        posts: &[StoredPost],
        scored: &[ScoredPost],
        lead: Option<&ProfileKey>,
        tokens: u64,
    ) {
        if let Some(best) = best_post(scored) {
            self.set(schema::POSTS_SCORE, best.score);
            self.set(schema::TOP_POST, top_post_cell(&posts[best.index], best, lead));
        }
        self.set(schema::POSTS_EVALUATION, evaluation_cell(&self.run, posts, scored));
        self.set(schema::DATE_POSTS_SCORED, self.now());
        self.set(schema::POSTS_SKIP_REASON, Value::Null);
        self.attempted(tokens);
    }

    /// The token limit is reached: the harvested posts wait for the next run.
    pub(crate) fn out_of_budget(&mut self) {
        self.set(schema::POSTS_SKIP_REASON, SkipReason::BudgetReached.as_str());
        self.set(schema::DATE_POSTS_SCORED, Value::Null);
    }

    pub(crate) fn profile_scored(&mut self, score: &ProfileScore) {
        // Airtable writes 83.33 % as 0.8333.
        self.set(schema::AI_SCORE, (score.percent * 100.0).round() / 10_000.0);
        self.set(schema::AI_ASSESSMENT, bounded(&score.assessment, MAX_WORDS));
        self.set(schema::AI_BREAKDOWN, breakdown_cell(&score.breakdown, &self.run));
        self.set(schema::AI_EXCLUDED, score.excluded.is_some());
        let excluded = score.excluded.as_ref().map(|why| bounded(why, MAX_WORDS));
        self.set(schema::EXCLUDE_DETAILS, json!(excluded));
        self.set(schema::SCORING_STATUS, schema::SCORED);
        self.set(schema::DATE_SCORED, self.now());
    }

    pub(crate) fn profile_too_thin(&mut self) {
        self.set(schema::AI_SCORE, 0);
        self.set(schema::SCORING_STATUS, schema::PROFILE_TOO_THIN);
        self.set(schema::DATE_SCORED, self.now());
    }

    /// The lead's profile could not be scored. `before` is the breakdown in its row. If the failure
    /// may be temporary, the lead keeps waiting for the next run.
    pub(crate) fn profile_failed(
        &mut self,
        category: ErrorCategory,
        before: &str,
        failed: &FailedProfile,
    ) {
        let status = match category {
            ErrorCategory::SafetyBlock => Some(schema::API_ERROR),
            ErrorCategory::AiResponseFormat => Some(schema::PARSE_ERROR),
            ErrorCategory::ModelRefused | ErrorCategory::ModelNoAnswer => None,
            ErrorCategory::NoCredit
            | ErrorCategory::Quota
            | ErrorCategory::Timeout
            | ErrorCategory::Auth
            | ErrorCategory::ModelConfig
            | ErrorCategory::PostsUnreadable
            | ErrorCategory::Airtable
            | ErrorCategory::Unknown => return,
        };
        if let Some(status) = status {
            self.set(schema::SCORING_STATUS, status);
        }
        self.set(schema::AI_BREAKDOWN, failed_cell(before, &self.run, failed));
    }

    pub(crate) fn profile_waits(&mut self) {
        self.set(schema::SCORING_STATUS, schema::TO_BE_SCORED);
    }

    /// The lead's posts could not be scored. The row is dated only if the failure would repeat, so
    /// that the lead waits for new posts. After any other failure, the next run asks again.
    pub(crate) fn failed(
        &mut self,
        category: ErrorCategory,
        detail: &str,
        asked: Asked<'_>,
        tokens: u64,
    ) {
        let detail = bounded(detail, MAX_DETAIL);
        self.set(schema::POSTS_EVALUATION, error_cell(&self.run, category, &detail, asked));
        let dated = category == ErrorCategory::SafetyBlock;
        self.set(schema::DATE_POSTS_SCORED, if dated { self.now() } else { Value::Null });
        self.attempted(tokens);
    }

    fn attempted(&mut self, tokens: u64) {
        self.set(schema::POST_SCORING_RUN_ID, json!(self.run));
        self.set(schema::POST_SCORING_TOKENS, tokens);
    }

    fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.cells.insert(field.to_owned(), value.into());
    }

    fn now(&self) -> Value {
        json!(self.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }

    pub(crate) fn into_cells(self, writable: &[String]) -> Map<String, Value> {
        self.cells.into_iter().filter(|(name, _)| writable.contains(name)).collect()
    }
}
