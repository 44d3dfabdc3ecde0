//! The dead-letter queues: messages that could not be handled, and putting them back.

use super::port::{forget_old_ids, insert};
use super::sqlite::{Depth, SqliteQueue, millis, timestamp};
use rusqlite::Transaction;
use shared::messages::routes;
use shared::ports::{DeadLetter, NewDeadLetter, QueueError, QueueName, QueueState};
use std::collections::BTreeSet;
use std::time::Duration;

impl SqliteQueue {
    /// How full `queue` is.
    pub async fn state(&self, queue: QueueName) -> Result<QueueState, QueueError> {
        let Depth { visible, in_flight, dead } = self.depth(queue)?;
        let messages = (visible + in_flight) as u64;
        Ok(QueueState { is_fifo: queue.is_fifo(), messages, dead: dead as u64 })
    }

    /// The dead letters of `queue`, oldest first.
    pub async fn dead_letters(&self, queue: QueueName) -> Result<Vec<DeadLetter>, QueueError> {
        self.transact(queue, |tx| all(tx, queue))
    }

    /// Deletes the dead letters of `queue` that are older than `age`. Returns their number.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails.
    pub fn delete_dead_letters(
        &self,
        queue: QueueName,
        age: Duration,
    ) -> Result<usize, QueueError> {
        let before = self.now().saturating_sub(millis(age));
        self.transact(queue, |tx| {
            tx.prepare_cached("DELETE FROM dead_letter WHERE queue = ?1 AND died_at < ?2")?
                .execute((queue.as_str(), before))
        })
    }

    /// Puts the dead letters with these ids back on `queue`, as new messages and first attempts. As
    /// on SQS, their deduplication id is their old message id. Returns their number.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails. Then no dead letter is lost or sent.
    pub async fn redrive(
        &self,
        queue: QueueName,
        ids: &BTreeSet<String>,
    ) -> Result<usize, QueueError> {
        let now = self.now();
        let redriven = self.transact(queue, |tx| {
            forget_old_ids(tx, now)?;
            let mut redriven = BTreeSet::new();
            let letters = all(tx, queue)?.into_iter();
            for letter in letters.filter(|letter| ids.contains(&letter.message_id)) {
                let Some((to, message)) = routes::redriven(queue, &letter) else { continue };
                tx.prepare_cached("DELETE FROM dead_letter WHERE queue = ?1 AND message_id = ?2")?
                    .execute([queue.as_str(), &letter.message_id])?;
                self.put(tx, to, now, &message)?;
                redriven.insert((letter.message_id, to));
            }
            Ok(redriven)
        })?;
        for (_, to) in &redriven {
            self.notify(*to).notify_waiters();
        }
        Ok(redriven.len())
    }
}

impl SqliteQueue {
    /// Deletes one dead letter permanently. Returns whether it existed.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails.
    pub async fn discard(&self, queue: QueueName, id: &str) -> Result<bool, QueueError> {
        let deleted = self.change(queue, |tx| {
            tx.prepare_cached("DELETE FROM dead_letter WHERE queue = ?1 AND message_id = ?2")?
                .execute([queue.as_str(), id])
        })?;
        Ok(deleted > 0)
    }
}

/// Dead-letters the visible messages of `queue` that were received `max_receive_count` times. The
/// other messages of their groups continue. Returns their number.
pub(super) fn dead_letter_exhausted(
    tx: &Transaction<'_>,
    queue: QueueName,
    now: i64,
    max_receive_count: u32,
) -> rusqlite::Result<usize> {
    let mut select = tx.prepare_cached(
        "SELECT message_id, group_id, body, receive_count, last_error FROM message
         WHERE queue = ?1 AND receive_count > 0 AND receive_count >= ?2 AND group_id NOT IN
               (SELECT group_id FROM message WHERE queue = ?1 AND visible_at > ?3)
         ORDER BY sequence",
    )?;
    let exhausted: Vec<NewDeadLetter> = select
        .query_map((queue.as_str(), max_receive_count, now), |row| {
            let (count, error): (u32, Option<String>) = (row.get(3)?, row.get(4)?);
            let error = error.map(|error| format!("; last error: {error}")).unwrap_or_default();
            Ok(NewDeadLetter {
                message_id: row.get(0)?,
                group: row.get(1)?,
                body: row.get(2)?,
                reason: format!("received {count} times without success{error}"),
            })
        })?
        .collect::<Result<_, _>>()?;
    for message in &exhausted {
        insert(tx, queue, now, message)?;
        tx.prepare_cached("DELETE FROM message WHERE message_id = ?1")?
            .execute([&message.message_id])?;
    }
    Ok(exhausted.len())
}

fn all(tx: &Transaction<'_>, queue: QueueName) -> rusqlite::Result<Vec<DeadLetter>> {
    tx.prepare_cached(
        "SELECT message_id, group_id, body, reason, died_at FROM dead_letter
         WHERE queue = ?1 ORDER BY sequence",
    )?
    .query_map([queue.as_str()], |row| {
        Ok(DeadLetter {
            message_id: row.get(0)?,
            group: row.get(1)?,
            body: row.get(2)?,
            reason: row.get(3)?,
            died_at: timestamp(row.get(4)?)?,
        })
    })?
    .collect()
}
