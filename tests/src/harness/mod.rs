//! Starts and queries the whole system in tests: the real functions and clients against the
//! simulated services, over real sockets. Expectations about the result of a run do not belong
//! here, but in the tests.

pub mod bases;
mod pipeline;
mod posts;
mod services;

pub use bases::{CLIENT, CLIENT_BASE, MASTER_BASE, furnish, lead_row};
pub use pipeline::{HANGS_AFTER, Harvest, Pipeline, WEBHOOK_TOKEN};
pub use posts::{post, profile, profile_of, wordless};
pub use services::told;
