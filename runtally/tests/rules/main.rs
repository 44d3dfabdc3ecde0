//! The rules of SQS and of Lambda's event source mapping, on the adapters for one machine.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod dispatcher;
mod queue;
mod support;
