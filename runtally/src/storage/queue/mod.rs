//! The queues of one machine on SQLite: FIFO, with visibility, deduplication and dead letters as in
//! SQS. Nothing here knows the content of a message or who handles it.

mod dead_letters;
mod lanes;
mod port;
mod receive;
mod sqlite;
mod waiting;

pub use lanes::LaneState;
pub use receive::Received;
pub use sqlite::{Depth, QueueSettings, SqliteQueue};
pub use waiting::WaitingTask;
