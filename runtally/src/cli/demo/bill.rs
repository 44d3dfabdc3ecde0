//! The model's bill against the calls on the records, where kills may have lost answers.

use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use crate::view::events_of;
use serde::Serialize;
use shared::fold::RunState;
use shared::messages::{BilledCall, CallOutcome, Fact, MetricsEvent};
use shared::ports::EventLog;
use std::collections::BTreeMap;

/// Calls that the model answered and billed, and whose answers nobody heard.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Unheard {
    pub(super) calls: u64,
    pub(super) tokens: u64,
}

/// How the bill and the records differ.
pub(super) struct Bill {
    /// Calls on the bill alone.
    pub(super) unheard: Unheard,
    /// Calls that the records name as such.
    pub(super) unobserved: u64,
    /// Calls on the records alone: there may be none.
    pub(super) invented: u64,
}

impl Bill {
    /// Takes each call on the records off the bill, by its tokens.
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

/// What a record finds odd besides calls whose answers nobody heard.
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
