//! A dead letter, with its run and its content if they are known.

use super::task_text::message_in_words;
use jiff::Timestamp;
use serde::Serialize;
use shared::core::ids::RunId;
use shared::ports::{DeadLetter, QueueName};

/// A dead letter, with its run and its content if they are known.
#[derive(Serialize)]
pub(crate) struct Letter {
    pub(crate) queue: &'static str,
    pub(crate) message_id: String,
    pub(crate) run: Option<RunId>,
    pub(crate) what: String,
    pub(crate) reason: String,
    pub(crate) died_at: Timestamp,
}

impl Letter {
    pub(crate) fn of(queue: QueueName, letter: &DeadLetter) -> Self {
        let (run, what) = message_in_words(queue, &letter.body);
        let DeadLetter { message_id, reason, died_at, .. } = letter.clone();
        Self { queue: queue.as_str(), message_id, run, what, reason, died_at }
    }
}
