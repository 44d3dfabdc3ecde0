//! The subject of a fact, and which of two outcomes of a lead counts.

use super::json::{count, text};
use jiff::Timestamp;
use serde_json_borrow::Value;
use std::collections::BTreeMap;

/// A round of model calls: attempt, wave, round.
pub(crate) type Round = (String, u64, u64);

/// What was scored: `post` or `profile`, as messages spell it.
pub(crate) type Kind = &'static str;

/// A chunk: its plan and its index in the plan.
pub(crate) type ChunkId = (String, u64);

/// The outcome of a lead, with what decides between two outcomes: a score always wins, otherwise
/// the latest attempt counts. The order of the fields is the order of comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outcome {
    pub(crate) is_scored: bool,
    started_at: Timestamp,
    attempt: String,
    pub(crate) name: String,
}

pub(crate) fn kind(message: &Value<'_>) -> Kind {
    if text(message, "/kind") == "profile" { "profile" } else { "post" }
}

/// Of a lead's known outcome and the outcome in a fact, keeps the one that counts.
pub(crate) fn keep_outcome(
    outcomes: &mut BTreeMap<(Kind, String), Outcome>,
    fact: &Value<'_>,
    lead: &Value<'_>,
) {
    let name = text(lead, "/outcome").to_owned();
    let reported = Outcome {
        is_scored: name == "scored",
        started_at: time(fact, "/attempt/started_at"),
        attempt: text(fact, "/attempt/attempt").to_owned(),
        name,
    };
    let known = outcomes
        .entry((kind(fact), text(lead, "/lead").to_owned()))
        .or_insert_with(|| reported.clone());
    *known = known.clone().max(reported);
}

/// The time at this pointer of a message.
pub(crate) fn time(message: &Value<'_>, pointer: &str) -> Timestamp {
    text(message, pointer).parse().unwrap_or_default()
}

pub(crate) fn round(fact: &Value<'_>) -> Round {
    let attempt = text(fact, "/attempt/attempt").to_owned();
    (attempt, count(fact, "/wave"), count(fact, "/round"))
}

pub(crate) fn chunk_of(fact: &Value<'_>) -> ChunkId {
    (text(fact, "/attempt/plan").to_owned(), count(fact, "/attempt/chunk"))
}
