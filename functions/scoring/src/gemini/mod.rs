//! The client of Gemini's `generateContent`, by API key or on Vertex AI: one call in, its bill and
//! its reply out. A blocked, cut-off or senseless answer is billed like any other.
//! Leads, posts and rubrics may not enter: here a prompt is only text.

mod answer;
mod client;
mod endpoint;
pub(crate) mod lenient;
mod model;
mod pace;
mod probe;
mod refusal;
mod reply;
mod settings;
mod state;
mod tier;
mod usage;
mod vertex;

pub use probe::{ModelProblem, probe_model};
pub use settings::ModelSettings;

pub(crate) use client::{Gemini, Prompt};
pub(crate) use reply::{Call, Finish, Reply};
pub(crate) use tier::{Round, Service};

#[cfg(test)]
pub(crate) use {
    endpoint::ModelEndpoint, model::ThinkingLevel, settings::DEFAULT_MODEL, tier::TierChoice,
};

#[cfg(test)]
mod tests;
