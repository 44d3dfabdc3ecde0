//! What failed or is missing in a run, to be queued again.

use super::kind::Kind;
use super::progress::IngestDone;
use super::run_header::RunHeader;
use crate::core::ids::{ApifyRunId, LeadKey, PlanId, RecordId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most leads that one [`Replay`] names. With their rows they take about 800 KB, which fits in a
/// message.
pub const MAX_REPLAY_LEADS: usize = 10_000;

/// What failed or is missing in a run, to be queued again.
///
/// [`crate::fold::RunState::replays`] makes it from the run's events. To replay a run (for the
/// checkbox `Retry`, or for an operator's command), read the log, fold it, and send the result to
/// the scoring queue with [`super::routes::replay`]. The scoring function reads the harvests again
/// and plans only the leads named here, as new plans of the same run. A lead that has a score from
/// the run by then is settled without a call, so nothing is scored twice. The fold adds the tokens
/// of both attempts. A replay that is handled twice gives the same plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub run: RunHeader,
    /// When it was requested. It is a part of the new plans' ids: a later request plans the same
    /// leads again.
    pub requested_at: Timestamp,
    /// Harvests that were never read or could not be planned. They are ingested as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unplanned: Vec<ApifyRunId>,
    /// The plans with leads that failed or are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<ReplayPlan>,
    /// How far an earlier attempt got with the first harvest of `unplanned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Box<IngestDone>>,
    /// The new plans that an earlier attempt queued for the first plan of `plans`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queued: Vec<PlanId>,
    /// The tokens that the limits of the first plan's kind left for `plans`, as an earlier attempt
    /// found them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_left: Option<u64>,
}

/// The leads of one earlier plan that are scored again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// The plan that they were in first. The new plan names it in `replaces`.
    pub plan: PlanId,
    pub kind: Kind,
    /// The harvest that brought them; `None` for waiting leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harvest: Option<ApifyRunId>,
    pub leads: Vec<ReplayLead>,
}

/// A lead that failed or is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLead {
    pub lead: LeadKey,
    /// Its row, if the log knows it. Without a harvest, this row is scored.
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
