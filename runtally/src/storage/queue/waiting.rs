//! The tasks that wait: since when, why and until when. SQS does not show this.

use super::sqlite::{SqliteQueue, millis, timestamp};
use jiff::Timestamp;
use shared::messages::RetryState;
use shared::ports::{QueueError, QueueName};
use std::time::Duration;

/// A scoring task that failed, or whose worker died, and that is not in work now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingTask {
    /// The task's message.
    pub body: String,
    /// The number of the next attempt.
    pub attempt: u32,
    /// When it first failed, or when the worker that died took it.
    pub since: Timestamp,
    /// Why it waits.
    pub reason: String,
    /// The earliest time of the next attempt. It is later if its group has other work then.
    pub next_at: Timestamp,
}

impl SqliteQueue {
    /// The tasks that wait, in the order of their next attempts. A worker that has a task for
    /// longer than `longest` is dead.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails.
    pub fn waiting(&self, longest: Duration) -> Result<Vec<WaitingTask>, QueueError> {
        let now = self.now();
        let visibility = millis(self.settings.visibility(QueueName::Scoring));
        let rows: Vec<(String, i64, u32, String)> = self.transact(QueueName::Retry, |tx| {
            tx.prepare_cached(
                // Bodies of chunks without a failed attempt are not read, because they are large
                // and many. The state of an attempt is at the beginning of a body.
                "SELECT body, visible_at, receive_count, queue FROM message
                     WHERE queue = 'retry' OR queue = 'scoring' AND CASE
                         WHEN visible_at <= ?1
                         THEN instr(substr(body, 1, 400), '\"first_failed_at\"') > 0
                         ELSE receive_count > 0 AND ?1 - visible_at + ?2 > ?3 END
                     ORDER BY visible_at, sequence",
            )?
            .query_map((now, visibility, millis(longest)), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect()
        })?;
        let waiting = rows.into_iter().filter_map(|(body, visible_at, received, queue)| {
            let state = RetryState::of(&body);
            let next_at = timestamp(visible_at.max(now)).ok()?;
            if queue == QueueName::Retry.as_str() || visible_at <= now {
                return of_failed(body, state, next_at);
            }
            let taken_at = visible_at - visibility;
            let is_dead = received > 0 && now - taken_at > millis(longest);
            is_dead.then(|| WaitingTask {
                body,
                attempt: state.attempt + 1,
                since: timestamp(taken_at).unwrap_or_default(),
                reason: "its worker died or hangs; its group waits with it".to_owned(),
                next_at,
            })
        });
        Ok(waiting.collect())
    }
}

/// The waiting task, if it is a scoring task that failed.
fn of_failed(body: String, state: RetryState, next_at: Timestamp) -> Option<WaitingTask> {
    if state.queue.is_some_and(|queue| queue != QueueName::Scoring.as_str()) {
        return None;
    }
    let since = state.first_failed_at?;
    let reason = state.last_reason.unwrap_or_default();
    Some(WaitingTask { body, attempt: state.attempt, since, reason, next_at })
}
