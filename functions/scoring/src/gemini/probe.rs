//! Whether the model would answer: a call that is not billed.

use super::refusal::read_refusal;
use super::reply::Reply;
use super::settings::ModelSettings;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use shared::core::clock::Clock;
use shared::messages::ErrorCategory;
use shared::ports::Transport;
use std::time::Duration;

/// Counting tokens is quick: a slower answer counts as none.
const TIMEOUT: Duration = Duration::from_secs(6);

/// Why the model would not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", category.as_str())]
pub struct ModelProblem {
    /// What kind of problem it is, as on the record of a lead that could not be scored.
    pub category: ErrorCategory,
    pub(crate) detail: String,
}

/// Has the configured model count the tokens of a word. That needs the same key, model and route as
/// scoring, and costs nothing.
///
/// # Errors
/// [`ModelProblem`] as scoring would meet it.
pub async fn probe_model(
    model: &ModelSettings,
    transport: impl Transport,
) -> Result<(), ModelProblem> {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "word"}]}]}).to_string();
    let (now, method) = (Clock::system().now(), (model.id.as_str(), "countTokens"));
    let request = model.endpoint.request(&transport, now, method, Bytes::from(body)).await;
    match transport.send(request.map_err(problem)?, TIMEOUT).await {
        Ok(response) if response.status() == StatusCode::OK => Ok(()),
        Ok(response) => Err(problem(read_refusal(response.status(), response.body()))),
        Err(error) => {
            Err(ModelProblem { category: ErrorCategory::Timeout, detail: error.to_string() })
        }
    }
}

fn problem(reply: Reply) -> ModelProblem {
    match reply {
        Reply::Unusable { category, detail } | Reply::TryLater { category, detail, .. } => {
            ModelProblem { category, detail }
        }
        Reply::Text(_) => ModelProblem {
            category: ErrorCategory::Unknown,
            detail: "the answer cannot be read".to_owned(),
        },
    }
}
