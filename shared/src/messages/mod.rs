//! What the functions say to each other through the queues.
//!
//! Every message is self-contained and carries a version. A reader ignores fields it does not
//! know and refuses versions and types it does not know, with a reason: they were written by a
//! newer release, or by hand.

mod envelope;
mod metrics;
mod outcomes;
pub mod routes;
mod scoring;

pub use envelope::{DecodeError, Message};
pub use metrics::{
    Announced, AttemptRef, Billed, ChunkDone, ChunkFailed, Fact, HarvestStatus, Harvested, Heard,
    MetricsEvent, MetricsMessage, Note, NoteKind, Opened, OpenedBy, Planned, PlannedChunk,
    PlannedLead, RunFailed, RunHeader, RunType, Settled,
};
pub use outcomes::{
    BilledCall, CallOutcome, ErrorCategory, LeadOutcome, Outcome, Served, SkipReason,
};
pub use scoring::{
    Chunk, ChunkLead, ClientScope, Hints, Ingest, Kind, LeadRef, MAX_PLAN_LEADS, MAX_REPLAY_LEADS,
    Post, PostKind, ProfileAttribute, Replay, ReplayLead, ReplayPlan, ScanCursor, ScoreWaiting,
    ScoringTask, Source, UnnamedRun,
};
