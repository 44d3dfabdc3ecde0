//! What two or more of the functions need: identities, messages, tokens, the fold, Airtable, the
//! three seams, configuration and telemetry.
//!
//! Arrows point inward: functions → adapters → seams → the pure modules. Without features this
//! crate holds no SDK and no HTTP client; `http` and `aws` add the adapters.

pub mod adapters;
pub mod airtable;
pub mod apify;
pub mod batch;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod digest;
pub mod failure;
pub mod fold;
pub mod ids;
pub mod json;
pub mod linkedin;
pub mod messages;
pub mod metrics_emf;
pub mod prices;
pub mod run_records;
pub mod schema;
pub mod seams;
pub mod telemetry;
pub mod tokens;
