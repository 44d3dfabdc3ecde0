//! The queues between the functions.

use crate::core::digest::id_of;
use crate::core::failure::{Failure, LONGEST_DELAY};
use crate::core::limits::hidden_for;
use jiff::Timestamp;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

/// The queues, by what they carry. Each has a dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Plans and chunks, for the scoring function.
    Scoring,
    /// Events of runs, for the metrics finalizer.
    Metrics,
    /// What waits for its next attempt. The only queue without groups: each message waits for a
    /// time of its own and holds up no other.
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

    /// Whether it keeps the order of a group.
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

/// A text is not the name of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such queue")]
pub struct NoSuchQueue;

/// A message to be sent. Only [`crate::messages::routes`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub(crate) group: String,
    pub(crate) deduplication: String,
    pub(crate) body: String,
    /// The client whose plan it is, if it is one.
    pub(crate) client: Option<String>,
}

impl OutgoingMessage {
    pub(crate) fn new(group: String, deduplication: String, body: String) -> Self {
        Self { group, deduplication, body, client: None }
    }

    /// The same as the work of one client.
    pub(crate) fn of_client(self, client: &str) -> Self {
        Self { client: Some(client.to_owned()), ..self }
    }

    /// The message group: messages of one group are handled one after the other. At most 128
    /// plain ASCII characters (SQS).
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The group where one process does all the work: each client's plans have their own. On AWS,
    /// clients share groups, because each process takes a part of the master base's request limit.
    pub fn group_of_one_process(&self) -> String {
        match &self.client {
            Some(client) => format!("{}:{}", self.group, id_of(&[client])),
            None => self.group.clone(),
        }
    }

    /// Within five minutes the queue drops a second message with this id. Same form as the group.
    pub fn deduplication(&self) -> &str {
        &self.deduplication
    }

    /// JSON, at most 1 MiB.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// A message that is to wait on the retry queue. Only [`crate::messages::routes`] makes one: its
/// envelope names the group that it goes to afterwards.
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

    /// How long it waits: whole seconds, rounded up, at most
    /// [`LONGEST_DELAY`].
    pub fn delay(&self) -> Duration {
        hidden_for(self.delay).min(LONGEST_DELAY)
    }
}

/// A message that can never be handled, with the reason an operator reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    pub group: String,
    /// The id it had on the queue; dead-lettering it twice keeps one.
    pub message_id: String,
    pub body: String,
    /// Why it can never be handled and what to do, in one sentence.
    pub reason: String,
}

/// A message on a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// On SQLite the id it had on its queue; on SQS its id on the dead-letter queue.
    pub message_id: String,
    pub group: String,
    pub body: String,
    /// Why it could not be handled.
    pub reason: String,
    /// When it was sent: to the dead-letter queue, or to its queue when SQS moved it.
    pub died_at: Timestamp,
}

/// How full a queue is. SQS counts with a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Whether it keeps the order of a group, which the FIFO queues have to.
    pub is_fifo: bool,
    /// Messages on it, in flight or not.
    pub messages: u64,
    pub dead: u64,
}

/// What the functions do with the queues. Receiving and deleting is the event source mapping's.
pub trait Queue: Send + Sync + 'static {
    /// Puts `messages` on the queue, in order within each group. Returns only when the queue has
    /// all of them.
    ///
    /// # Errors
    /// Any number of them may be on the queue already when this fails: send all again, the
    /// receivers take a message twice.
    fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Lets a message wait on the retry queue. Scoring then sends it to its group.
    ///
    /// # Errors
    /// The message may wait or not: what it came from must stay on its queue.
    fn let_wait(
        &self,
        message: WaitingMessage,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts a message on the dead-letter queue of `queue`, with its reason.
    ///
    /// # Errors
    /// The message may be on the dead-letter queue or not; it must stay on its own.
    fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Hides the received message that `receipt` stands for until `delay` from now.
    ///
    /// # Errors
    /// The message then comes back when its visibility timeout ends: later, but not lost.
    fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Why the queue did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue did not answer or is not up; the same call may work later.
    #[error("the {queue} queue is not reachable: {reason}", queue = queue.as_str())]
    Unreachable { queue: QueueName, reason: String },
    /// The queue refuses this message whenever it comes.
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
