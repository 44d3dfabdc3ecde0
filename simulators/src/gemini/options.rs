//! How a simulated Gemini behaves.

use super::ServiceAccount;
use std::time::Duration;

/// The settings of a [`Gemini`](super::Gemini).
#[derive(Debug, Clone)]
pub struct GeminiOptions {
    /// The API keys it accepts on the Developer API.
    pub api_keys: Vec<String>,
    /// The service account that may ask for tokens; without it nobody passes on Vertex.
    pub service_account: Option<ServiceAccount>,
    /// The models it serves.
    pub models: Vec<String>,
    /// Whether calls may ask for the flex tier; it is not documented for every model and API.
    pub offers_flex: bool,
    /// How long every answer takes. The work is done, and billed, before the wait.
    pub latency: Duration,
    /// The fewest tokens of a prompt whose system text is cached when it comes again; without it
    /// what is documented for the model.
    pub cache_min_tokens: Option<u64>,
    /// What `RetryInfo` of an injected 429 says.
    pub retry_delay: String,
    /// What `QuotaFailure` of an injected 429 says. `PerDay` in it means: not again today.
    pub quota_id: String,
    /// Whether errors on Vertex come wrapped in an array of one, as seen on some of its paths.
    pub vertex_wraps_errors: bool,
    /// What response ids and tokens are drawn from.
    pub seed: u64,
}

impl Default for GeminiOptions {
    /// The documented models, no latency, and neither key nor account.
    fn default() -> Self {
        Self {
            api_keys: Vec::new(),
            service_account: None,
            models: MODELS.map(str::to_owned).to_vec(),
            offers_flex: true,
            latency: Duration::ZERO,
            cache_min_tokens: None,
            retry_delay: "2s".to_owned(),
            quota_id: "GenerateRequestsPerMinutePerProjectPerModel".to_owned(),
            vertex_wraps_errors: true,
            seed: 0,
        }
    }
}

/// The models of the price table.
const MODELS: [&str; 11] = [
    "gemini-3.5-flash-lite",
    "gemini-3.5-flash",
    "gemini-3.6-flash",
    "gemini-3.7-flash",
    "gemini-3.8-flash",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-4-argon",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash-lite",
];
