//! Google's errors: `{"error":{"code":…,"message":…,"status":…,"details":[…]}}`.

use super::terms::Surface;
use crate::{Response, json_reply};
use http::StatusCode;
use serde_json::{Value, json};

/// The quota in an injected 429.
const QUOTA_ID: &str = "GenerateRequestsPerMinutePerProjectPerModel";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("{0}")]
    InvalidArgument(String),
    #[error("API key not valid. Please pass a valid API key.")]
    InvalidKey,
    #[error("Method doesn't allow unregistered callers. Please use API Key.")]
    NoKey,
    #[error("Request had invalid authentication credentials. Expected OAuth 2 access token.")]
    Unauthenticated,
    #[error("CachedContent not found (or permission denied)")]
    NoSuchCache,
    #[error("models/{0} is not found, or is not supported for this method.")]
    NoSuchModel(String),
    #[error("Requested entity was not found.")]
    NoSuchPath,
    #[error("Resource has been exhausted (e.g. check quota).")]
    Quota { model: String },
    #[error("Your prepayment credits are depleted. Please go to AI Studio to manage your billing.")]
    NoCredit,
    #[error("An internal error has occurred. Please retry.")]
    Internal,
    #[error("The model is overloaded due to high demand. Please try again later.")]
    Unavailable,
}

impl ApiError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidArgument(_) | Self::InvalidKey => {
                (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT")
            }
            Self::NoKey | Self::NoSuchCache => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::NoSuchModel(_) | Self::NoSuchPath => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::NoCredit => (StatusCode::PAYMENT_REQUIRED, "RESOURCE_EXHAUSTED"),
            Self::Quota { .. } => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        }
    }

    /// The answer to the caller. With `is_listed` it is in an array, as observed on some paths.
    pub(super) fn response(&self, surface: Surface, is_listed: bool) -> Response {
        let (code, status) = self.code();
        let mut error =
            json!({"code": code.as_u16(), "message": self.to_string(), "status": status});
        if let Some(details) = self.details(surface) {
            error["details"] = details;
        }
        let body = json!({"error": error});
        if is_listed { json_reply(code, &[body]) } else { json_reply(code, &body) }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "few errors have details")]
    fn details(&self, surface: Surface) -> Option<Value> {
        match self {
            Self::InvalidKey => Some(json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }])),
            // On Vertex AI, a 429 without details means that shared capacity is used up.
            Self::Quota { model } if surface == Surface::Studio => Some(json!([
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{
                    "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
                    "quotaId": QUOTA_ID,
                    "quotaDimensions": {"location": "global", "model": model},
                    "quotaValue": "20",
                }]},
                {"@type": "type.googleapis.com/google.rpc.Help", "links": [{
                    "description": "Learn more about Gemini API quotas",
                    "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
                }]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo",
                 "retryDelay": "2s"},
            ])),
            _ => None,
        }
    }
}
