//! The rate limits: 5 requests a second for a base, 50 for a token, 30 seconds of silence after.

use super::error::ApiError;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};

/// Requests in any second, to one base by all tokens together.
const PER_BASE: usize = 5;
/// Requests in any second by one token.
const PER_TOKEN: usize = 50;
/// The second, in microseconds.
const WINDOW: i64 = 1_000_000;
/// How long everything is refused after the limit was exceeded, in microseconds.
const PENALTY: i64 = 30_000_000;

/// Who asked how often lately.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    bases: HashMap<String, Recent>,
    tokens: HashMap<String, Recent>,
}

/// The requests of the last second, and until when all are refused.
#[derive(Debug, Default)]
struct Recent {
    at: VecDeque<i64>,
    blocked_until: i64,
}

impl Rates {
    /// Lets a request through, or refuses it. With `limited` off nothing is counted, but a
    /// penalty that [`Self::punish`] began still holds.
    pub(crate) fn admit(
        &mut self,
        base: Option<&str>,
        token: &str,
        now: Timestamp,
        limited: bool,
    ) -> Result<(), ApiError> {
        let now = now.as_microsecond();
        if let Some(base) = base {
            self.bases.entry(base.to_owned()).or_default().admit(now, PER_BASE, limited)?;
        }
        self.tokens.entry(token.to_owned()).or_default().admit(now, PER_TOKEN, limited)
    }

    /// Begins the penalty of a base.
    pub(crate) fn punish(&mut self, base: &str, now: Timestamp) {
        let recent = self.bases.entry(base.to_owned()).or_default();
        recent.blocked_until = now.as_microsecond() + PENALTY;
    }
}

impl Recent {
    fn admit(&mut self, now: i64, limit: usize, limited: bool) -> Result<(), ApiError> {
        if now < self.blocked_until {
            return Err(ApiError::rate_limited());
        }
        if !limited {
            return Ok(());
        }
        while self.at.front().is_some_and(|&at| at + WINDOW <= now) {
            self.at.pop_front();
        }
        if self.at.len() >= limit {
            self.blocked_until = now + PENALTY;
            return Err(ApiError::rate_limited());
        }
        self.at.push_back(now);
        Ok(())
    }
}
