//! The settings of a simulated Apify.

use std::time::Duration;

/// The settings of an [`Apify`](super::Apify).
#[derive(Debug, Clone, Default)]
pub struct ApifyOptions {
    /// The accepted API tokens.
    pub tokens: Vec<String>,
    /// How long every answer takes.
    pub latency: Duration,
    /// The seed for ids: the same seed gives the same ids.
    pub seed: u64,
}
