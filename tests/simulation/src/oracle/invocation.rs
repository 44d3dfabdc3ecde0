//! What one invocation of scoring has done so far.

use super::facts::Round;
use super::json::{count, text};
use serde_json_borrow::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// What one invocation of scoring has done so far.
#[derive(Default)]
pub(crate) struct Invocation {
    pub(crate) run: String,
    /// Its task, if it failed before.
    pub(crate) task: Option<String>,
    /// The number of the attempt at its task, and the number of waits before.
    pub(crate) attempt: (u64, u64),
    /// How many earlier attempts claim to have settled leads.
    pub(crate) progressed: u64,
    /// Whether it reported outcomes of leads.
    pub(crate) has_settled: bool,
    /// What it planned.
    pub(crate) plans: Plans,
    /// Whether its chunk has a token limit.
    pub(crate) is_limited: bool,
    /// The rounds of calls that it announced.
    pub(crate) rounds: BTreeSet<Round>,
    /// Model calls that ended and are not reported yet. Several rounds may be open at the same
    /// time.
    pub(crate) pending: Vec<Pending>,
    /// The leads of calls that were billed and have not ended yet, by the call's request.
    pub(crate) paid: BTreeMap<Vec<u8>, BTreeSet<String>>,
    /// Words of posts in its calls.
    pub(crate) asked: BTreeSet<String>,
    /// Scores from complete answers that reached it, by the post's word.
    pub(crate) scores: BTreeMap<String, u64>,
    /// Leads whose profiles were in its calls.
    pub(crate) profiles: BTreeSet<String>,
    /// What complete answers that reached it say about profiles, by the lead's slug.
    pub(crate) reasons: BTreeMap<String, Vec<String>>,
    /// When it read the rows of its leads, to decide about them.
    pub(crate) read_at: u64,
    /// When it read the last page of them.
    pub(crate) read_until: u64,
    /// When it last read rows, also to check for changes by others.
    pub(crate) looked_at: Option<(u64, Instant)>,
}

/// What the attempts at a task planned.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// Plans and chunks that were queued.
    pub(crate) queued: BTreeSet<(String, u64)>,
    /// Plans for which something was reported: all their chunks are queued.
    pub(crate) told: BTreeSet<String>,
}

impl Plans {
    pub(crate) fn add(&mut self, other: Self) {
        self.queued.extend(other.queued);
        self.told.extend(other.told);
    }
}

/// A model call as its worker knows it, before it is reported.
pub(crate) struct Pending {
    pub(crate) end: CallEnd,
    /// The leads for which it is paid.
    pub(crate) paid: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Answered { tokens: u64, nano_usd: u64 },
    Refused,
    Lost,
}

impl Invocation {
    /// A call ended.
    pub(crate) fn call_ended(&mut self, asked: &[u8], end: CallEnd) {
        let paid = self.paid.remove(asked).unwrap_or_default();
        self.pending.push(Pending { end, paid });
    }

    /// Takes the call that a worker reports as `reported`: the best match.
    pub(crate) fn take_reported(&mut self, reported: &Value<'_>) -> Option<Pending> {
        let total = count(reported, "/usage/total");
        let cost = reported_nano_usd(reported);
        let is_of = |end: &CallEnd, cost: Option<u64>| match end {
            CallEnd::Answered { tokens, nano_usd } => {
                *tokens == total && cost.is_none_or(|cost| *nano_usd == cost)
            }
            CallEnd::Refused | CallEnd::Lost => false,
        };
        let fits: &[&dyn Fn(&CallEnd) -> bool] = match text(reported, "/outcome") {
            "refused" => &[&|end| *end == CallEnd::Refused],
            "lost" => &[&|end| *end == CallEnd::Lost, &|end| *end != CallEnd::Refused],
            // The same number of tokens may cost less, because some came from the cache.
            _ => &[&|end| is_of(end, Some(cost)), &|end| is_of(end, None), &|end| {
                *end != CallEnd::Refused
            }],
        };
        let find = |fits: &&dyn Fn(&CallEnd) -> bool| {
            self.pending.iter().position(|pending| fits(&pending.end))
        };
        let at = fits.iter().find_map(find)?;
        Some(self.pending.remove(at))
    }

    /// Whether a call was answered or lost without being reported.
    pub(crate) fn has_concealed(&self) -> bool {
        self.pending.iter().any(|pending| pending.end != CallEnd::Refused)
    }
}

/// The cost of an answer, by the tokens that its worker reports.
fn reported_nano_usd(reported: &Value<'_>) -> u64 {
    let of = |name: &str| count(reported, &format!("/usage/{name}"));
    let prompt = of("prompt").saturating_sub(of("cached")) + of("tool");
    prompt * 300 + of("cached") * 30 + (of("output") + of("thoughts")) * 2_500
}

/// What this file promises about itself ([`super::CHECKS`]).
pub(super) mod checks {
    use super::*;
    use crate::oracle::json::parsed;

    pub(crate) fn answers_of_as_many_tokens_are_told_apart_by_what_they_cost() {
        let dear = CallEnd::Answered { tokens: 600, nano_usd: 500 * 300 + 100 * 2_500 };
        let cached = CallEnd::Answered { tokens: 600, nano_usd: 500 * 30 + 100 * 2_500 };
        let mut invocation = Invocation::default();
        for end in [dear, CallEnd::Refused, cached] {
            invocation.pending.push(Pending { end, paid: BTreeSet::new() });
        }
        let usage = r#"{"prompt":500,"cached":500,"output":90,"thoughts":10,"tool":0,"total":600}"#;
        let body = format!(r#"{{"outcome":"answered","usage":{usage}}}"#);
        let taken = invocation.take_reported(&parsed(&body)).map(|pending| pending.end);
        assert_eq!(taken, Some(cached));
        // If none has the same cost, the same number of tokens is enough.
        let taken = invocation.take_reported(&parsed(&body)).map(|pending| pending.end);
        assert_eq!(taken, Some(dear));
    }
}
