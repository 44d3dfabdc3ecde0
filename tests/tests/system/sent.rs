//! A queue for intake, which only sends.

use shared::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Remembers what was sent. Each message takes this long.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    pub(crate) messages: Arc<Mutex<Vec<OutgoingMessage>>>,
    pub(crate) each: Duration,
}

impl Queue for Sent {
    async fn send(&self, _: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        tokio::time::sleep(self.each).await;
        self.messages.lock().unwrap().extend(messages);
        Ok(())
    }

    async fn let_wait(&self, _: WaitingMessage) -> Result<(), QueueError> {
        panic!("intake lets nothing wait")
    }

    async fn dead_letter(&self, _: QueueName, _: NewDeadLetter) -> Result<(), QueueError> {
        panic!("intake dead-letters nothing")
    }

    async fn requeue(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        panic!("intake requeues nothing")
    }
}
