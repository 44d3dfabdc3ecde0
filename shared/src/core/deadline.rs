//! How much time an invocation has left.

use std::time::Duration;
use tokio::time::Instant;

/// The moment the runtime ends the invocation, whatever it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline of an invocation that has `left` remaining.
    pub fn after(left: Duration) -> Self {
        Self(Instant::now() + left)
    }

    /// The time that is left.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_left_runs_down_to_zero_and_stays_there() {
        let deadline = Deadline(Instant::now() + Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(deadline.remaining(), Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }
}
