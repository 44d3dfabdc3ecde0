//! The only traits over I/O. Each has one adapter for AWS or the internet, and one for a single
//! machine or a test. Time comes from tokio, so that a test can pause it.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

mod env;
mod event_log;
pub(crate) mod limits;
mod queue;
mod transport;

pub use env::Env;
pub use event_log::{
    EventLog, HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent, readable,
};
pub use limits::{check_events, check_messages, check_waiting};
pub use queue::{
    DeadLetter, NewDeadLetter, NoSuchQueue, OutgoingMessage, Queue, QueueError, QueueName,
    QueueState, WaitingMessage,
};
pub use transport::{HttpRequest, HttpResponse, Transport, TransportError};
