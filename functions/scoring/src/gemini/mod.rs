//! The client of Gemini's `generateContent`, with an API key or on Vertex AI. Each call returns its
//! bill and its reply. A blocked, cut-off or useless answer is billed like any other. This module
//! knows no leads, posts or rubrics: a prompt is only text here.

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
