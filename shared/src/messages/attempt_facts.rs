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
    /// When it began. Used to order the attempts at a chunk.
    pub started_at: Timestamp,
    pub attempt: AttemptId,
}

/// Sent before the calls of a round are made. A call that is not billed afterwards is unobserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    pub attempt: AttemptRef,
    pub kind: Kind,
    /// The wave within the attempt, from 0.
    pub wave: u32,
    /// The round of calls within the wave, from 0. A call that was refused is repeated in the next
    /// round.
    pub round: u32,
    pub calls: u32,
}

/// What the calls of one announced round used, including failed and unusable answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    pub attempt: AttemptRef,
    pub kind: Kind,
    pub wave: u32,
    pub round: u32,
    /// One per announced call.
    pub calls: Vec<BilledCall>,
    /// Why the model answers no call until a person acts, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
}

/// The model answers no call until a person tops up its credit or replaces its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Halt {
    /// [`ErrorCategory::NoCredit`] or [`ErrorCategory::Auth`].
    pub category: ErrorCategory,
    /// What the model said.
    pub detail: String,
}

/// What became of some leads of a chunk. Sent after their rows are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub attempt: AttemptRef,
    pub kind: Kind,
    /// Their wave; `None` for leads that were in no wave, and in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    pub leads: Vec<LeadOutcome>,
}

/// Every lead of the chunk is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDone {
    pub attempt: AttemptRef,
}

/// The chunk was given up. Its leads without an outcome count as failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkFailed {
    pub attempt: AttemptRef,
    pub category: ErrorCategory,
    pub reason: String,
}
