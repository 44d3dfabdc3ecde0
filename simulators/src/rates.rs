//! Limits on requests per second.

use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// One second, in microseconds.
const WINDOW: i64 = 1_000_000;
/// Most resources that are remembered before the idle ones are dropped.
const REMEMBERED: usize = 1_024;

#[derive(Debug)]
pub(crate) struct Rates {
    /// How long all requests are refused after a limit was exceeded, in microseconds.
    penalty: i64,
    resources: HashMap<String, Recent>,
}

/// The requests of the last second, and until when all requests are refused (both in microseconds).
#[derive(Debug, Default)]
struct Recent {
    at: VecDeque<i64>,
    blocked_until: i64,
}

impl Rates {
    pub(crate) fn new(penalty: Duration) -> Self {
        let penalty = i64::try_from(penalty.as_micros()).unwrap_or(i64::MAX);
        Self { penalty, resources: HashMap::new() }
    }

    /// Counts one request to `resource`. Returns false if it is refused: because of a penalty, or
    /// because more than `limit` requests came within a second, which starts a penalty. Without a
    /// limit nothing is counted, but a penalty still applies.
    pub(crate) fn admits(&mut self, resource: &str, limit: Option<usize>, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        let penalty = self.penalty;
        let recent = self.recent(resource, now);
        if now < recent.blocked_until {
            return false;
        }
        let Some(limit) = limit else { return true };
        recent.forget_before(now);
        if recent.at.len() >= limit {
            recent.blocked_until = now + penalty;
            return false;
        }
        recent.at.push_back(now);
        true
    }

    pub(crate) fn punish(&mut self, resource: &str, now: Timestamp) {
        let now = now.as_microsecond();
        self.recent(resource, now).blocked_until = now + self.penalty;
    }

    fn recent(&mut self, resource: &str, now: i64) -> &mut Recent {
        if self.resources.len() >= REMEMBERED {
            self.resources.retain(|_, recent| {
                recent.forget_before(now);
                !recent.at.is_empty() || now < recent.blocked_until
            });
        }
        self.resources.entry(resource.to_owned()).or_default()
    }
}

impl Recent {
    fn forget_before(&mut self, now: i64) {
        while self.at.front().is_some_and(|&at| at + WINDOW <= now) {
            self.at.pop_front();
        }
    }
}
