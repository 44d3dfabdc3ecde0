//! What the functions say to each other through the queues.
//!
//! Every message is self-contained and carries a version. A reader ignores fields it does not
//! know and refuses versions and types it does not know, with a reason: they were written by a
//! newer release, or by hand.

mod metrics;
mod outcomes;
mod scoring;

pub use metrics::{
    Announced, AttemptRef, Billed, ChunkDone, ChunkFailed, Fact, HarvestStatus, Harvested, Heard,
    MetricsEvent, MetricsMessage, Note, NoteKind, Opened, OpenedBy, Planned, PlannedChunk,
    PlannedLead, RunFailed, RunHeader, RunType, Settled,
};
pub use outcomes::{
    BilledCall, CallOutcome, ErrorCategory, LeadOutcome, Outcome, Served, SkipReason,
};
pub use scoring::{
    Chunk, ChunkLead, Clients, Hints, Ingest, Kind, LeadRef, MAX_PLAN_LEADS, MAX_REPLAY_LEADS,
    Post, PostKind, ProfileAttribute, Replay, ReplayLead, ReplayPlan, Score, ScoringTask, SoFar,
    Source, UnnamedRun, plan_group,
};

use crate::json::{self, WrongJson};
use serde::{Deserialize, Serialize};

/// The version this release writes and reads.
const VERSION: u32 = 1;

/// A message that travels on a queue: its `type` says what else is in it.
pub trait Message: Sized {
    /// The message as it travels.
    ///
    /// # Panics
    /// Never for the messages of this crate: they hold nothing that JSON cannot.
    fn encode(&self) -> String;

    /// Reads what is in a message of this `type`; `None` for a type this release does not know.
    fn read(r#type: &str, text: &str) -> Option<Result<Self, WrongJson>>;

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] says where the text breaks which rule, without quoting the text.
    fn decode(text: &str) -> Result<Self, DecodeError> {
        let head: Head = json::read(text.as_bytes())?;
        if head.version != VERSION {
            return Err(DecodeError::Version { version: head.version });
        }
        let Some(message) = Self::read(&head.r#type, text) else {
            let name = head.r#type.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(DecodeError::Type { name });
        };
        Ok(message?)
    }
}

/// A message of a type, as it travels.
fn enveloped<T: Serialize>(r#type: &'static str, message: &T) -> String {
    json::text(&Envelope { version: VERSION, r#type, message })
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u32,
    r#type: &'static str,
    #[serde(flatten)]
    message: &'a T,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    r#type: String,
}

/// Why a text is not a message. Never quotes the text: it may hold a lead's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or a field is missing or has another type.
    #[error("not a message: {0}")]
    Shape(#[from] WrongJson),
    /// Written by another release.
    #[error(
        "message version {version} is not known here (this release reads {VERSION}); redrive it to a release that knows it"
    )]
    Version {
        /// The version it carries.
        version: u32,
    },
    /// A type this release does not have.
    #[error("message type {name:?} is not known here; redrive it to a release that knows it")]
    Type {
        /// The type it carries.
        name: String,
    },
}
