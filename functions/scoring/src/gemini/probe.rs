//! Whether the model would answer: a call that is not billed.

use super::{Endpoint, Reply, refusal};
use crate::Config;
use bytes::Bytes;
use http::{StatusCode, header};
use secrecy::ExposeSecret;
use serde_json::json;
use shared::core::clock::Clock;
use shared::messages::ErrorCategory;
use shared::ports::{HttpRequest, Transport};
use std::time::Duration;

/// No answer within this counts as none: counting is quick.
const TIMEOUT: Duration = Duration::from_secs(6);

/// Why the model would not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", category.as_str())]
pub struct ModelProblem {
    /// What kind of problem it is, as on the record of a lead that could not be scored.
    pub category: ErrorCategory,
    /// What exactly.
    pub detail: String,
}

/// Has the configured model count the tokens of a word: that needs the same key, the same model
/// and the same way there as scoring, and costs nothing.
///
/// # Errors
/// [`ModelProblem`] as scoring would meet it.
pub async fn probe_model(config: &Config, transport: impl Transport) -> Result<(), ModelProblem> {
    let endpoint = config.model_endpoint.connect();
    let answer = match request(&endpoint, &config.model, &transport).await {
        Ok(request) => transport.send(request, TIMEOUT).await,
        Err(reply) => return Err(problem(reply)),
    };
    match answer {
        Ok(response) if response.status() == StatusCode::OK => Ok(()),
        Ok(response) => Err(problem(refusal::read(response.status(), response.body()))),
        Err(error) => {
            Err(ModelProblem { category: ErrorCategory::Timeout, detail: error.to_string() })
        }
    }
}

async fn request(
    endpoint: &Endpoint,
    model: &str,
    transport: &impl Transport,
) -> Result<HttpRequest, Reply> {
    let (url, header_name, secret) = match endpoint {
        Endpoint::Developer { url, key } => {
            let path = format!("v1beta/models/{model}:countTokens");
            (url.join(&path), "x-goog-api-key", key.expose_secret().to_owned())
        }
        Endpoint::Vertex { url, auth } => {
            let token = auth.token(transport, Clock::system().now()).await?;
            let path = format!("./models/{model}:countTokens");
            (url.join(&path), "authorization", format!("Bearer {token}"))
        }
    };
    let url = url.expect("configuration checked the model's name");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "word"}]}]});
    Ok(http::Request::post(url.as_str())
        .header(header_name, secret)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("configuration checked that the secret is a header value"))
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
