//! The port `Queue` on SQLite.

use super::sqlite::{SqliteQueue, millis, next_sequence};
use rusqlite::{OptionalExtension, Transaction};
use shared::core::limits::{DEDUPLICATION_WINDOW, hidden_for};
use shared::ports::{
    NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage, check_messages,
    check_waiting,
};
use std::time::Duration;

impl Queue for SqliteQueue {
    /// Sends all messages, or none.
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        check_messages(queue, &messages)?;
        let now = self.now();
        self.change(queue, |tx| {
            forget_old_ids(tx, now)?;
            messages.iter().try_for_each(|message| self.put(tx, queue, now, message))
        })
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        check_waiting(&message)?;
        let (queue, now) = (QueueName::Retry, self.now());
        self.change(queue, |tx| self.put_waiting(tx, now, &message))
    }

    async fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> Result<(), QueueError> {
        let now = self.now();
        self.change(queue, |tx| insert(tx, queue, now, &message))
    }

    async fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let until = self.now().saturating_add(millis(hidden_for(delay)));
        self.with_receipt(queue, receipt, |tx, message_id| {
            tx.prepare_cached("UPDATE message SET visible_at = ?2 WHERE message_id = ?1")?
                .execute((message_id, until))
        })
    }
}

impl SqliteQueue {
    /// Puts one message on `queue`, unless its deduplication id was used within the window.
    pub(super) fn put(
        &self,
        tx: &Transaction<'_>,
        queue: QueueName,
        now: i64,
        message: &OutgoingMessage,
    ) -> rusqlite::Result<()> {
        let (group, deduplication) = (message.group_of_one_process(), message.deduplication());
        let known = tx
            .prepare_cached(
                "SELECT 1 FROM deduplication WHERE queue = ?1 AND deduplication_id = ?2",
            )?
            .query_row([queue.as_str(), deduplication], |_| Ok(()))
            .optional()?;
        if known.is_some() {
            return Ok(());
        }
        tx.prepare_cached("INSERT INTO deduplication VALUES (?1, ?2, ?3)")?.execute((
            queue.as_str(),
            deduplication,
            now,
        ))?;
        let sequence = next_sequence(tx)?;
        let id = message_id(self.settings.seed, sequence);
        let (queue, body) = (queue.as_str(), message.body());
        tx.prepare_cached(INSERT)?.execute((
            sequence,
            queue,
            id,
            group,
            deduplication,
            body,
            now,
            AT_ONCE,
        ))?;
        Ok(())
    }

    /// Puts a message on the retry queue. It has a group for itself, so messages do not wait for
    /// each other.
    fn put_waiting(
        &self,
        tx: &Transaction<'_>,
        now: i64,
        message: &WaitingMessage,
    ) -> rusqlite::Result<()> {
        let sequence = next_sequence(tx)?;
        let id = message_id(self.settings.seed, sequence);
        let visible_at = now.saturating_add(millis(message.delay()));
        let queue = QueueName::Retry.as_str();
        tx.prepare_cached(INSERT)?.execute((
            sequence,
            queue,
            &id,
            &id,
            &id,
            message.body(),
            now,
            visible_at,
        ))?;
        Ok(())
    }
}

/// Visible to every process, whatever its clock shows.
const AT_ONCE: i64 = 0;

const INSERT: &str =
    "INSERT INTO message (sequence, queue, message_id, group_id, deduplication_id, body, sent_at,
                          visible_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Puts a message on the dead-letter queue, once. The first reason stays, because it is the cause.
pub(super) fn insert(
    tx: &Transaction<'_>,
    queue: QueueName,
    now: i64,
    message: &NewDeadLetter,
) -> rusqlite::Result<()> {
    let NewDeadLetter { group, message_id, body, reason } = message;
    tx.prepare_cached("INSERT OR IGNORE INTO dead_letter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute((next_sequence(tx)?, queue.as_str(), message_id, group, body, reason, now))?;
    Ok(())
}

/// Forgets the deduplication ids whose window is over. A repetition does not extend the window. An
/// id from the future was noted before the clock was set back, so its age is unknown and it is
/// forgotten too.
pub(super) fn forget_old_ids(tx: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    let window = millis(DEDUPLICATION_WINDOW);
    tx.prepare_cached("DELETE FROM deduplication WHERE sent_at <= ?1 OR sent_at > ?2")?
        .execute([now - window, now + window])?;
    Ok(())
}

/// A random UUID (version 4). The same seed and number give the same id.
fn message_id(seed: u64, sequence: i64) -> String {
    // The odd factor spreads neighbouring numbers over all seeds.
    let spread = sequence.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = fastrand::Rng::with_seed(seed ^ spread).u128(..);
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_message_id_is_a_version_4_uuid_and_none_comes_twice() {
        let ids: HashSet<_> = (1..10_000).map(|sequence| message_id(7, sequence)).collect();
        assert_eq!(ids.len(), 9_999);
        let id = message_id(7, 1);
        assert_eq!(id, message_id(7, 1));
        assert_ne!(id, message_id(8, 1));
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]));
    }
}
