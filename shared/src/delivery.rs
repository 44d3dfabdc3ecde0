//! One delivery of a message, as Lambda passes it on.

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
    /// Identifies this delivery when its visibility is changed.
    pub receipt: String,
    /// The message's group; empty on the retry queue, which has no groups.
    pub group: String,
    /// How often this message was delivered, including this time. It does not count the task's
    /// earlier attempts, which were separate messages: see [`Delivery::attempt`].
    pub receive_count: u32,
    /// The message's body.
    pub body: String,
    /// What the message says about the task's earlier attempts.
    pub retry: RetryState,
    /// The trace of the webhook that it comes from; `None` for a tick or a scheduled task.
    pub trace: Option<TraceHeader>,
}

impl Delivery {
    /// Makes a delivery from the event source mapping's message. All fields of that type are
    /// optional; SQS sets those that are read here.
    pub fn of(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name).cloned();
        let body = message.body.clone().unwrap_or_default();
        Self {
            group: attribute("MessageGroupId").unwrap_or_default(),
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

    /// The number of this attempt at the task, from 1.
    pub fn attempt(&self) -> u32 {
        self.retry.attempt
    }

    /// Whether no other attempt follows: a task that is not finished now is dead-lettered. Attempts
    /// that made progress do not count.
    pub fn is_last(&self) -> bool {
        self.retry.fruitless() >= MAX_ATTEMPTS
    }

    /// Gives the message up: it goes to the dead-letter queue of the queue `name`, with the reason.
    /// If `runtally redrive` or SQS puts it back, it starts with its first attempt. A message of
    /// the retry queue keeps its target queue and group.
    ///
    /// # Errors
    /// [`QueueError`] if it could not be put there. Then the message must not be deleted.
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

    /// Whether it comes from the retry queue, so that it only has to be passed on.
    pub fn is_from_retry_queue(&self) -> bool {
        self.group.is_empty()
    }
}
