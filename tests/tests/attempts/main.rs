//! What scoring does with a task, on paused time, with services and queues that each test defines.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod endless;
mod paid_calls;
mod planning;
mod script;
mod stage;
mod waves;
