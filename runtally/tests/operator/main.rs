//! The operator's commands as processes, against a running system and simulated services.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod demo;
mod doctor;
mod ingest;
mod output;
mod page;
mod runs;
mod score;
mod serve;
mod setup;
mod trigger;
mod watch;
mod webhook_server;
mod world;
