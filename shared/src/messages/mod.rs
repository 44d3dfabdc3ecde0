//! What the functions send each other through the queues: self-contained messages with a version. A
//! reader ignores unknown fields and refuses unknown versions and types. This module does no I/O
//! and makes no decisions.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

mod attempt_facts;
mod chunk;
mod envelope;
mod facts;
mod harvest_account;
mod kind;
mod metrics;
mod outcomes;
mod planning_facts;
mod progress;
mod replay;
mod retry_state;
pub mod routes;
mod run_header;
mod scoring;
mod words;

pub use attempt_facts::{Announced, AttemptRef, Billed, ChunkDone, ChunkFailed, Halt, Settled};
pub use chunk::{Chunk, ChunkLead, LeadRef, Post, PostKind, ProfileAttribute, Source, Tried};
pub use envelope::{DecodeError, Message};
pub use facts::Fact;
pub use harvest_account::{Counted, HarvestAccount, UnknownReason, UnusedReason};
pub use kind::Kind;
pub use metrics::{Heard, MetricsEvent, MetricsMessage, Project};
pub use outcomes::{
    BilledCall, CallOutcome, ErrorCategory, LeadOutcome, Outcome, Reading, Served, SkipReason,
};
pub use planning_facts::{
    CostElsewhere, HarvestStatus, Harvested, LeadsTable, Note, NoteKind, Opened, OpenedBy, Planned,
    PlannedChunk, PlannedLead, RunFailed,
};
pub use progress::IngestDone;
pub use replay::{MAX_REPLAY_LEADS, Replay, ReplayLead, ReplayPlan};
pub use retry_state::RetryState;
pub use run_header::{RunHeader, RunType};
pub use scoring::{
    ClientRow, ClientScope, Hints, Ingest, MAX_PLAN_LEADS, ScanCursor, ScoreWaiting, ScoringTask,
    UnnamedRun, Unplanned,
};
