//! The client of Gemini's `generateContent`, by API key or on Vertex AI: one call in, its bill and
//! its reply out. A blocked, cut-off or senseless answer is billed like any other.
//! Leads, posts and rubrics may not enter: here a prompt is only text.

mod answer;
mod client;
mod endpoint;
mod model;
mod probe;
mod refusal;
mod reply;
mod settings;
mod tier;
mod vertex;

pub use endpoint::ModelEndpoint;
pub use model::ThinkingLevel;
pub use probe::{ModelProblem, probe_model};
pub use settings::{DEFAULT_MODEL, ModelSettings};
pub use tier::TierChoice;

pub(crate) use client::{Gemini, Prompt};
pub(crate) use reply::{Call, Reply};
pub(crate) use tier::{Round, Service};

#[cfg(test)]
mod tests;
