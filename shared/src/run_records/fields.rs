//! The cells of a run record. Every number is the absolute value from the fold.

use super::{error_details, notes, progress};
use crate::core::text::bounded;
use crate::core::tokens::NanoUsd;
use crate::fold::{Status, Summary};
use crate::messages::RunType;
use crate::schema::run_record as schema;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest client name on a record, in UTF-16 units.
const MAX_NAME: usize = 1_000;

/// Every cell of the run's record except System Notes, which report on the other cells.
pub(super) fn all_cells(summary: &Summary) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (schema::RUN_ID, json!(summary.run)),
        (schema::CLIENT_ID, json!(summary.header.client)),
        (schema::CLIENT_NAME, json!(bounded(&summary.header.client_name, MAX_NAME))),
        (schema::RUN_TYPE, json!(run_type(summary.header.run_type))),
        (schema::START_TIME, json!(date_time(summary.started_at))),
        (schema::END_TIME, json!(summary.ended_at.map(date_time))),
        (schema::STATUS, json!(status(summary.status))),
        (schema::APIFY_RUN_ID, json!(notes::apify_runs(summary))),
        (schema::TARGETS, json!(summary.targets)),
        (schema::POSTS_HARVESTED, json!(summary.posts_harvested)),
        (schema::ITEMS_NOT_USED, json!(summary.account.items_not_used)),
        (schema::TARGETS_UNKNOWN, json!(summary.account.targets_unknown)),
        (schema::APIFY_COST, json!(summary.harvest_cost.map(NanoUsd::as_usd))),
        (schema::POSTS_EXAMINED, json!(summary.posts.examined)),
        (schema::POSTS_SCORED, json!(summary.posts.scored)),
        (schema::POST_TOKENS, json!(summary.posts.tokens.total)),
        (schema::PROFILES_EXAMINED, json!(summary.profiles.examined)),
        (schema::PROFILES_SCORED, json!(summary.profiles.scored)),
        (schema::PROFILE_TOKENS, json!(summary.profiles.tokens.total)),
        (schema::TOKENS_BY_DAY, json!(notes::tokens_by_day(summary))),
        (schema::AI_COST, json!(summary.ai_cost.as_usd())),
        (schema::PROGRESS_LOG, json!(progress::progress_log(summary))),
        (schema::ERROR_DETAILS, json!(error_details::error_details(summary))),
        (schema::BALANCE, json!(notes::balance(summary))),
    ])
}

/// The fields that may be selects, and the choice that each gets.
pub(super) fn chosen(summary: &Summary) -> [(&'static str, &str); 3] {
    [
        (schema::CLIENT_ID, summary.header.client.as_str()),
        (schema::STATUS, status(summary.status)),
        (schema::RUN_TYPE, run_type(summary.header.run_type)),
    ]
}

fn status(status: Status) -> &'static str {
    let [running, completed, with_errors, stalled, failed] = schema::STATUSES;
    match status {
        Status::Running => running,
        Status::Completed => completed,
        Status::CompletedWithErrors => with_errors,
        Status::Stalled => stalled,
        Status::Failed => failed,
    }
}

fn run_type(run_type: RunType) -> &'static str {
    let [orchestrated, standalone] = schema::RUN_TYPES;
    match run_type {
        RunType::Orchestrated => orchestrated,
        RunType::Standalone => standalone,
    }
}

/// A time as Airtable writes it: UTC with milliseconds.
fn date_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
