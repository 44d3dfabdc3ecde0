//! What becomes of a message whose work failed.

use std::time::Duration;

/// What becomes of a message whose work failed.
///
/// Work that no attempt can finish is not a failed message where the pipeline has a fact for it
/// (a failed chunk, a failed run): the function reports the fact and the message is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// The same work may succeed later: the message is requeued.
    Retry,
    /// Every attempt would fail: the message goes to the dead-letter queue with the reason.
    DeadLetter,
}

/// A failed message: its class and the reason that an operator reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What becomes of the message.
    pub class: FailureClass,
    /// Why, in one sentence. Never contains a secret or lead data.
    pub reason: String,
}

impl Failure {
    /// A failure that a later attempt may not meet.
    pub fn retry(reason: impl ToString) -> Self {
        Self { class: FailureClass::Retry, reason: reason.to_string() }
    }

    /// A failure that every attempt would meet.
    pub fn dead_letter(reason: impl ToString) -> Self {
        Self { class: FailureClass::DeadLetter, reason: reason.to_string() }
    }
}

/// First delay of a message that comes back.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// Longest delay: what heals must show on the record within 20 minutes.
const LONGEST_DELAY: Duration = Duration::from_secs(600);

/// How long a message stays hidden after its `receive_count`-th attempt failed: 30 s doubling to
/// 10 minutes. Lambda does not slow down on partial failures, so only this spreads the attempts.
pub fn redelivery_delay(receive_count: u32) -> Duration {
    let doublings = receive_count.saturating_sub(1).min(10);
    (FIRST_DELAY * 2_u32.pow(doublings)).min(LONGEST_DELAY)
}

/// Attempts at a message before it is dead-lettered. With the delays above they outlast an outage
/// of three hours.
pub const MAX_RECEIVES: u32 = 25;

/// Deliveries of a message before its queue dead-letters it by itself, without a reason: the net
/// below [`MAX_RECEIVES`], for a message whose handler dies each time before it can say why.
pub const QUEUE_RECEIVES: u32 = MAX_RECEIVES + 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempts_at_a_message_outlast_an_outage_of_three_hours() {
        let seconds: Vec<u64> = (1..=6).map(|n| redelivery_delay(n).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600]);
        let all: Duration = (1..MAX_RECEIVES).map(redelivery_delay).sum();
        assert!(all > Duration::from_secs(3 * 3600), "{all:?}");
    }
}
