//! How many requests a second a resource takes.

use super::error::ApiError;
use jiff::Timestamp;
use std::collections::HashMap;

/// A resource that nobody asked for during this time is forgotten.
const WINDOW_MS: i64 = 1_000;
/// How many resources are remembered before the idle ones are dropped.
const REMEMBERED: usize = 1_024;

/// The requests of the running second, by resource.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<String, Window>);

#[derive(Debug)]
struct Window {
    opened_ms: i64,
    requests: u32,
}

impl Rates {
    /// Counts one request to `resource`, or refuses it when its second is used up.
    pub(super) fn count(
        &mut self,
        resource: String,
        limit: u32,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let now_ms = now.as_millisecond();
        let over = |window: &Window| now_ms - window.opened_ms >= WINDOW_MS;
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, window| !over(window));
        }
        let window = self.0.entry(resource).or_insert(Window { opened_ms: now_ms, requests: 0 });
        if over(window) {
            *window = Window { opened_ms: now_ms, requests: 0 };
        }
        if window.requests >= limit {
            return Err(ApiError::RateLimitExceeded { limit });
        }
        window.requests += 1;
        Ok(())
    }
}
