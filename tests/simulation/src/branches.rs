//! The branches of failure handling that were taken, as observed from outside.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A message that no function can read.
pub(crate) const POISON: &str = "{\"version\":1,\"type\":\"riddle\"}";
/// A task that names no run, and from which no run can be derived.
pub(crate) const NAMELESS: &str =
    "{\"version\":1,\"type\":\"score\",\"clients\":\"all\",\"kind\":\"post\"}";

/// Whether a message is one of these two, whatever its envelope says about attempts.
pub(crate) fn is_hopeless(body: &str) -> bool {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let is_nameless = message.get("base_run").is_none() && message.get("requested_at").is_none();
    message["type"] == "riddle" || message["type"] == "score" && is_nameless
}

/// What happens to work that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Branch {
    /// A failed task leaves its lane for another attempt later.
    TriedAgain,
    /// A failed message stays in its group until a later attempt.
    RequeuedInPlace,
    /// A task waits for a change outside; this is not an attempt.
    Waits,
    /// A record that is not due yet waits to be written.
    ProjectedLater,
    /// An unfinished task goes to the back of its group to continue as soon as possible.
    Continued,
    /// A task whose worker died goes to the back of its group.
    Revived,
    /// A message is requeued because an earlier one in its group was.
    HeldBack,
    /// A message returns to its queue because it could not be dead-lettered.
    NotDeadLettered,
    /// Requeueing failed, so the message comes back when its visibility timeout ends.
    NotRequeued,
    /// A message is dead-lettered because it cannot be read.
    UnreadableDeadLetter,
    /// A message is dead-lettered because its work can never be done.
    FatalDeadLetter,
    /// A message is dead-lettered because its last attempt failed.
    GivenUp,
    /// A message is dead-lettered at its last delivery because an earlier one in its group failed.
    HeldUpTooOften,
    /// A message is dead-lettered at its last delivery because its work is not done.
    NeverDone,
    /// The queue itself dead-letters a message because its workers died repeatedly.
    GivenUpByQueue,
    ChunkFailed,
    RunFailed,
}

impl Branch {
    pub const ALL: &[Self] = &[
        Self::TriedAgain,
        Self::RequeuedInPlace,
        Self::Waits,
        Self::ProjectedLater,
        Self::Continued,
        Self::Revived,
        Self::HeldBack,
        Self::NotDeadLettered,
        Self::NotRequeued,
        Self::UnreadableDeadLetter,
        Self::FatalDeadLetter,
        Self::GivenUp,
        Self::HeldUpTooOften,
        Self::NeverDone,
        Self::GivenUpByQueue,
        Self::ChunkFailed,
        Self::RunFailed,
    ];

    /// Why a message waits on the retry queue.
    pub(crate) fn of_waiting(body: &str) -> Self {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        match (message["type"].as_str(), message["waits"].as_u64()) {
            (Some("project"), _) => Self::ProjectedLater,
            (_, Some(_)) => Self::Waits,
            (_, None) => Self::TriedAgain,
        }
    }

    /// Why a task is sent to the back of its group; `None` for a first attempt.
    pub(crate) fn of_sent(body: &str) -> Option<Self> {
        if !body.contains("\"attempt\":") {
            return None;
        }
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        message["attempt"].as_u64()?;
        let reason = message["last_reason"].as_str().unwrap_or_default();
        let has_died = reason.starts_with("its worker died");
        Some(if has_died { Self::Revived } else { Self::Continued })
    }

    /// Why a message was dead-lettered.
    pub(crate) fn of_dead_letter(body: &str, reason: &str) -> Self {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        if message["type"] == "riddle" {
            Self::UnreadableDeadLetter
        } else if reason.starts_with("failed after ") {
            Self::GivenUp
        } else if reason.starts_with("held up ") {
            Self::HeldUpTooOften
        } else if reason.starts_with("not done after ") {
            Self::NeverDone
        } else {
            Self::FatalDeadLetter
        }
    }
}

#[derive(Default)]
pub(crate) struct Failures(Mutex<BTreeMap<Branch, u64>>);

impl Failures {
    pub(crate) fn count(&self, branch: Branch) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(branch).or_default() += 1;
    }

    /// All counts, including branches that were not taken.
    pub(crate) fn counts(&self) -> BTreeMap<Branch, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |branch: &Branch| (*branch, counts.get(branch).copied().unwrap_or_default());
        Branch::ALL.iter().map(count).collect()
    }
}
