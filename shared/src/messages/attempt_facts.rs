//! Facts about one attempt at a chunk.

use super::kind::Kind;
use super::outcomes::{BilledCall, ErrorCategory, LeadOutcome};
use crate::core::ids::{AttemptId, PlanId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt at a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptRef {
    pub plan: PlanId,
    /// The chunk's place in the plan.
    pub chunk: u32,
    /// When it began. Orders the attempts at a chunk.
    pub started_at: Timestamp,
    pub attempt: AttemptId,
}

/// Said before the calls of a round are made. A call never billed after this is unobserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    pub attempt: AttemptRef,
    pub kind: Kind,
    /// The wave within the attempt, from 0.
    pub wave: u32,
    /// The round of calls within the wave, from 0: a call that was refused is made again in the
    /// next round.
    pub round: u32,
    pub calls: u32,
}

/// What the calls of one announced round used, failed and unusable answers included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    pub attempt: AttemptRef,
    pub kind: Kind,
    pub wave: u32,
    pub round: u32,
    /// One per announced call.
    pub calls: Vec<BilledCall>,
    /// Why the model answers nobody until a person does something, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
}

/// The model answers nobody until a person tops up its credit or replaces its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Halt {
    /// [`ErrorCategory::NoCredit`] or [`ErrorCategory::Auth`].
    pub category: ErrorCategory,
    /// What the model said.
    pub detail: String,
}

/// What became of some leads of a chunk, said after their rows are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub attempt: AttemptRef,
    pub kind: Kind,
    /// The wave that they were in; `None` for leads that were in none, and in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    pub leads: Vec<LeadOutcome>,
}

/// Every lead of the chunk is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDone {
    pub attempt: AttemptRef,
}

/// The chunk was given up: its leads without an outcome count as failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkFailed {
    pub attempt: AttemptRef,
    pub category: ErrorCategory,
    pub reason: String,
}
