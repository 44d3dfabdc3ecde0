//! The settings of a simulated Gemini.

use super::account::ServiceAccount;
use std::time::Duration;

/// The settings of a [`Gemini`](super::Gemini).
#[derive(Debug, Clone)]
pub struct GeminiOptions {
    /// The accepted API keys of the Developer API.
    pub api_keys: Vec<String>,
    /// The service account that can get tokens. Without it, all calls on Vertex AI are refused.
    pub service_account: Option<ServiceAccount>,
    /// The models it serves.
    pub models: Vec<String>,
    /// Whether calls may request the flex tier, which is not documented for every model and API.
    pub offers_flex: bool,
    /// How long every answer takes. The work is done and billed before the wait.
    pub latency: Duration,
    /// The seed for response ids and tokens.
    pub seed: u64,
}

impl Default for GeminiOptions {
    /// The documented models, no latency, no key and no account.
    fn default() -> Self {
        Self {
            api_keys: Vec::new(),
            service_account: None,
            models: MODELS.map(str::to_owned).to_vec(),
            offers_flex: true,
            latency: Duration::ZERO,
            seed: 0,
        }
    }
}

/// The models of the price table.
const MODELS: [&str; 14] = [
    "gemini-3.5-flash-lite",
    "gemini-3.5-flash",
    "gemini-3.6-flash",
    "gemini-3.7-flash",
    "gemini-3.8-flash",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-4-argon",
    "gemini-4-carbon",
    "gemini-4-hydrogen",
    "gemini-4-neon",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash-lite",
];
