//! The rules of SQS, of Lambda's event source mapping and of the event log, one test each, on
//! the adapters for one machine.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod dispatcher;
mod event_log;
mod queue;
mod support;
