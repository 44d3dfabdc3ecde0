//! What one invocation of scoring did so far.

use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// What one invocation of scoring did so far.
#[derive(Default)]
pub(crate) struct Invocation {
    pub(crate) run: String,
    /// Its task, if it failed before.
    pub(crate) task: Option<String>,
    /// Which attempt at its task it is, and after how many waits.
    pub(crate) attempt: (u64, u64),
    /// What it planned.
    pub(crate) plans: Plans,
    /// Model calls whose outcome is not reported yet.
    pub(crate) pending: Vec<Pending>,
    /// The leads of calls that were billed and are not reported yet, once for each call.
    pub(crate) paid: Vec<String>,
    /// Words of posts that it asked about.
    pub(crate) asked: BTreeSet<String>,
    /// Scores of whole answers that reached it, by the post's word.
    pub(crate) scores: BTreeMap<String, u64>,
    /// Leads whose profiles it asked about.
    pub(crate) profiles: BTreeSet<String>,
    /// What whole answers that reached it say of profiles, by the lead's slug.
    pub(crate) reasons: BTreeMap<String, Vec<String>>,
    /// When it read the rows of its leads, to decide about them.
    pub(crate) read_at: u64,
    /// When it read the last page of them.
    pub(crate) read_until: u64,
    /// When it last looked at rows, also to see whether others changed them.
    pub(crate) looked_at: Option<(u64, Instant)>,
}

/// What attempts at a task planned.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// Plans and chunks that were queued.
    pub(crate) queued: BTreeSet<(String, u64)>,
    /// Plans of which something was reported: all their chunks are queued.
    pub(crate) told: BTreeSet<String>,
}

impl Plans {
    pub(crate) fn add(&mut self, other: Self) {
        self.queued.extend(other.queued);
        self.told.extend(other.told);
    }
}

/// A model call as its worker knows it, before it is reported.
pub(crate) enum Pending {
    Answered { tokens: u64, nano_usd: u64 },
    Refused,
    Lost,
}
