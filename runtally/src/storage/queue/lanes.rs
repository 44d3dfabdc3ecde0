//! The lanes of a queue: how many messages each has, since when, and when the next one can be
//! taken.

use super::sqlite::{SqliteQueue, timestamp};
use jiff::Timestamp;
use shared::ports::{QueueError, QueueName};

/// A message group that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneState {
    /// The group's id.
    pub group: String,
    /// Number of its messages, including those in work or hidden.
    pub messages: u64,
    /// Number of messages in work, or hidden until a later attempt.
    pub hidden: u64,
    /// When its oldest message was sent.
    pub oldest: Timestamp,
    /// When its next message can be taken. In the past if it can be taken now.
    pub next_at: Timestamp,
    /// The body of its first message.
    pub first: String,
}

impl SqliteQueue {
    /// The lanes of `queue` that have messages, by their ids. While a message of a FIFO group is
    /// hidden, the others in its group wait.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails.
    pub fn lanes(&self, queue: QueueName) -> Result<Vec<LaneState>, QueueError> {
        let now = self.now();
        self.transact(queue, |tx| {
            tx.prepare_cached(
                "WITH lane AS (
                     SELECT group_id, count(*), count(*) FILTER (WHERE visible_at > ?2),
                            min(sent_at), max(visible_at), min(sequence) AS first
                     FROM message WHERE queue = ?1 GROUP BY group_id)
                 SELECT lane.*, body FROM lane JOIN message ON sequence = first
                 ORDER BY lane.group_id",
            )?
            .query_map((queue.as_str(), now), |row| {
                Ok(LaneState {
                    group: row.get(0)?,
                    messages: row.get(1)?,
                    hidden: row.get(2)?,
                    oldest: timestamp(row.get(3)?)?,
                    next_at: timestamp(row.get(4)?)?,
                    first: row.get(6)?,
                })
            })?
            .collect()
        })
    }
}
