//! Facts about a run as a whole: what opened it, what was harvested and planned, and what is
//! notable.

use super::chunk::{Chunk, ChunkLead, LeadRef};
use super::harvest_account::HarvestAccount;
use super::kind::Kind;
use super::words::words;
use crate::core::ids::{ApifyRunId, BaseId, LeadKey, PlanId, RecordId, RunId};
use crate::core::linkedin::ProfileKey;
use crate::core::tokens::NanoUsd;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The run was seen for the first time, or again from another source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub by: OpenedBy,
}

/// What requested the work of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedBy {
    Webhook(ApifyRunId),
    #[serde(rename = "score")]
    ScoreWaiting {
        kind: Kind,
        /// The plan that is reported when all waiting leads are planned. It has no chunks itself:
        /// see [`Planned::part_of`].
        plan: PlanId,
    },
}

words! {
    HarvestStatus {
        /// Everything requested was tried.
        Succeeded = "SUCCEEDED",
        /// The actor failed; the dataset may hold a part.
        Failed = "FAILED",
        /// Somebody stopped it; the dataset may hold a part.
        Aborted = "ABORTED",
        /// It ran out of time; the dataset may hold a part.
        TimedOut = "TIMED-OUT",
    }
}

/// What Apify reported about a harvest, and what was read from its dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Harvested {
    pub apify_run: ApifyRunId,
    pub status: HarvestStatus,
    pub targets: u32,
    pub posts: u32,
    /// Posts whose target is not a profile. They cannot belong to a lead.
    pub posts_without_profile: u32,
    /// What Apify charges; `None` when it does not say.
    pub cost: Option<NanoUsd>,
    /// When Apify reported this; the fact is sent later. Reports from earlier releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// When the Apify run ended. A resurrected run ends again later, with more posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What became of its items and targets. Reports from earlier releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<HarvestAccount>,
    /// The plan of its leads; `None` when nothing is planned.
    pub plan: Option<PlanId>,
}

/// The cost of a harvest is on the record of another run, which named the harvest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostElsewhere {
    pub apify_run: ApifyRunId,
    /// The run that counts the cost.
    pub run: RunId,
}

/// A plan was made. The [`PlannedChunk`] facts name its leads, one fact per chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub plan: PlanId,
    pub kind: Kind,
    pub chunks: u32,
    /// The plan that this is a part of. Waiting leads are planned a few hundred at a time, and each
    /// part is a plan with its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PlanId>,
    /// The plan whose failed or missing leads this one takes over; `None` unless it is a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PlanId>,
    /// The table with its leads' rows; `None` if the token may not read the base's schema, and in
    /// reports from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_table: Option<LeadsTable>,
}

/// The table with the rows of a client's leads. Together with a row's id it gives a link to the
/// row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeadsTable {
    pub base: BaseId,
    /// Its id, such as `tblQx4m8Rk2vPz9Ld`.
    pub table: String,
}

impl LeadsTable {
    /// The address of a row in Airtable's web application, as the command "Copy record URL" gives
    /// it.
    pub fn row_url(&self, row: &str) -> String {
        format!("https://airtable.com/{}/{}/{row}", self.base, self.table)
    }
}

/// The leads of one chunk. They count as missing until they are settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChunk {
    pub plan: PlanId,
    pub kind: Kind,
    /// The chunk's place in the plan.
    pub chunk: u32,
    pub leads: Vec<PlannedLead>,
}

/// A lead that must be settled before its run can end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLead {
    pub lead: LeadKey,
    /// How many of the harvest's posts belong to it.
    pub posts: u32,
    /// Its row, if the plan was made from rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its profile, if the plan was made from profiles. A run record can name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileKey>,
    /// How many of its posts do not fit in a cell. Its chunk does not contain them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "Serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl PlannedChunk {
    /// The fact about a chunk of waiting leads. Their posts are in their rows, so no post is
    /// counted.
    pub fn of_waiting(chunk: &Chunk) -> Self {
        let leads = chunk.leads.iter().map(|lead| PlannedLead::of(lead, 0)).collect();
        Self { plan: chunk.plan.clone(), kind: chunk.kind, chunk: chunk.index, leads }
    }
}

impl PlannedLead {
    /// The fact about a lead of a chunk to which `posts` harvested items belong.
    pub fn of(lead: &ChunkLead, posts: u32) -> Self {
        let (record, profile) = match &lead.lead {
            LeadRef::Record(record) => (Some(record.clone()), None),
            LeadRef::Profile(profile) => (None, Some(profile.clone())),
        };
        let left_out = u32::try_from(lead.left_out).unwrap_or(u32::MAX);
        Self { lead: lead.key.clone(), posts, record, profile, left_out }
    }
}

/// Why planning ended. `apify_run` is `None` for a request to score waiting leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailed {
    pub apify_run: Option<ApifyRunId>,
    pub reason: String,
}

/// A sentence for an operator, shown under System Notes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    pub kind: NoteKind,
    pub text: String,
    /// Whether somebody has to act. Notes from earlier releases do not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_action: bool,
}

impl Note {
    /// The start of a note about a task that waits for its next attempt. The reason follows.
    pub const HAD_TO_WAIT: &str = "had to wait, and tries again by itself: ";

    /// Why the task waits, if this is a note about a waiting task.
    pub fn wait_reason(&self) -> Option<&str> {
        self.text.strip_prefix(Self::HAD_TO_WAIT)
    }

    /// Whether this is a note about a waiting task.
    pub fn is_wait(&self) -> bool {
        self.wait_reason().is_some()
    }
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The run record: who created it, what was repaired.
    Record,
    /// Something unusual in the input that was handled.
    Input,
    /// A tick found no progress since the time of the event.
    Stalled,
}
