//! What happens to a message whose work failed.

use std::time::Duration;

/// What happens to a message whose work failed.
///
/// If no attempt can finish the work and the pipeline has a fact for that (a failed chunk, a failed
/// run), the message does not fail: the function reports the fact, and the message is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// The same work may succeed later: the message is tried again after a growing delay.
    Retry,
    /// Nothing is wrong with the work. Something outside has to change first, such as the credit at
    /// the model's provider. The message waits for up to [`LONGEST_WAIT`] after its first failure.
    /// A wait does not count as an attempt.
    Wait {
        /// Time until the next check. Anything above [`LONGEST_DELAY`] counts as that.
        delay: Duration,
    },
    /// Every attempt would fail: the message goes to the dead-letter queue with the reason.
    DeadLetter,
}

/// A failed message: its class and the reason that an operator reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What happens to the message.
    pub class: FailureClass,
    /// Why, in one sentence. Never contains a secret or lead data.
    pub reason: String,
    /// Whether a service refused something that the work needs, such as access or quota. The
    /// refusal may end without help, or a person may have to act. The run's record reports it.
    pub is_denial: bool,
}

impl Failure {
    /// A failure that a later attempt may not hit.
    pub fn retry(reason: impl ToString) -> Self {
        Self { class: FailureClass::Retry, reason: reason.to_string(), is_denial: false }
    }

    /// Something has to be waited for; it is checked again after each `delay`. Only scoring tasks
    /// can wait like this; see [`FailureClass::Wait`].
    pub fn wait(delay: Duration, reason: impl ToString) -> Self {
        Self { class: FailureClass::Wait { delay }, reason: reason.to_string(), is_denial: false }
    }

    /// A failure that every attempt would hit.
    pub fn dead_letter(reason: impl ToString) -> Self {
        Self { class: FailureClass::DeadLetter, reason: reason.to_string(), is_denial: false }
    }
}

/// First delay before a message is tried again.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// Longest delay after an attempt: a recovery must show on the record within 20 minutes.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(600);
/// Longest single wait of a message on the retry queue (SQS).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Longest total time that a task may wait, without an attempt, for something outside to change.
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

/// Deliveries of a message before its FIFO queue moves it to the dead-letter queue, without a
/// reason. This is the safety net below [`MAX_ATTEMPTS`] for a message whose handler always dies
/// before it can report why.
pub const QUEUE_RECEIVES: u32 = MAX_ATTEMPTS + 5;

/// The same limit for the retry queue, whose messages are only passed on.
pub const RETRY_RECEIVES: u32 = 120;

/// How long a received message of the retry queue stays hidden unless it is deleted. Longer than
/// the function's timeout, as Lambda requires. Shorter than a FIFO queue remembers a deduplication
/// id: if a message was passed on but not deleted, passing it on again has no effect.
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
