//! How a simulated Apify behaves.

use std::time::Duration;

/// The settings of an [`Apify`](super::Apify).
#[derive(Debug, Clone)]
pub struct ApifyOptions {
    /// The API tokens it accepts.
    pub tokens: Vec<String>,
    /// How long every answer takes.
    pub latency: Duration,
    /// For how long after a run's end its dataset reports too few items. The items themselves
    /// are all there; only `itemCount` and `X-Apify-Pagination-Total` lag.
    pub count_lag: Duration,
    /// For how long after a run's end its cost is preliminary.
    pub preliminary_for: Duration,
    /// The wait before the first retry of a webhook; every further one doubles it.
    pub retry_first: Duration,
    /// How long a webhook's receiver may take to answer.
    pub webhook_timeout: Duration,
    /// How many requests a second one resource takes.
    pub requests_per_second: u32,
    /// How many requests a second one key-value store takes.
    pub records_per_second: u32,
    /// What ids are drawn from: the same seed gives the same ids.
    pub seed: u64,
}

impl Default for ApifyOptions {
    /// The documented figures, no latency, and no token at all.
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            latency: Duration::ZERO,
            count_lag: Duration::from_secs(5),
            preliminary_for: Duration::from_secs(10),
            retry_first: Duration::from_secs(60),
            webhook_timeout: Duration::from_secs(30),
            requests_per_second: 60,
            records_per_second: 200,
            seed: 0,
        }
    }
}
