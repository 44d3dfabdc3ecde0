//! The dead-letter queues on SQS: reading, redriving and deleting dead letters. Only an operator's
//! commands use this; no function receives or deletes messages.

use super::{MAX_ENTRIES, REASON, SqsQueue, failure};
use crate::messages::routes;
use crate::ports::{DeadLetter, Queue, QueueError, QueueName, QueueState};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName as Attribute,
    QueueAttributeName,
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::str::FromStr;

/// How long letters stay hidden from other readers after they are read.
const HELD_SECONDS: i32 = 60;
/// How long one read waits for letters.
const WAIT_SECONDS: i32 = 1;
/// Most letters in one read or one redrive: about a hundred requests.
const MAX_LETTERS: usize = 1_000;

impl SqsQueue {
    /// Requests the state of `queue` and of its dead-letter queue.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] if one of them does not answer.
    pub async fn state(&self, queue: QueueName) -> Result<QueueState, QueueError> {
        let own = self.attributes(queue, &self.urls(queue)?.url).await?;
        let dead = self.attributes(queue, self.dead_letters_url(queue)?).await?;
        Ok(QueueState { is_fifo: own.0 && dead.0, messages: own.1, dead: dead.1 })
    }

    /// The dead letters of `queue`, oldest first. Only the first ten of each group are visible,
    /// because SQS hides the rest of a group while some of its messages are being read.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`]; letters that were read are visible again within a minute.
    pub async fn dead_letters(&self, queue: QueueName) -> Result<Vec<DeadLetter>, QueueError> {
        let mut held = Vec::new();
        while held.len() < MAX_LETTERS {
            let batch = self.receive(queue).await?;
            if batch.is_empty() {
                break;
            }
            held.extend(batch);
        }
        self.release(queue, &held).await?;
        let mut letters: Vec<DeadLetter> = held.into_iter().map(|(letter, _)| letter).collect();
        letters.sort_by_key(|letter| letter.died_at);
        Ok(letters)
    }

    /// Sends the dead letters with these ids back to `queue`, as new messages in their old groups
    /// and as first attempts, and deletes them. It sends at most as many letters as there are ids,
    /// so that a letter that fails again at once does not loop forever. Returns how many were sent.
    ///
    /// # Errors
    /// [`QueueError`]; a letter is deleted after it is sent, so it may arrive twice but is never
    /// lost.
    pub async fn redrive(
        &self,
        queue: QueueName,
        ids: &BTreeSet<String>,
    ) -> Result<usize, QueueError> {
        let limit = ids.len().min(MAX_LETTERS);
        let mut held = Vec::new();
        let mut sent = 0;
        while sent < limit && held.len() < MAX_LETTERS {
            let batch = self.receive(queue).await?;
            if batch.is_empty() {
                break;
            }
            for (letter, receipt) in batch {
                if sent == limit || !ids.contains(&letter.message_id) {
                    held.push((letter, receipt));
                    continue;
                }
                let Some((to, message)) = routes::redriven(queue, &letter) else {
                    held.push((letter, receipt));
                    continue;
                };
                self.send(to, vec![message]).await?;
                self.delete(queue, &receipt).await?;
                sent += 1;
            }
        }
        self.release(queue, &held).await?;
        Ok(sent)
    }

    /// Deletes the dead letter with this id permanently. Returns whether it was found.
    ///
    /// # Errors
    /// [`QueueError`]; it is unknown whether the letter still exists.
    pub async fn discard(&self, queue: QueueName, id: &str) -> Result<bool, QueueError> {
        let mut held = Vec::new();
        let mut is_found = false;
        while !is_found && held.len() < MAX_LETTERS {
            let batch = self.receive(queue).await?;
            if batch.is_empty() {
                break;
            }
            for (letter, receipt) in batch {
                if letter.message_id == id {
                    self.delete(queue, &receipt).await?;
                    is_found = true;
                } else {
                    held.push((letter, receipt));
                }
            }
        }
        self.release(queue, &held).await?;
        Ok(is_found)
    }

    /// Whether the queue is FIFO, and how many messages it has.
    async fn attributes(&self, queue: QueueName, url: &str) -> Result<(bool, u64), QueueError> {
        const COUNTS: [QueueAttributeName; 3] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(url);
        let request = request.attribute_names(QueueAttributeName::All);
        let answer = request.send().await.map_err(|error| failure(queue, &error))?;
        let known = answer.attributes.unwrap_or_default();
        let is_fifo = known.get(&QueueAttributeName::FifoQueue).is_some_and(|text| text == "true");
        let counts = COUNTS.iter().filter_map(|name| known.get(name)?.parse::<u64>().ok());
        Ok((is_fifo, counts.sum()))
    }

    /// Receives up to ten dead letters and hides them for a while.
    async fn receive(&self, queue: QueueName) -> Result<Vec<(DeadLetter, String)>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(self.dead_letters_url(queue)?)
            .max_number_of_messages(10)
            .visibility_timeout(HELD_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(Attribute::All)
            .message_attribute_names(REASON)
            .send()
            .await
            .map_err(|error| failure(queue, &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(letter).collect())
    }

    async fn delete(&self, queue: QueueName, receipt: &str) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(self.dead_letters_url(queue)?);
        let answer = request.receipt_handle(receipt).send().await;
        answer.map_err(|error| failure(queue, &error))?;
        Ok(())
    }

    /// Makes received letters visible again.
    async fn release(
        &self,
        queue: QueueName,
        held: &[(DeadLetter, String)],
    ) -> Result<(), QueueError> {
        for some in held.chunks(MAX_ENTRIES) {
            let entries = some.iter().enumerate().map(|(index, (_, receipt))| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(super::entry_id(index))
                    .receipt_handle(receipt)
                    .visibility_timeout(0)
                    .build()
                    .expect("id and receipt are given")
            });
            let request = self.client.change_message_visibility_batch();
            let request = request.queue_url(self.dead_letters_url(queue)?);
            let answer = request.set_entries(Some(entries.collect())).send().await;
            // Letters that are not released become visible when their timeout ends.
            answer.map_err(|error| failure(queue, &error))?;
        }
        Ok(())
    }

    pub(super) fn dead_letters_url(&self, queue: QueueName) -> Result<&str, QueueError> {
        self.urls(queue)?.dead_letters.as_deref().ok_or_else(|| QueueError::Unreachable {
            queue,
            reason: "its dead-letter queue is not configured".to_owned(),
        })
    }
}

/// A dead letter with its receipt, made from a message of a dead-letter queue.
fn letter(message: Message) -> Option<(DeadLetter, String)> {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name| attributes.get(&name).and_then(|text| i64::from_str(text).ok());
    let received = number(Attribute::ApproximateReceiveCount).unwrap_or_default();
    let reason = message.message_attributes.unwrap_or_default().remove(REASON);
    let reason = reason.and_then(|value| value.string_value);
    let letter = DeadLetter {
        message_id: message.message_id?,
        group: attributes.get(&Attribute::MessageGroupId).cloned().unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        reason: reason.unwrap_or_else(|| format!("received {received} times without success")),
        died_at: number(Attribute::SentTimestamp)
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
    };
    Some((letter, message.receipt_handle?))
}
