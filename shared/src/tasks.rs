//! Handles the results of scoring's tasks. A task that fails leaves its lane at once, waits on the
//! retry queue, and then goes to the end of its group. The tasks behind it continue.

use crate::core::clock::Clock;
use crate::core::failure::{
    Failure, FailureClass, LONGEST_WAIT, RETRY_VISIBILITY, redelivery_delay,
};
use crate::delivery::Delivery;
use crate::messages::{RetryState, routes};
use crate::ports::{Queue, QueueError, QueueName};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse};
use jiff::SignedDuration;
use std::time::Duration;

/// Collects the results of a batch's tasks.
///
/// A task is sent on first and deleted afterwards. A crash in between leaves two copies, and a
/// queue drops one of them. Only a task that cannot be sent on keeps its place.
pub struct Tasks<'a, Q> {
    queue: &'a Q,
    clock: &'a Clock,
    failures: Vec<BatchItemFailure>,
}

impl<'a, Q: Queue> Tasks<'a, Q> {
    /// A batch of the scoring queue or of the retry queue.
    pub fn new(queue: &'a Q, clock: &'a Clock) -> Self {
        Self { queue, clock, failures: Vec::new() }
    }

    /// Sends a message of the retry queue to its group, because its wait is over.
    pub async fn pass_on(&mut self, delivery: &Delivery) {
        let Some((queue, message)) = routes::after_waiting(&delivery.body) else {
            let reason = "the message does not say which queue and group it goes to";
            return self.dead_letter(delivery, reason.to_owned()).await;
        };
        if let Err(error) = self.queue.send(queue, vec![message]).await {
            self.not_sent(delivery, RETRY_VISIBILITY, error).await;
        }
    }

    /// Handles the result of a task. If the task continues, it does so with the current body of
    /// `delivery`.
    pub async fn settle(&mut self, delivery: &Delivery, result: Result<(), Failure>) {
        let Err(failure) = result else { return };
        let attempt = delivery.attempt();
        let (now, reason) = (self.clock.now(), failure.reason.as_str());
        match failure.class {
            FailureClass::DeadLetter => self.dead_letter(delivery, failure.reason).await,
            FailureClass::Retry if delivery.is_last() => {
                let reason = format!("failed after {attempt} attempts: {failure}");
                self.dead_letter(delivery, reason).await;
            }
            FailureClass::Retry => {
                crate::telemetry::metrics::message_requeued();
                let next = delivery.retry.next_attempt(now, reason);
                self.wait(delivery, next, redelivery_delay(delivery.retry.fruitless())).await;
            }
            FailureClass::Wait { .. } if has_waited_enough(&delivery.retry, self.clock) => {
                let days = LONGEST_WAIT.as_secs() / (24 * 3600);
                let reason = format!("waited for {days} days without success: {failure}");
                self.dead_letter(delivery, reason).await;
            }
            FailureClass::Wait { delay } => {
                let next = delivery.retry.next_wait(now, reason);
                self.wait(delivery, next, delay).await;
            }
        }
    }

    /// Lets an unfinished task continue at once, after the tasks that wait in its group.
    pub async fn resume(&mut self, delivery: &Delivery) {
        if delivery.is_last() {
            let attempts = delivery.attempt();
            let reason = format!("not done after {attempts} invocations; redrive it");
            return self.dead_letter(delivery, reason).await;
        }
        self.go_to_the_back(delivery, delivery.retry.continued()).await;
    }

    /// Handles a task that was delivered before without an answer, because its worker died. That
    /// delivery counts as an attempt. The task goes to the end of its group, so that a task that
    /// kills every worker blocks the group for only one visibility timeout at a time.
    pub async fn revive(&mut self, delivery: &Delivery) {
        let reason = "its worker died or took too long";
        if delivery.is_last() {
            let attempts = delivery.attempt();
            let reason = format!("failed after {attempts} attempts: {reason}");
            return self.dead_letter(delivery, reason).await;
        }
        tracing::warn!(
            queue.message_id = delivery.message_id,
            queue.attempt = delivery.attempt(),
            queue.receive_count = delivery.receive_count,
            "a task came back without a result; it goes to the back of its group"
        );
        self.go_to_the_back(delivery, delivery.retry.next_attempt(self.clock.now(), reason)).await;
    }

    /// The response for the event source mapping.
    #[must_use]
    pub fn response(self) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = self.failures;
        response
    }

    async fn go_to_the_back(&mut self, delivery: &Delivery, next: RetryState) {
        let next = named(next, delivery);
        let message = routes::next_attempt(&delivery.body, &next, &delivery.group);
        if let Err(error) = self.queue.send(QueueName::Scoring, vec![message]).await {
            self.not_sent(delivery, Duration::ZERO, error).await;
        }
    }

    async fn wait(&mut self, delivery: &Delivery, next: RetryState, delay: Duration) {
        let next = named(next, delivery);
        tracing::warn!(
            failure = next.last_reason,
            queue.message_id = delivery.message_id,
            queue.attempt = delivery.attempt(),
            queue.waits = next.waits,
            queue.delay_s = delay.as_secs(),
            "message is requeued"
        );
        let to = (QueueName::Scoring, delivery.group.as_str());
        let message = routes::next_attempt_later(&delivery.body, &next, to, delay);
        if let Err(error) = self.queue.let_wait(message).await {
            self.not_sent(delivery, delay, error).await;
        }
    }

    /// Handles a task that could not be sent on. If the queue refuses it, because it is too large,
    /// every repetition would be refused too.
    async fn not_sent(&mut self, delivery: &Delivery, delay: Duration, error: QueueError) {
        match error {
            QueueError::Refused { .. } => self.dead_letter(delivery, error.to_string()).await,
            QueueError::Unreachable { .. } => self.keep(delivery, delay, &error).await,
        }
    }

    async fn dead_letter(&mut self, delivery: &Delivery, reason: String) {
        if let Err(error) = delivery.dead_letter(self.queue, queue_of(delivery), reason).await {
            crate::telemetry::metrics::message_requeued();
            self.keep(delivery, redelivery_delay(delivery.attempt()), &error).await;
        }
    }

    /// Leaves a message where it is, because it cannot be sent on. It is delivered again after
    /// `delay`, or when its visibility timeout ends.
    async fn keep(&mut self, delivery: &Delivery, delay: Duration, error: &QueueError) {
        tracing::error!(%error, queue.message_id = delivery.message_id, "message keeps its place");
        let requeued = self.queue.requeue(queue_of(delivery), &delivery.receipt, delay).await;
        if let Err(error) = requeued {
            tracing::warn!(%error, "message comes back when its visibility timeout ends");
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier.clone_from(&delivery.message_id);
        self.failures.push(failure);
    }
}

/// The state with the id of the delivery's task. Two messages are two tasks, even if they had the
/// same deduplication id: the second was sent after the queue had forgotten the first. If it were
/// dropped as a copy now, nobody would do what it asks for.
fn named(next: RetryState, delivery: &Delivery) -> RetryState {
    let task_id = next.task_id.clone().unwrap_or_else(|| delivery.message_id.clone());
    RetryState { task_id: Some(task_id), ..next }
}

fn queue_of(delivery: &Delivery) -> QueueName {
    if delivery.is_from_retry_queue() { QueueName::Retry } else { QueueName::Scoring }
}

fn has_waited_enough(state: &RetryState, clock: &Clock) -> bool {
    let longest = SignedDuration::try_from(LONGEST_WAIT).expect("seven days fit");
    state.first_failed_at.is_some_and(|since| clock.now().duration_since(since) >= longest)
}

#[cfg(test)]
mod tests;
