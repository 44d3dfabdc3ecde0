//! Whole-system tests: the real functions and clients against the simulated services, over real
//! sockets. This library is what the tests are told in.

mod bases;
pub mod conformance;
mod pipeline;
mod posts;
pub mod simulation;

pub use bases::{CLIENT, CLIENT_BASE, MASTER_BASE, furnish, lead_row};
pub use pipeline::{Harvest, Pipeline, WEBHOOK_TOKEN, told};
pub use posts::{post, profile, profile_of, wordless};
