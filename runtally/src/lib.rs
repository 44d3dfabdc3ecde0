//! The whole system on one machine: the same three functions over the same three ports, on one
//! SQLite file, and the `runtally` command.

pub mod commands;
pub mod deployment;
pub mod dispatcher;
pub mod event_log;
mod gaps;
pub mod invented;
pub mod queue;
mod served;
pub mod services;
pub mod simulator_store;
pub mod store;
pub mod system;
mod webhook_server;
