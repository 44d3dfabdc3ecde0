//! The queues between the functions.

use crate::core::digest::id_of;
use crate::core::failure::{Failure, LONGEST_DELAY};
use crate::core::limits::hidden_for;
use jiff::Timestamp;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

/// The queues, by content. Each has a dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Plans and chunks, for the scoring function.
    Scoring,
    /// Events of runs, for the metrics finalizer.
    Metrics,
    /// Tasks that wait for their next attempt. The only queue without groups: each message has its
    /// own waiting time and blocks no other.
    Retry,
}

impl QueueName {
    pub const ALL: [Self; 3] = [Self::Scoring, Self::Metrics, Self::Retry];

    /// The name in logs and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scoring => "scoring",
            Self::Metrics => "metrics",
            Self::Retry => "retry",
        }
    }

    /// Whether the queue keeps the order within a group.
    pub fn is_fifo(self) -> bool {
        self != Self::Retry
    }
}

impl FromStr for QueueName {
    type Err = NoSuchQueue;

    fn from_str(name: &str) -> Result<Self, NoSuchQueue> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == name).ok_or(NoSuchQueue)
    }
}

/// A string is not the name of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such queue")]
pub struct NoSuchQueue;

/// A message to be sent. Only [`crate::messages::routes`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub(crate) group: String,
    pub(crate) deduplication: String,
    pub(crate) body: String,
    /// The client, if the message is a plan.
    pub(crate) client: Option<String>,
}

impl OutgoingMessage {
    pub(crate) fn new(group: String, deduplication: String, body: String) -> Self {
        Self { group, deduplication, body, client: None }
    }

    /// The same message, marked as the work of one client.
    pub(crate) fn of_client(self, client: &str) -> Self {
        Self { client: Some(client.to_owned()), ..self }
    }

    /// The message group. Messages of one group are handled one after another. At most 128 plain
    /// ASCII characters (SQS).
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The group if a single process does all the work: then each client's plans have their own
    /// group. On AWS, clients share groups, because each process takes a part of the master base's
    /// request limit.
    pub fn group_of_one_process(&self) -> String {
        match &self.client {
            Some(client) => format!("{}:{}", self.group, id_of(&[client])),
            None => self.group.clone(),
        }
    }

    /// For five minutes the queue drops other messages with this id. Same format as the group.
    pub fn deduplication(&self) -> &str {
        &self.deduplication
    }

    /// JSON, at most 1 MiB.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// A message for the retry queue. Only [`crate::messages::routes`] makes one: its envelope names
/// the group to which it goes after the wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessage {
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl WaitingMessage {
    pub(crate) fn new(body: String, delay: Duration) -> Self {
        Self { body, delay }
    }

    /// JSON, at most 1 MiB.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// How long it waits: whole seconds, rounded up, at most [`LONGEST_DELAY`].
    pub fn delay(&self) -> Duration {
        hidden_for(self.delay).min(LONGEST_DELAY)
    }
}

/// A message that can never be handled, with the reason for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    pub group: String,
    /// The message's id on its queue. Dead-lettering it twice keeps one copy.
    pub message_id: String,
    pub body: String,
    /// Why it can never be handled and what to do, in one sentence.
    pub reason: String,
}

/// A message on a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// On SQLite, the id on its original queue. On SQS, the id on the dead-letter queue.
    pub message_id: String,
    pub group: String,
    pub body: String,
    /// Why it could not be handled.
    pub reason: String,
    /// When it was sent to the dead-letter queue, or to its original queue if SQS moved it.
    pub died_at: Timestamp,
}

/// How full a queue is. The counts of SQS lag behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Whether it keeps the order within a group, as the FIFO queues must.
    pub is_fifo: bool,
    /// Messages on it, in flight or not.
    pub messages: u64,
    pub dead: u64,
}

/// What the functions do with the queues. The event source mapping receives and deletes messages.
pub trait Queue: Send + Sync + 'static {
    /// Puts `messages` on the queue, in order within each group. Returns once the queue has all of
    /// them.
    ///
    /// # Errors
    /// Some of them may be on the queue after an error. Send all of them again: receivers accept
    /// duplicates.
    fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts a message on the retry queue, where it waits. Scoring then sends it to its group.
    ///
    /// # Errors
    /// It is unknown whether the message waits, so the original message must stay on its queue.
    fn let_wait(
        &self,
        message: WaitingMessage,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts a message on the dead-letter queue of `queue`, with its reason.
    ///
    /// # Errors
    /// It is unknown whether the message is on the dead-letter queue, so it must stay on its own
    /// queue.
    fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Hides the received message with this `receipt` for `delay` from now.
    ///
    /// # Errors
    /// The message then returns when its visibility timeout ends: later, but it is not lost.
    fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Why the queue did not accept a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue did not answer or is not running. The same call may work later.
    #[error("the {queue} queue is not reachable: {reason}", queue = queue.as_str())]
    Unreachable { queue: QueueName, reason: String },
    /// The queue will always refuse this message.
    #[error("the {queue} queue refuses a message: {reason}", queue = queue.as_str())]
    Refused { queue: QueueName, reason: String },
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match &error {
            QueueError::Unreachable { .. } => Self::retry(error),
            QueueError::Refused { .. } => Self::dead_letter(error),
        }
    }
}
