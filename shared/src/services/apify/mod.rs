//! The client of Apify's API: an actor's runs, a run, its input and its dataset.
//!
//! External rules: Apify's REST API v2, sections on runs, datasets and errors.

mod client;
mod dataset;
mod error;
mod run;

pub use client::Apify;
pub use dataset::{DatasetEnd, MAX_ITEMS, MOST_DAMAGED};
pub use error::ApifyError;
pub use run::{ActorRuns, ApifyRun, UnreadRun};
