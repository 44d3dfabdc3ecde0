//! One delivery of a message, as Lambda hands it over.

use crate::core::failure::MAX_ATTEMPTS;
use crate::messages::RetryState;
use crate::ports::{NewDeadLetter, Queue, QueueError, QueueName};
use crate::telemetry::trace::{self, TraceHeader};
use aws_lambda_events::event::sqs::SqsMessage;

/// One delivery of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub message_id: String,
    /// Stands for this delivery when its visibility is changed.
    pub receipt: String,
    /// The message's group; empty on the retry queue, which has none.
    pub group: String,
    /// The id by which its queue drops a copy of it; empty on the retry queue.
    pub deduplication: String,
    /// How often this message was delivered, this time included. It says nothing of the task's
    /// earlier attempts, which were other messages: see [`Delivery::attempt`].
    pub receive_count: u32,
    /// The message's text.
    pub body: String,
    /// What the message says of the task's earlier attempts.
    pub retry: RetryState,
    /// The trace of the webhook that it comes from; a tick and a night's task have none.
    pub trace: Option<TraceHeader>,
}

impl Delivery {
    /// What the event source mapping says of a message. Every field of its type is optional; SQS
    /// fills those that are read here.
    pub fn of(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name).cloned();
        let body = message.body.clone().unwrap_or_default();
        Self {
            group: attribute("MessageGroupId").unwrap_or_default(),
            deduplication: attribute("MessageDeduplicationId").unwrap_or_default(),
            receive_count: attribute("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            message_id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            trace: attribute(trace::ATTRIBUTE).as_deref().and_then(TraceHeader::read),
            retry: RetryState::of(&body),
            body,
        }
    }

    /// Which attempt at its task it is, from 1.
    pub fn attempt(&self) -> u32 {
        self.retry.attempt
    }

    /// Whether no other attempt follows: what is not finished now goes to the dead letters. Attempts that
    /// made progress do not count.
    pub fn is_last(&self) -> bool {
        self.retry.fruitless() >= MAX_ATTEMPTS
    }

    /// Gives the message up: it goes to the dead letters of the queue `name`, with the reason. Whoever
    /// puts it back, `runtally redrive` or SQS itself, puts back a first attempt. A message of the retry
    /// queue keeps what it says: where it goes to.
    ///
    /// # Errors
    /// [`QueueError`] when it could not be put there: it must not be deleted.
    pub(crate) async fn dead_letter(
        &self,
        queue: &impl Queue,
        name: QueueName,
        reason: String,
    ) -> Result<(), QueueError> {
        crate::telemetry::metrics::message_dead_lettered();
        tracing::error!(
            reason,
            queue.name = name.as_str(),
            queue.message_id = self.message_id,
            "message goes to the dead-letter queue"
        );
        let body = if name.is_fifo() {
            RetryState::default().put_into(&self.body)
        } else {
            self.body.clone()
        };
        let letter = NewDeadLetter {
            group: self.group.clone(),
            message_id: self.message_id.clone(),
            body,
            reason,
        };
        queue.dead_letter(name, letter).await
    }

    /// Whether it comes from the retry queue, and is only to be passed on.
    pub fn is_from_retry_queue(&self) -> bool {
        self.group.is_empty()
    }
}
