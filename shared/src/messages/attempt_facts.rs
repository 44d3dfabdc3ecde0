//! Facts about one attempt at a chunk.

use super::kind::Kind;
use super::outcomes::{BilledCall, ErrorCategory, LeadOutcome};
use crate::core::ids::{AttemptId, PlanId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt at a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptRef {
    /// The chunk's plan.
    pub plan: PlanId,
    /// The chunk's place in the plan.
    pub chunk: u32,
    /// When it began. Orders the attempts at a chunk.
    pub started_at: Timestamp,
    /// The attempt.
    pub attempt: AttemptId,
}

/// See [`super::Fact::Announced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The attempt.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The wave within the attempt, from 0.
    pub wave: u32,
    /// The round of calls within the wave, from 0: a call that was refused is made again in the
    /// next round.
    pub round: u32,
    /// How many calls.
    pub calls: u32,
}

/// See [`super::Fact::Billed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    /// The attempt.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The wave within the attempt.
    pub wave: u32,
    /// The round of calls within the wave.
    pub round: u32,
    /// One per announced call.
    pub calls: Vec<BilledCall>,
}

/// See [`super::Fact::Settled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The attempt.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The leads.
    pub leads: Vec<LeadOutcome>,
}

/// See [`super::Fact::ChunkDone`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDone {
    /// The attempt that finished it.
    pub attempt: AttemptRef,
}

/// See [`super::Fact::ChunkFailed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkFailed {
    /// The attempt that found out.
    pub attempt: AttemptRef,
    /// Why its open leads are not scored.
    pub category: ErrorCategory,
    /// What exactly.
    pub reason: String,
}
