//! The whole system as a test starts and questions it: the real functions and clients against the
//! simulated services, over real sockets. Nothing here asserts what a run must come to; that is
//! said in the tests.

pub mod bases;
mod pipeline;
mod posts;
mod services;

pub use bases::{CLIENT, CLIENT_BASE, MASTER_BASE, furnish, lead_row};
pub use pipeline::{HANGS_AFTER, Harvest, Pipeline, WEBHOOK_TOKEN};
pub use posts::{post, profile, profile_of, wordless};
pub use services::told;
