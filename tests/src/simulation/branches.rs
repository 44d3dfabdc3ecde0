//! Which branches of the failure classes were taken, as they show from outside.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Something that no function can read.
pub(crate) const POISON: &str = "{\"version\":1,\"type\":\"riddle\"}";

/// What becomes of work that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Branch {
    /// A message that failed goes back, to be tried again later.
    TriedAgain,
    /// A message that was begun goes back, to be gone on with at once.
    GoneOnWith,
    /// A message goes back because one before it in its group did.
    HeldBack,
    /// A message goes back because it could not be parked.
    NotParked,
    /// A message goes back, and its delay could not be set: it comes when its visibility ends.
    NotPostponed,
    /// A message is parked because nobody can read it.
    ParkedAsPoison,
    /// A message is parked because its work can never be done.
    ParkedAsTerminal,
    /// A message is parked because its last try failed.
    GivenUp,
    /// A message is parked at its last delivery because one before it in its group failed.
    HeldUpTooOften,
    /// A message is parked at its last delivery because it is still not done.
    NeverDone,
    /// The queue gives a message up by itself: its workers died again and again.
    GivenUpByQueue,
    /// A chunk is reported as failed.
    ChunkFailed,
    /// A run is reported as failed.
    RunFailed,
}

impl Branch {
    /// Every branch.
    pub const ALL: &[Self] = &[
        Self::TriedAgain,
        Self::GoneOnWith,
        Self::HeldBack,
        Self::NotParked,
        Self::NotPostponed,
        Self::ParkedAsPoison,
        Self::ParkedAsTerminal,
        Self::GivenUp,
        Self::HeldUpTooOften,
        Self::NeverDone,
        Self::GivenUpByQueue,
        Self::ChunkFailed,
        Self::RunFailed,
    ];

    /// Why a message was parked.
    pub(crate) fn of_parked(body: &str, reason: &str) -> Self {
        if body == POISON {
            Self::ParkedAsPoison
        } else if reason.starts_with("failed after ") {
            Self::GivenUp
        } else if reason.starts_with("held up ") {
            Self::HeldUpTooOften
        } else if reason.starts_with("not done after ") {
            Self::NeverDone
        } else {
            Self::ParkedAsTerminal
        }
    }
}

/// How often each branch was taken.
#[derive(Default)]
pub(crate) struct Failures(Mutex<BTreeMap<Branch, u64>>);

impl Failures {
    pub(crate) fn count(&self, branch: Branch) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(branch).or_default() += 1;
    }

    /// All counts, those of branches that were not taken too.
    pub(crate) fn counts(&self) -> BTreeMap<Branch, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |branch: &Branch| (*branch, counts.get(branch).copied().unwrap_or_default());
        Branch::ALL.iter().map(count).collect()
    }
}
