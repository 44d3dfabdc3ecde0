//! How many requests Airtable gets.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that a base takes within [`SECOND`].
const LIMIT: usize = 5;
const SECOND: Duration = Duration::from_secs(1);

/// The requests of the last second, by base.
#[derive(Default)]
pub(super) struct Rates {
    recent: BTreeMap<String, VecDeque<Instant>>,
    is_excused: bool,
}

impl Rates {
    /// A request arrived; says what is wrong with that.
    pub(super) fn asked(&mut self, base: &str, now: Instant) -> Option<String> {
        let recent = self.recent.entry(base.to_owned()).or_default();
        while recent.front().is_some_and(|at| *at + SECOND <= now) {
            recent.pop_front();
        }
        recent.push_back(now);
        (recent.len() > LIMIT && !self.is_excused)
            .then(|| format!("base {base} got {} requests within a second", recent.len()))
    }

    pub(super) fn excuse(&mut self) {
        self.is_excused = true;
    }
}
