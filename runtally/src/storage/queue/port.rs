//! The port `Queue` on SQLite.

use super::dead_letters::insert;
use super::send::forget_old_ids;
use super::sqlite::{SqliteQueue, millis};
use shared::core::limits::hidden_for;
use shared::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, check_messages};
use std::time::Duration;

impl Queue for SqliteQueue {
    /// Sends all of them, or none.
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
