//! A batch of the metrics queue. Its messages stay in their group until they are stored.

use crate::core::failure::{Failure, FailureClass, MAX_ATTEMPTS, redelivery_delay};
use crate::delivery::Delivery;
use crate::ports::{Queue, QueueName};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse};
use std::collections::HashMap;
use std::time::Duration;

/// Collects the results of a batch's messages, in their order.
///
/// If a message fails, the later messages of its group are requeued without being handled, so that
/// the group keeps its order. Other groups continue. The queue counts the attempts at a message
/// that stays on it: the receive count is the attempt.
pub struct Batch<'a, Q> {
    queue: &'a Q,
    name: QueueName,
    blocked: HashMap<String, Duration>,
    failures: Vec<BatchItemFailure>,
}

impl<'a, Q: Queue> Batch<'a, Q> {
    /// A batch of the queue `name`.
    pub fn new(queue: &'a Q, name: QueueName) -> Self {
        Self { queue, name, blocked: HashMap::new(), failures: Vec::new() }
    }

    /// Whether an earlier message of the delivery's group failed. If so, the delivery is requeued,
    /// or dead-lettered if it was the last one.
    pub async fn is_blocked(&mut self, delivery: &Delivery) -> bool {
        let Some(delay) = self.blocked.get(&delivery.group).copied() else { return false };
        if is_last(delivery) {
            let attempts = delivery.receive_count;
            let reason = format!("held up {attempts} times by failures before it; redrive it");
            self.dead_letter(delivery, reason).await;
        } else {
            self.requeue(delivery, delay).await;
        }
        true
    }

    /// Handles the result of a delivery.
    pub async fn settle(&mut self, delivery: &Delivery, result: Result<(), Failure>) {
        let Err(failure) = result else { return };
        let message_id = delivery.message_id.as_str();
        match failure.class {
            FailureClass::Retry | FailureClass::Wait { .. } if !is_last(delivery) => {
                let delay = redelivery_delay(delivery.receive_count);
                tracing::warn!(
                    %failure,
                    queue.message_id = message_id,
                    queue.receive_count = delivery.receive_count,
                    queue.delay_s = delay.as_secs(),
                    "message is requeued"
                );
                crate::telemetry::metrics::message_requeued();
                self.block(delivery, delay).await;
            }
            FailureClass::Retry | FailureClass::Wait { .. } => {
                let attempts = delivery.receive_count;
                self.dead_letter(delivery, format!("failed after {attempts} attempts: {failure}"))
                    .await;
            }
            FailureClass::DeadLetter => {
                self.dead_letter(delivery, failure.reason).await;
            }
        }
    }

    /// The response for the event source mapping.
    #[must_use]
    pub fn response(self) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = self.failures;
        response
    }

    async fn dead_letter(&mut self, delivery: &Delivery, reason: String) {
        if let Err(error) = delivery.dead_letter(self.queue, self.name, reason).await {
            tracing::error!(%error, "message could not be dead-lettered and is requeued");
            crate::telemetry::metrics::message_requeued();
            self.block(delivery, redelivery_delay(delivery.receive_count)).await;
        }
    }

    async fn block(&mut self, delivery: &Delivery, delay: Duration) {
        self.blocked.insert(delivery.group.clone(), delay);
        self.requeue(delivery, delay).await;
    }

    async fn requeue(&mut self, delivery: &Delivery, delay: Duration) {
        if let Err(error) = self.queue.requeue(self.name, &delivery.receipt, delay).await {
            tracing::warn!(%error, "message comes back when its visibility timeout ends");
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier.clone_from(&delivery.message_id);
        self.failures.push(failure);
    }
}

/// Whether the queue will not deliver the message again. If it is not stored now, it is
/// dead-lettered.
fn is_last(delivery: &Delivery) -> bool {
    delivery.receive_count >= MAX_ATTEMPTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::clock::Clock;
    use crate::messages::RetryState;
    use crate::ports::{NewDeadLetter, OutgoingMessage, QueueError, WaitingMessage};
    use std::cell::RefCell;
    use std::sync::Mutex;

    /// What happened to deliveries, in order. Refuses a dead letter with the reason `no room`.
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl Seen {
        fn say(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Queue for Seen {
        async fn send(&self, _: QueueName, _: Vec<OutgoingMessage>) -> Result<(), QueueError> {
            Ok(())
        }

        async fn let_wait(&self, _: WaitingMessage) -> Result<(), QueueError> {
            Ok(())
        }

        async fn dead_letter(
            &self,
            queue: QueueName,
            message: NewDeadLetter,
        ) -> Result<(), QueueError> {
            if message.reason == "no room" {
                return Err(QueueError::Unreachable { queue, reason: message.reason });
            }
            self.say(format!("{} dead: {}", message.message_id, message.reason));
            Ok(())
        }

        async fn requeue(
            &self,
            _: QueueName,
            receipt: &str,
            delay: Duration,
        ) -> Result<(), QueueError> {
            self.say(format!("{receipt} back after {} s", delay.as_secs()));
            Ok(())
        }
    }

    fn delivery(id: &str, receive_count: u32) -> Delivery {
        Delivery {
            message_id: id.to_owned(),
            receipt: id.to_owned(),
            group: "g".to_owned(),
            receive_count,
            body: String::new(),
            retry: RetryState::default(),
            trace: None,
        }
    }

    #[tokio::test]
    async fn a_message_behind_a_failure_is_requeued_or_dead_lettered_on_its_last_delivery() {
        let queue = Seen::default();
        let mut batch = Batch::new(&queue, QueueName::Metrics);
        batch.settle(&delivery("a", 3), Err(Failure::retry("down"))).await;
        assert!(batch.is_blocked(&delivery("b", 3)).await);
        assert!(batch.is_blocked(&delivery("c", MAX_ATTEMPTS)).await);
        let seen = queue.0.lock().unwrap().clone();
        assert_eq!(
            seen,
            [
                "a back after 120 s",
                "b back after 120 s",
                "c dead: held up 25 times by failures before it; redrive it",
            ]
        );
    }

    thread_local! {
        /// The lines of metrics that a test's own thread wrote.
        static COUNTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    #[tokio::test]
    async fn each_requeued_message_is_counted_also_one_that_could_not_be_dead_lettered() {
        crate::telemetry::metrics::init_to("test".to_owned(), "test", Clock::system(), |line| {
            COUNTED.with_borrow_mut(|counted| counted.push(line.to_owned()));
            Ok(())
        });
        let queue = Seen::default();
        let mut batch = Batch::new(&queue, QueueName::Scoring);
        let requeued = || {
            let is_one = |line: &&String| line.contains("\"MessagesGivenBack\":1");
            COUNTED.with_borrow(|counted| counted.iter().filter(is_one).count())
        };
        batch.settle(&delivery("a", 1), Err(Failure::retry("down"))).await;
        assert_eq!(requeued(), 1);
        batch.settle(&delivery("b", 1), Err(Failure::dead_letter("no room"))).await;
        assert_eq!(requeued(), 2);
        assert_eq!(batch.response().batch_item_failures.len(), 2);
    }
}
