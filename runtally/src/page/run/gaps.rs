//! The times in which nothing was reported about a run, and why.

use crate::page::figures::span;
use jiff::{SignedDuration, Timestamp};
use shared::messages::{BilledCall, CallOutcome, Fact, MetricsEvent};

/// A shorter gap needs no explanation, because a model call can take that long.
pub(super) const LONG: SignedDuration = SignedDuration::from_secs(10);

/// A time without events.
pub(super) struct Gap {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) why: String,
}

impl Gap {
    pub(super) fn in_words(&self) -> String {
        format!("{} without an event: {}", span(self.to.duration_since(self.from)), self.why)
    }
}

/// The long gaps, in order. `events` are in the order in which they happened.
pub(super) fn gaps(events: &[MetricsEvent]) -> Vec<Gap> {
    let pairs = events.windows(2).filter(|pair| pair[1].at.duration_since(pair[0].at) >= LONG);
    let gap = |pair: &[MetricsEvent]| {
        let (before, after) = (&pair[0], &pair[1]);
        Gap { from: before.at, to: after.at, why: why(&before.fact, &after.fact) }
    };
    pairs.map(gap).collect()
}

/// Why nothing was reported between these two facts, if they show it.
fn why(before: &Fact, after: &Fact) -> String {
    match (before, after) {
        (_, Fact::Noted(note)) => format!("then it was noted: {}", note.text),
        (Fact::Billed(billed), _) if billed.halt.is_some() => {
            let detail = billed.halt.as_ref().map(|halt| halt.detail.as_str()).unwrap_or_default();
            format!("the model waits for a person: {detail}")
        }
        (Fact::Billed(billed), _) if !billed.calls.iter().any(is_answered) => {
            "the model answered none of these calls; they were made again later".to_owned()
        }
        (Fact::Announced(announced), Fact::Billed(billed))
            if announced.attempt == billed.attempt =>
        {
            "the model was answering".to_owned()
        }
        (Fact::Announced(_), _) => {
            "no answer was reported: its worker died, or its message came back later".to_owned()
        }
        (Fact::Billed(_), _) => "the rows were being written to Airtable".to_owned(),
        (_, Fact::Harvested(_)) => {
            "Apify's figures were read again when they were final".to_owned()
        }
        (_, Fact::Planned(plan)) if plan.replaces.is_some() => {
            "then somebody asked for a replay".to_owned()
        }
        (_, Fact::PlannedChunk(_) | Fact::Planned(_)) => "leads were being planned".to_owned(),
        (_, Fact::Opened(_)) => "then the run was asked for again".to_owned(),
        (Fact::Opened(_) | Fact::RunFailed(_), _) => "the harvest was being read".to_owned(),
        (Fact::Harvested(_) | Fact::Planned(_) | Fact::PlannedChunk(_), _) => {
            "its chunks waited for their turn in their lanes".to_owned()
        }
        (Fact::Settled(_) | Fact::ChunkDone(_) | Fact::ChunkFailed(_), _) => {
            "the next wave or chunk waited for its turn".to_owned()
        }
        (Fact::Noted(_) | Fact::CostElsewhere(_), _) => "the next event came later".to_owned(),
    }
}

fn is_answered(call: &BilledCall) -> bool {
    matches!(call.outcome, CallOutcome::Answered { .. })
}
