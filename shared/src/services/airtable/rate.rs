//! How many requests a second each of those may make that share a limit of Airtable's.

use std::time::Duration;

/// How many requests to one base this process may make within any second. Airtable allows 5 to
/// all processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub requests: usize,
    pub per: Duration,
}

impl Rate {
    /// Airtable's limit on all bases together that one user's tokens reach: 50 requests a second.
    pub(super) const WHOLE_USER: Self = Self { requests: 50, per: Duration::from_secs(1) };

    /// Airtable's whole limit on one base: 5 requests a second.
    pub const WHOLE_BASE: Self = Self { requests: 5, per: Duration::from_secs(1) };

    /// The metrics finalizer's part of the master base's limit: one batch is in work at a time.
    pub const FINALIZER: Self = Self { requests: 2, per: Duration::from_secs(1) };

    /// A plan's part of the limit of the master base and of its client's: [`PLAN_LANES`] of them
    /// are in work at a time, and one for each client.
    pub const PLAN: Self = Self { requests: 1, per: Duration::from_secs(1) };

    /// What an operator's command takes of each base. The functions may use up the limit without
    /// it; then the base rests for 30 s, and everything continues.
    pub const OPERATOR: Self = Self { requests: 1, per: Duration::from_secs(1) };

    /// How long after it took a message group over a process may use its n-th slot, from 0. The process
    /// before hands the group on so that its own slot is free by then: together they keep the rate.
    /// Spread over the whole time, so that neither waits for long.
    pub(super) fn wait_for_slot(self, n: usize) -> Duration {
        self.per * u32::try_from(n).unwrap_or(u32::MAX) / u32::try_from(self.requests).unwrap_or(1)
    }

    /// A chunk's part of the limit of its client's base, of which `lanes` are in work at a time.
    ///
    /// # Panics
    /// If there are more than [`MAX_CHUNK_LANES`], or none.
    pub fn chunk(lanes: u32) -> Self {
        assert!((1..=MAX_CHUNK_LANES).contains(&lanes), "{lanes} lanes have no request each");
        let left = Self::WHOLE_BASE.requests - Self::PLAN.requests;
        Self { requests: left / lanes as usize, per: Duration::from_secs(1) }
    }
}

/// Plans that are in work at a time. With the finalizer they share the master base's limit.
pub const PLAN_LANES: u32 = 3;
/// Most chunks of one base that can be in work at a time beside a plan, with a request a second
/// each.
pub const MAX_CHUNK_LANES: u32 = 4;
