//! Compares the model's bill with the calls on the records. Kills may have lost some answers.

use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use crate::view::events_of;
use serde::Serialize;
use shared::fold::RunState;
use shared::messages::{BilledCall, CallOutcome, Fact, MetricsEvent};
use shared::ports::EventLog;
use std::collections::BTreeMap;

/// Calls that the model answered and billed, but whose answers were lost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Unheard {
    pub(super) calls: u64,
    pub(super) tokens: u64,
}

/// How the bill and the records differ.
pub(super) struct Bill {
    /// Calls that only the bill has.
    pub(super) unheard: Unheard,
    /// Calls that the records report as unobserved.
    pub(super) unobserved: u64,
    /// Calls that only the records have. There must be none.
    pub(super) invented: u64,
}

impl Bill {
    /// Removes each call on the records from the bill, matching by tokens.
    pub(super) async fn of(stage: &Stage, runs: &[Dispatched]) -> Result<Self, Fault> {
        let mut calls_by_tokens: BTreeMap<u64, u64> = BTreeMap::new();
        for answer in stage.services.gemini.service().billed() {
            *calls_by_tokens.entry(answer.usage.total).or_default() += 1;
        }
        let (mut invented, mut unobserved) = (0, 0);
        for run in runs {
            let events = events_of(&stage.system.log.read(&run.run).await?).0;
            let Some(state) = RunState::fold(&events) else { continue };
            let summary = state.summary();
            unobserved += summary.posts.unobserved + summary.profiles.unobserved;
            for tokens in events.iter().flat_map(tokens_of_calls) {
                match calls_by_tokens.get_mut(&tokens).filter(|calls| **calls > 0) {
                    Some(calls) => *calls -= 1,
                    None => invented += 1,
                }
            }
        }
        let calls = calls_by_tokens.values().sum();
        let tokens = calls_by_tokens.iter().map(|(tokens, calls)| tokens * calls).sum();
        Ok(Self { unheard: Unheard { calls, tokens }, unobserved, invented })
    }
}

/// The record's `Balance` without the lines about calls whose answers were lost.
pub(super) fn without_unheard(balance: &str) -> String {
    let is_of_others =
        |line: &&str| !line.contains(" unobserved, ") && !line.contains(" without usage");
    let lines: Vec<&str> = balance.lines().filter(is_of_others).collect();
    if lines.is_empty() { "balanced".to_owned() } else { lines.join("\n") }
}

fn tokens_of_calls(event: &MetricsEvent) -> Vec<u64> {
    let Fact::Billed(billed) = &event.fact else { return Vec::new() };
    let tokens = |call: &BilledCall| match &call.outcome {
        CallOutcome::Answered { usage, .. } => Some(usage.total),
        CallOutcome::Refused | CallOutcome::Lost => None,
    };
    billed.calls.iter().filter_map(tokens).collect()
}
