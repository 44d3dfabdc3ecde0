//! Code that two or more functions need: identities, messages, tokens, the fold, Airtable, the
//! three ports, configuration and telemetry.
//!
//! Dependencies point inward: functions → adapters → ports → the pure modules. Without features
//! this crate contains no SDK and no HTTP client; `http` and `aws` add the adapters.

pub mod adapters;
pub mod batch;
pub mod config;
pub mod core;
pub mod delivery;
pub mod fold;
pub mod messages;
pub mod ports;
pub mod run_records;
pub mod schema;
pub mod services;
pub mod tasks;
pub mod telemetry;
