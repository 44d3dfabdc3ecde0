//! The whole system in stories: what goes in, what goes wrong, and what the run record says at the
//! end.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![expect(clippy::print_stdout, reason = "the conformance suites print each promise they check")]

mod adversity;
mod airtable;
mod apify;
mod conformance;
mod counted_log;
mod days;
mod emulator;
mod events;
mod fake_gemini;
mod fixtures;
mod formula;
mod gemini;
mod healing;
mod hostile;
mod intake;
mod lanes;
mod mishaps;
mod money;
mod outage;
mod paused;
mod pipeline;
mod retry;
mod running;
mod sent;
mod side_by_side;
mod soak;
mod stuck_task;
mod vertex;
mod waiting;
