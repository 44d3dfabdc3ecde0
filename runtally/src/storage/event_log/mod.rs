//! The event log of one machine, on SQLite.
//! It stores and returns events and projections as text.
//! Nothing here folds an event or knows what it means.

mod operator;
mod sqlite;

pub use sqlite::SqliteEventLog;
