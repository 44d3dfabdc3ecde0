//! Receiving messages. On AWS the event source mapping does this.

use super::dead_letters::dead_letter_exhausted;
use super::sqlite::{SqliteQueue, millis, timestamp};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction};
use shared::ports::{QueueError, QueueName};

const MAX_MESSAGES: usize = 10;

/// A received message.
#[expect(missing_docs, reason = "the names of the other fields say all")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The same each time it is received.
    pub message_id: String,
    /// Identifies this receive: deletes or requeues the message while it is in flight.
    pub receipt: String,
    pub group: String,
    pub deduplication: String,
    pub body: String,
    /// How often it has been received, including this time.
    pub receive_count: u32,
    pub sent_at: Timestamp,
    pub first_received_at: Timestamp,
    /// Later messages have larger numbers.
    pub sequence: i64,
}

impl SqliteQueue {
    /// Takes up to `max` messages (at most ten) and hides them for the visibility timeout.
    ///
    /// The oldest come first. While a message of a group is hidden, no message of that group is
    /// received. One answer can hold several messages of one group, in order. Messages that were
    /// received too often go to the dead-letter queue instead.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails. Then nothing is received.
    pub fn receive(&self, queue: QueueName, max: usize) -> Result<Vec<Received>, QueueError> {
        self.take(queue, |tx, now| oldest(tx, queue, now, max.min(MAX_MESSAGES)))
    }

    /// Takes one message, from the group at the index that `choose` returns. `choose` gets the
    /// groups that have a message to receive, ordered by their oldest messages.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when the database fails. Then nothing is received.
    pub fn receive_of(
        &self,
        queue: QueueName,
        choose: impl FnOnce(&[String]) -> Option<usize>,
    ) -> Result<Option<Received>, QueueError> {
        let received = self.take(queue, |tx, now| {
            let groups = ready(tx, queue, now)?;
            match choose(&groups).and_then(|place| groups.get(place)) {
                Some(group) => oldest_of(tx, queue, now, group),
                None => Ok(Vec::new()),
            }
        })?;
        Ok(received.into_iter().next())
    }

    fn take(
        &self,
        queue: QueueName,
        choose: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<Vec<Received>>,
    ) -> Result<Vec<Received>, QueueError> {
        let now = self.now();
        let settings = self.settings();
        let hidden_until = now.saturating_add(millis(settings.visibility(queue)));
        let (dead, received) = self.transact(queue, |tx| {
            let dead = dead_letter_exhausted(tx, queue, now, settings.receives(queue))?;
            let received = choose(tx, now)?;
            for message in &received {
                tx.prepare_cached(
                    "UPDATE message SET visible_at = ?2, receive_count = ?3,
                            first_received_at = coalesce(first_received_at, ?4)
                     WHERE message_id = ?1",
                )?
                .execute((
                    &message.message_id,
                    hidden_until,
                    message.receive_count,
                    now,
                ))?;
            }
            Ok((dead, received))
        })?;
        if dead > 0 {
            tracing::warn!(
                queue.name = queue.as_str(),
                messages = dead,
                "messages were received too often and are dead letters now"
            );
            self.notify(queue).notify_waiters();
        }
        Ok(received)
    }

    /// Deletes the received message with this `receipt`. A message that is already gone is not an
    /// error.
    ///
    /// # Errors
    /// [`QueueError::Refused`] when the receipt is stale: its visibility timeout ended, and another
    /// receiver may have the message.
    pub fn delete(&self, queue: QueueName, receipt: &str) -> Result<(), QueueError> {
        self.with_receipt(queue, receipt, |tx, message_id| {
            tx.prepare_cached("DELETE FROM message WHERE message_id = ?1")?.execute([message_id])
        })
    }

    /// Makes every message in flight visible. A process calls it when it starts, because its
    /// predecessor no longer handles anything. Messages that wait for their next attempt continue
    /// to wait. If one was sent in the future, the clock was set back, and it waits from now. SQS
    /// has no such call; there the visibility timeout must pass.
    pub fn release(&self, queue: QueueName) -> Result<(), QueueError> {
        let now = self.now();
        self.change(queue, |tx| {
            tx.prepare_cached(
                "UPDATE message SET visible_at = ?2
                 WHERE queue = ?1 AND visible_at > ?2 AND (receive_count > 0 OR ?3)",
            )?
            .execute((queue.as_str(), now, queue.is_fifo()))?;
            tx.prepare_cached(
                "UPDATE message SET visible_at = ?2 + visible_at - sent_at, sent_at = ?2
                 WHERE queue = ?1 AND visible_at > ?2 AND sent_at > ?2",
            )?
            .execute((queue.as_str(), now))
        })?;
        Ok(())
    }

