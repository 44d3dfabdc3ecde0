//! The adapters of a process that calls the services over HTTP and stores everything in SQLite.

use crate::storage::{SqliteEventLog, SqliteQueue};
use shared::adapters::http::HttpTransport;
use shared::ports::Env;

pub(super) struct OneMachine;

impl Env for OneMachine {
    type Transport = HttpTransport;
    type Queue = SqliteQueue;
    type EventLog = SqliteEventLog;
}
