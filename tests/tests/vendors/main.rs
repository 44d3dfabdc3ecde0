//! Rules from the vendors' documentation, each tested on the simulator.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod airtable;
mod apify;
mod apify_writes;
mod common;
mod gemini;
mod vertex;
mod webhooks;
