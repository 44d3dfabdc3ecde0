//! The queues of one machine: FIFO, with visibility, deduplication and dead letters as SQS has
//! them, on SQLite.
//! Nothing here knows what a message says or who handles it.

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
