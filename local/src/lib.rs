//! The whole system on one machine: the runtally command.

pub mod dispatcher;
pub mod event_log;
pub mod queue;
pub mod simulator_store;
pub mod store;
