//! What a message says about its earlier attempts, in optional fields of its envelope.

use crate::core::json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Most characters of a reason that travel with a message.
const MOST_REASON: usize = 300;

/// Which attempt at a task a message is, and what is known about earlier attempts. The fields are
/// in the envelope. A message that never failed has none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryState {
    /// Counted from 1. The queue's receive count cannot replace it: that count starts again with
    /// every message.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// How many earlier attempts settled leads. They do not count towards the limit of attempts,
    /// because each of them brought the task closer to its end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub progressed: u32,
    /// How often the task waited without an attempt.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waits: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failed_at: Option<Timestamp>,
    /// Why the last attempt failed, or what the task waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reason: Option<String>,
    /// The id of the task's first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The group that the task returns to. Set only on the retry queue, together with `queue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The FIFO queue of the group: `scoring` or `metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

impl Default for RetryState {
    fn default() -> Self {
        Self {
            attempt: first(),
            progressed: 0,
            waits: 0,
            first_failed_at: None,
            last_reason: None,
            task_id: None,
            group: None,
            queue: None,
        }
    }
}

impl RetryState {
    /// The state in a message's body; the state of a first attempt for any other text.
    pub fn of(body: &str) -> Self {
        let mut state: Self = serde_json::from_str(body).unwrap_or_default();
        state.attempt = state.attempt.max(first());
        state
    }

    /// The attempts so far, without those that made progress. 1 for the first attempt, or 0 if it
    /// made progress.
    pub fn fruitless(&self) -> u32 {
        self.attempt.saturating_sub(self.progressed)
    }

    /// The same attempt, marked as having settled leads.
    #[must_use]
    pub fn with_progress(&self) -> Self {
        Self { progressed: self.progressed.saturating_add(1), ..self.clone() }
    }

    /// The next attempt, after one that failed at `now`.
    #[must_use]
    pub fn next_attempt(&self, now: Timestamp, reason: &str) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self.failed(now, reason) }
    }

    /// The same attempt, after a wait that begins at `now`.
    #[must_use]
    pub fn next_wait(&self, now: Timestamp, reason: &str) -> Self {
        Self { waits: self.waits.saturating_add(1), ..self.failed(now, reason) }
    }

    /// The next attempt at a task that continues although nothing failed.
    #[must_use]
    pub fn continued(&self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self.clone() }
    }

    fn failed(&self, now: Timestamp, reason: &str) -> Self {
        Self {
            first_failed_at: self.first_failed_at.or(Some(now)),
            last_reason: Some(reason.chars().take(MOST_REASON).collect()),
            ..self.clone()
        }
    }

    /// `body` with this state in its envelope instead of the old one. A text that is not a message
    /// is returned unchanged. The other fields of the message stay as they are, whichever release
    /// wrote it.
    pub fn put_into(&self, body: &str) -> String {
        let fields: Result<Fields, _> = serde_json::from_str(body);
        let Ok(mut fields) = fields else { return body.to_owned() };
        let own: Fields = serde_json::from_str(&json::text(self)).expect("an object was written");
        for name in NAMES {
            fields.remove(name);
        }
        // A message that begins with its version and type is read fastest.
        let head = ["version", "type"].map(|name| fields.remove_entry(name));
        let all = head.into_iter().flatten().chain(own).chain(fields);
        let all = all.map(|(name, value)| format!("{}:{}", json::text(&name), value.get()));
        format!("{{{}}}", all.collect::<Vec<_>>().join(","))
    }
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// The names of the state's fields in an envelope.
const NAMES: [&str; 8] = [
    "attempt",
    "progressed",
    "waits",
    "first_failed_at",
    "last_reason",
    "task_id",
    "group",
    "queue",
];

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(attempt: &u32) -> bool {
    *attempt == first()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(waits: &u32) -> bool {
    *waits == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Message, ScoringTask};

    const TASK: &str = r#"{"version":1,"type":"ingest","apify_run_id":"HG7ML7M8z78YcAPEB","event_type":"ACTOR.RUN.SUCCEEDED","hints":{"client":"Guy-Wilson"},"received_at":"2026-11-23T10:00:00Z","of_a_newer_release":[1.50,18446744073709551615]}"#;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_task_that_failed_is_the_same_task_with_its_attempts_in_the_envelope() {
        let first = RetryState::of(TASK);
        assert_eq!(first, RetryState::default());
        let second = first.next_attempt(at("2026-11-23T10:00:05Z"), "Apify is away");
        let body = second.put_into(TASK);
        assert!(
            body.starts_with(
                r#"{"version":1,"type":"ingest","attempt":2,"first_failed_at":"2026-11-23T10:00:05Z","last_reason":"Apify is away","apify_run_id":"#
            ),
            "{body}"
        );
        assert!(body.ends_with(r#""of_a_newer_release":[1.50,18446744073709551615],"received_at":"2026-11-23T10:00:00Z"}"#), "{body}");
        assert_eq!(ScoringTask::decode(&body), ScoringTask::decode(TASK));
        assert_eq!(RetryState::of(&body), second);
        let third = second.next_attempt(at("2026-11-23T10:01:05Z"), &"x".repeat(1_000));
        assert_eq!(third.first_failed_at, second.first_failed_at, "since the first failure");
        assert_eq!(third.last_reason.as_ref().map(String::len), Some(MOST_REASON));
        assert_eq!(RetryState::of(&third.put_into(&body)), third, "nothing stands twice");
    }

    #[test]
    fn a_wait_is_no_attempt() {
        let waits = RetryState::default().next_wait(at("2026-11-23T10:00:05Z"), "no credit");
        assert_eq!((waits.attempt, waits.waits), (1, 1));
    }

    #[test]
    fn what_is_no_message_stays_as_it_is() {
        for text in ["", "words", "[1]", "{\"version\":"] {
            assert_eq!(RetryState::default().put_into(text), text);
            assert_eq!(RetryState::of(text), RetryState::default());
        }
    }
}
