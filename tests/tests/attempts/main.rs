//! What scoring does with a task, on paused time, over services and queues that a test makes.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod endless;
mod paid_calls;
mod planning;
mod script;
mod stage;
mod waves;
