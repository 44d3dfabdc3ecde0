//! What failed or is missing of a run, to be queued again.

use super::kind::Kind;
use super::progress::IngestDone;
use super::run_header::RunHeader;
use crate::core::ids::{ApifyRunId, LeadKey, PlanId, RecordId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most leads that one [`Replay`] names: with their rows some 800 KB, which a message takes.
pub const MAX_REPLAY_LEADS: usize = 10_000;

/// What failed or is missing of a run, to be queued again.
///
/// [`crate::fold::RunState::replays`] makes it of the run's events, so whoever wants a run
/// replayed (the checkbox `Retry`, an operator's command) reads the log, folds it and sends what
/// that returns to the scoring queue with [`super::routes::replay`]. The scoring function reads
/// the harvests again and plans the leads named here, and only these, as new plans of the same
/// run. A lead that has a score of the run by then is settled without a call, so nothing is
/// scored twice; the fold adds the tokens of both attempts. Handled twice, it gives the same
/// plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub run: RunHeader,
    /// When it was asked for. A part of the new plans' ids: asked for again later, the same leads
    /// are planned again.
    pub requested_at: Timestamp,
    /// Harvests that were never read, or could not be planned: they are ingested as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unplanned: Vec<ApifyRunId>,
    /// The plans with leads that failed or are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<ReplayPlan>,
    /// How far an earlier attempt came with the first of `unplanned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Box<IngestDone>>,
    /// The new plans of the first of `plans` that an earlier attempt queued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queued: Vec<PlanId>,
    /// What an earlier attempt left of the limits for `plans` of the first one's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_left: Option<u64>,
}

/// The leads of one earlier plan that are scored again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// The plan that they were in first. The new plan names it as the one it replaces.
    pub plan: PlanId,
    pub kind: Kind,
    /// The harvest that brought them; `None` for leads that were waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harvest: Option<ApifyRunId>,
    pub leads: Vec<ReplayLead>,
}

/// A lead that failed or is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLead {
    pub lead: LeadKey,
    /// Its row, as far as the log knows it: what is scored where there is no harvest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
}

impl Replay {
    /// A task that was not attempted yet.
    pub fn new(
        run: RunHeader,
        requested_at: Timestamp,
        unplanned: Vec<ApifyRunId>,
        plans: Vec<ReplayPlan>,
    ) -> Self {
        let (done, queued, tokens_left) = (None, Vec::new(), None);
        Self { run, requested_at, unplanned, plans, done, queued, tokens_left }
    }

    /// How many leads its plans name.
    pub fn leads(&self) -> usize {
        self.plans.iter().map(|plan| plan.leads.len()).sum()
    }
}
