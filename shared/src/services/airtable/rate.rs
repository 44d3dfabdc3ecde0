//! How many requests a second each process may make when several share one of Airtable's limits.

use std::time::Duration;

/// How many requests to one base this process may make within `per`. Airtable allows 5 a second for
/// all processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub requests: usize,
    pub per: Duration,
}

impl Rate {
    /// Airtable's limit for one user's tokens over all bases: 50 requests a second.
    pub(super) const WHOLE_USER: Self = Self { requests: 50, per: Duration::from_secs(1) };

    /// Airtable's whole limit for one base: 5 requests a second.
    pub const WHOLE_BASE: Self = Self { requests: 5, per: Duration::from_secs(1) };

    /// The metrics finalizer's part of the master base's limit. One batch is in work at a time.
    pub const FINALIZER: Self = Self { requests: 2, per: Duration::from_secs(1) };

    /// A plan's part of the limits of the master base and of its client's base. [`PLAN_LANES`]
    /// plans are in work at a time, and one for each client.
    pub const PLAN: Self = Self { requests: 1, per: Duration::from_secs(1) };

    /// The part that an operator's command takes of each base. Together with the functions it may
    /// exceed the limit. Then the base answers nothing for 30 s, and everything continues.
    pub const OPERATOR: Self = Self { requests: 1, per: Duration::from_secs(1) };

    /// How long after taking over a message group a process may use its n-th slot, from 0. The
    /// previous process hands the group on so that its own slot is free by then: together they keep
    /// the rate. The slots are spread over the whole period, so that neither process waits long.
    pub(super) fn wait_for_slot(self, n: usize) -> Duration {
        self.per * u32::try_from(n).unwrap_or(u32::MAX) / u32::try_from(self.requests).unwrap_or(1)
    }

    /// A chunk's part of the limit of its client's base, where `lanes` chunks are in work at a
    /// time.
    ///
    /// # Panics
    /// If `lanes` is 0 or more than [`MAX_CHUNK_LANES`].
    pub fn chunk(lanes: u32) -> Self {
        assert!((1..=MAX_CHUNK_LANES).contains(&lanes), "{lanes} lanes have no request each");
        let left = Self::WHOLE_BASE.requests - Self::PLAN.requests;
        Self { requests: left / lanes as usize, per: Duration::from_secs(1) }
    }
}

/// Plans in work at a time. They share the master base's limit with the finalizer.
pub const PLAN_LANES: u32 = 3;
/// Most chunks of one base in work at the same time as a plan, with one request a second each.
pub const MAX_CHUNK_LANES: u32 = 4;
