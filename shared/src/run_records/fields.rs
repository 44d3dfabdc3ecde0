//! The cells of a run record: every number as the fold has it, absolute.

use super::notes;
use crate::core::tokens::NanoUsd;
use crate::fold::{Status, Summary};
use crate::messages::RunType;
use crate::schema::run_record as schema;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Every cell of the run's record; `left_out` names fields of the table that cannot be written,
/// with the reason.
pub fn cells(summary: &Summary, left_out: &[(&str, &str)]) -> Map<String, Value> {
    let cells = [
        (schema::RUN_ID, json!(summary.run)),
        (schema::CLIENT_ID, json!(summary.header.client)),
        (schema::CLIENT_NAME, json!(summary.header.client_name)),
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
        (schema::AI_COST, json!(summary.ai_cost.as_usd())),
        (schema::SYSTEM_NOTES, json!(notes::system_notes(summary, left_out))),
        (schema::PROGRESS_LOG, json!(notes::progress_log(summary))),
        (schema::ERROR_DETAILS, json!(notes::error_details(summary))),
        (schema::BALANCE, json!(notes::balance(summary))),
    ];
    cells
        .into_iter()
        .filter(|(name, _)| !left_out.iter().any(|(field, _)| field == name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
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
