//! Everything that is stored on one machine, in one SQLite file: queues, event log, simulator
//! state. Each part implements a port of `shared` or of `simulators` with plain SQL. Rules of
//! scoring or of run records do not belong here.

mod data_folder;
mod database;
mod event_log;
mod queue;
mod recent;
mod simulator_store;

pub(crate) use data_folder::{DataFolder, private_file};
pub use database::{Database, StoreError};
pub(crate) use event_log::RunNews;
pub use event_log::{RunHead, SqliteEventLog};
pub use queue::{Depth, LaneState, QueueSettings, Received, SqliteQueue, WaitingTask};
pub(crate) use simulator_store::SimulatorStore;
