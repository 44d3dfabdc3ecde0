//! Rules of Airtable's API, each shown on the simulator.

#![expect(clippy::unwrap_used, reason = "a broken helper should fail its test")]

mod access;
mod control;
mod limits;
mod listing;
mod meta;
mod pages;
mod persistence;
mod size;
mod upserts;
mod world;
mod writing;
