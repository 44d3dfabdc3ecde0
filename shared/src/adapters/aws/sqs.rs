//! `Queue` on SQS.

mod dead_letters;

use super::lambda::{attempts, describe};
use crate::config::QueueUrls;
use crate::core::limits::{MAX_MESSAGE_BYTES, hidden_for, is_allowed};
use crate::ports::limits::{check_messages, check_waiting};
use crate::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage};
use crate::telemetry::trace;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::Duration;

/// Most messages in one request.
const MAX_ENTRIES: usize = 10;

/// The message attribute that holds why a message was dead-lettered.
pub const REASON: &str = "reason";

/// The queues that a function may use.
///
/// Messages of one group arrive in order, with one exception: if SQS accepts only a part of a
/// request, the other messages are sent again and arrive later. Receivers handle messages in any
/// order, so this can only cost time.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    urls: BTreeMap<QueueName, QueueUrls>,
}

impl SqsQueue {
    /// The queues at `urls`. Omit those that the function does not use.
    pub fn new(client: Client, urls: BTreeMap<QueueName, QueueUrls>) -> Self {
        Self { client, urls }
    }

    /// The queues that have a URL.
    pub fn names(&self) -> impl Iterator<Item = QueueName> {
        self.urls.keys().copied()
    }

    fn urls(&self, queue: QueueName) -> Result<&QueueUrls, QueueError> {
        self.urls.get(&queue).ok_or_else(|| QueueError::Unreachable {
            queue,
            reason: "this function is not configured with its URL".to_owned(),
        })
    }

    /// Sends one batch, and retries the messages that SQS did not accept.
    async fn send_batch(
        &self,
        queue: QueueName,
        mut batch: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        let url = &self.urls(queue)?.url;
        let mut attempts = attempts();
        loop {
            let entries = batch.iter().enumerate().map(|(index, message)| entry(index, message));
            let request = self.client.send_message_batch().queue_url(url);
            let answer = request.set_entries(Some(entries.collect())).send().await;
            let answer = answer.map_err(|error| failure(queue, &error))?;
            let failed = answer.failed();
            let Some(first) = failed.first() else { return Ok(()) };
            if let Some(refused) = failed.iter().find(|entry| is_refused(entry)) {
                return Err(QueueError::Refused { queue, reason: why(refused) });
            }
            let count = failed.len();
            let reason = format!("{count} messages were not accepted, the first: {}", why(first));
            let error = QueueError::Unreachable { queue, reason };
            attempts.wait_after(error, true, "sending messages").await?;
            let mut index = 0..;
            batch.retain(|_| {
                let id = index.next().map(entry_id);
                failed.iter().any(|entry| Some(entry.id()) == id.as_deref())
            });
        }
    }
}

impl Queue for SqsQueue {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        check_messages(queue, &messages)?;
        for batch in batches(messages) {
            self.send_batch(queue, batch).await?;
        }
        Ok(())
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        check_waiting(&message)?;
        let queue = QueueName::Retry;
        let seconds = message.delay().as_secs();
        self.client
            .send_message()
            .queue_url(&self.urls(queue)?.url)
            .delay_seconds(seconds.try_into().expect("fifteen minutes of seconds fit"))
            .set_message_system_attributes(trace_attribute())
            .message_body(message.body())
            .send()
            .await
            .map_err(|error| failure(queue, &error))?;
        Ok(())
    }

    async fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> Result<(), QueueError> {
        let NewDeadLetter { group, message_id, body, reason } = message;
        let reason = fitting_reason(&reason, body.len());
        let mut request = self.client.send_message().queue_url(self.dead_letters_url(queue)?);
        if queue.is_fifo() {
            request = request.message_group_id(group).message_deduplication_id(message_id);
        }
        request
            .message_body(body)
            .set_message_system_attributes(trace_attribute())
            .set_message_attributes(reason.map(|text| {
                let value = MessageAttributeValue::builder().data_type("String").string_value(text);
                let value = value.build().expect("the type is given");
                [(REASON.to_owned(), value)].into()
            }))
            .send()
            .await
            .map_err(|error| failure(queue, &error))?;
        Ok(())
    }

    async fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let seconds = hidden_for(delay).as_secs();
        self.client
            .change_message_visibility()
            .queue_url(&self.urls(queue)?.url)
            .receipt_handle(receipt)
            .visibility_timeout(seconds.try_into().expect("twelve hours of seconds fit"))
            .send()
            .await
            .map_err(|error| failure(queue, &error))?;
        Ok(())
    }
}

/// Splits `messages` into requests that SQS accepts: in order, with at most ten messages and 1 MiB
/// each.
fn batches(messages: Vec<OutgoingMessage>) -> Vec<Vec<OutgoingMessage>> {
    let mut batches: Vec<Vec<OutgoingMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let size = message.body().len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ENTRIES && bytes + size <= MAX_MESSAGE_BYTES => {
                bytes += size;
                batch.push(message);
            }
            Some(_) | None => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

fn entry(index: usize, message: &OutgoingMessage) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(entry_id(index))
        .message_group_id(message.group())
        .message_deduplication_id(message.deduplication())
        .message_body(message.body())
        .set_message_system_attributes(trace_attribute())
        .build()
        .expect("id and body are given")
}

/// The trace that a message continues, if there is one. It does not count towards the size limit.
fn trace_attribute()
-> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let header = trace::header()?;
    let value =
        MessageSystemAttributeValue::builder().data_type("String").string_value(header.as_str());
    let value = value.build().expect("the type is given");
    Some([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)].into())
}

fn entry_id(index: usize) -> String {
    format!("m{index}")
}

/// Whether a repetition is useless. SQS reports throttling as the sender's fault too, but that is
/// retried.
fn is_refused(entry: &BatchResultErrorEntry) -> bool {
    entry.sender_fault() && !entry.code().contains("Throttl")
}

fn why(entry: &BatchResultErrorEntry) -> String {
    format!("{}: {}", entry.code(), entry.message().unwrap_or("(no message)"))
}

/// The longest start of `reason` that fits next to a body of `body_len` bytes: SQS counts
/// attributes too.
fn fitting_reason(reason: &str, body_len: usize) -> Option<String> {
    let room = MAX_MESSAGE_BYTES.saturating_sub(body_len + REASON.len() + "String".len());
    let mut fitting = String::new();
    for character in reason.chars() {
        let shown = if is_allowed(character) { character } else { '\u{FFFD}' };
        if fitting.len() + shown.len_utf8() > room {
            break;
        }
        fitting.push(shown);
    }
    (!fitting.is_empty()).then_some(fitting)
}

fn failure<E>(queue: QueueName, error: &SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let reason = describe(error);
    match error.code() {
        Some(
            "InvalidMessageContents"
            | "InvalidParameterValue"
            | "MissingParameter"
            | "BatchRequestTooLong"
            | "ReceiptHandleIsInvalid"
            | "MessageNotInflight",
        ) => QueueError::Refused { queue, reason },
        Some(_) | None => QueueError::Unreachable { queue, reason },
    }
}

#[cfg(test)]
mod tests;
