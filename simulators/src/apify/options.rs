//! How a simulated Apify behaves.

use std::time::Duration;

/// The settings of an [`Apify`](super::Apify).
#[derive(Debug, Clone, Default)]
pub struct ApifyOptions {
    /// The API tokens it accepts.
    pub tokens: Vec<String>,
    /// How long every answer takes.
    pub latency: Duration,
    /// What ids are drawn from: the same seed gives the same ids.
    pub seed: u64,
}