    /// Remembers why messages were not handled. The last error becomes part of a dead letter's
    /// reason.
    pub fn note_failure(
        &self,
        queue: QueueName,
        message_ids: &[&str],
        error: &str,
    ) -> Result<(), QueueError> {
        self.transact(queue, |tx| {
            let mut update =
                tx.prepare_cached("UPDATE message SET last_error = ?2 WHERE message_id = ?1")?;
            message_ids.iter().try_for_each(|id| update.execute([id, error]).map(drop))
        })
    }

    /// Does `work` on the message in flight that has this `receipt`.
    pub(super) fn with_receipt(
        &self,
        queue: QueueName,
        receipt: &str,
        work: impl FnOnce(&Transaction<'_>, &str) -> rusqlite::Result<usize>,
    ) -> Result<(), QueueError> {
        let refused = |reason: &str| QueueError::Refused { queue, reason: reason.to_owned() };
        let (message_id, count) =
            parse_receipt(receipt).ok_or_else(|| refused("this is not a receipt"))?;
        let now = self.now();
        let current = self.transact(queue, |tx| {
            let current: Option<bool> = tx
                .prepare_cached(
                    "SELECT receive_count = ?3 AND visible_at > ?4 FROM message
                     WHERE queue = ?1 AND message_id = ?2",
                )?
                .query_row((queue.as_str(), message_id, count, now), |row| row.get(0))
                .optional()?;
            if current == Some(true) {
                work(tx, message_id)?;
            }
            Ok(current)
        })?;
        if current == Some(false) {
            return Err(refused("the receipt has expired"));
        }
        self.notify(queue).notify_waiters();
        Ok(())
    }
}

/// The oldest messages of the groups that have no hidden message.
fn oldest(
    tx: &Transaction<'_>,
    queue: QueueName,
    now: i64,
    max: usize,
) -> rusqlite::Result<Vec<Received>> {
    tx.prepare_cached(
        "SELECT message_id, group_id, deduplication_id, body, receive_count, sent_at,
                first_received_at, sequence
         FROM message
         WHERE queue = ?1 AND group_id NOT IN
               (SELECT group_id FROM message WHERE queue = ?1 AND visible_at > ?2)
         ORDER BY sequence LIMIT ?3",
    )?
    .query_map((queue.as_str(), now, max), |row| received(row, now))?
    .collect()
}

/// The groups without a hidden message, those with the oldest messages first. Reads only one
/// message of each group, even if there are thousands.
fn ready(tx: &Transaction<'_>, queue: QueueName, now: i64) -> rusqlite::Result<Vec<String>> {
    tx.prepare_cached(
        "WITH RECURSIVE lane(id) AS (
             SELECT min(group_id) FROM message WHERE queue = ?1
             UNION ALL
             SELECT (SELECT min(group_id) FROM message WHERE queue = ?1 AND group_id > lane.id)
             FROM lane WHERE lane.id IS NOT NULL)
         SELECT id FROM lane
         WHERE id IS NOT NULL AND NOT EXISTS
               (SELECT 1 FROM message WHERE queue = ?1 AND group_id = id AND visible_at > ?2)
         ORDER BY (SELECT sequence FROM message WHERE queue = ?1 AND group_id = id
                   ORDER BY visible_at, sequence LIMIT 1)",
    )?
    .query_map((queue.as_str(), now), |row| row.get(0))?
    .collect()
}

/// The oldest message of a group. It is searched among the oldest of all, because sorting the
/// messages of a long lane takes longer.
fn oldest_of(
    tx: &Transaction<'_>,
    queue: QueueName,
    now: i64,
    group: &str,
) -> rusqlite::Result<Vec<Received>> {
    tx.prepare_cached(
        "SELECT message_id, group_id, deduplication_id, body, receive_count, sent_at,
                first_received_at, sequence
         FROM message NOT INDEXED WHERE queue = ?1 AND group_id = ?2 ORDER BY sequence LIMIT 1",
    )?
    .query_map((queue.as_str(), group), |row| received(row, now))?
    .collect()
}

fn received(row: &Row<'_>, now: i64) -> rusqlite::Result<Received> {
    let message_id: String = row.get(0)?;
    let receive_count = row.get::<_, u32>(4)? + 1;
    Ok(Received {
        receipt: format!("{message_id}#{receive_count}"),
        message_id,
        group: row.get(1)?,
        deduplication: row.get(2)?,
        body: row.get(3)?,
        receive_count,
        sent_at: timestamp(row.get(5)?)?,
        first_received_at: timestamp(row.get::<_, Option<i64>>(6)?.unwrap_or(now))?,
        sequence: row.get(7)?,
    })
}

fn parse_receipt(receipt: &str) -> Option<(&str, u32)> {
    let (message_id, count) = receipt.split_once('#')?;
    Some((message_id, count.parse().ok()?))
}
