//! What becomes of a message whose work failed.

use std::time::Duration;

/// What becomes of a message whose work failed.
///
/// Work that no attempt can finish is not a failed message where the pipeline has a fact for it
/// (a failed chunk, a failed run): the function reports the fact and the message is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// The same work may succeed later: the message is tried again after a growing delay.
    Retry,
    /// Nothing is wrong with the work; something outside has to change first, such as the credit at
    /// the model's provider. The message waits and this is no attempt, for up to [`LONGEST_WAIT`]
    /// since its first failure.
    Wait {
        /// Until it is looked at again; at most [`LONGEST_DELAY`] counts.
        delay: Duration,
    },
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
    /// Whether a service denies what the work needs. It may pass by itself, or take a person: the
    /// run's record says so.
    pub is_denial: bool,
}

impl Failure {
    /// A failure that a later attempt may not meet.
    pub fn retry(reason: impl ToString) -> Self {
        Self { class: FailureClass::Retry, reason: reason.to_string(), is_denial: false }
    }

    /// What has to be waited for, in looks that are `delay` apart. Only a task of scoring can wait
    /// like this; see [`FailureClass::Wait`].
    pub fn wait(delay: Duration, reason: impl ToString) -> Self {
        Self { class: FailureClass::Wait { delay }, reason: reason.to_string(), is_denial: false }
    }

    /// A failure that every attempt would meet.
    pub fn dead_letter(reason: impl ToString) -> Self {
        Self { class: FailureClass::DeadLetter, reason: reason.to_string(), is_denial: false }
    }
}

/// First delay of a message that comes back.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// Longest delay after an attempt: what heals must show on the record within 20 minutes.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(600);
/// Longest time that a message waits on the retry queue at a time (SQS).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// How long a task may wait in all, without an attempt, for something outside to change.
pub const LONGEST_WAIT: Duration = Duration::from_hours(7 * 24);

/// How long a message waits after its `attempt`-th attempt failed: 30 s doubling to 10 minutes.
/// Lambda does not slow down on partial failures, so only this spreads the attempts.
pub fn redelivery_delay(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(10);
    (FIRST_DELAY * 2_u32.pow(doublings)).min(LONGEST_RETRY_DELAY)
}

/// Attempts at a message before it is dead-lettered. With the delays above they outlast an outage
/// of three hours.
pub const MAX_ATTEMPTS: u32 = 25;

/// Deliveries of a message before its FIFO queue dead-letters it by itself, without a reason: the
/// net below [`MAX_ATTEMPTS`], for a message whose handler dies each time before it can say why.
pub const QUEUE_RECEIVES: u32 = MAX_ATTEMPTS + 5;

/// The same for the retry queue, whose messages are only passed on.
pub const RETRY_RECEIVES: u32 = 120;

/// How long a received message of the retry queue stays hidden unless it is deleted. Longer than the
/// function's time, as Lambda demands, and shorter than a FIFO queue remembers a deduplication id:
/// a message that was passed on and not deleted is dropped when it is passed on again.
pub const RETRY_VISIBILITY: Duration = Duration::from_secs(240);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempts_at_a_message_outlast_an_outage_of_three_hours() {
        let seconds: Vec<u64> = (1..=6).map(|n| redelivery_delay(n).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600]);
        let all: Duration = (1..MAX_ATTEMPTS).map(redelivery_delay).sum();
        assert!(all > Duration::from_secs(3 * 3600), "{all:?}");
    }
}
