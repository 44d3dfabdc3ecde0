//! Why a request is refused, and what its sender is answered.

use lambda_http::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Largest body that is read, in bytes.
pub(crate) const MAX_BODY: usize = 1_048_576;

/// Why a request is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("nothing is at {path}; post to /webhooks/apify or /runs")]
    NotFound { path: String },
    #[error("{method} is not allowed here; use POST")]
    MethodNotAllowed { method: Method },
    /// No token, or none of the configured ones.
    #[error("a header `Authorization: Bearer <token>` with the webhook's token is needed")]
    Unauthorized,
    #[error("the body has {bytes} bytes; at most {MAX_BODY} are taken")]
    BodyTooLarge { bytes: usize },
    #[error("the body is not a JSON object (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    /// The webhook names no run.
    #[error(
        "the body names no Apify run: `resource.id`, `eventData.actorRunId`, `runId` or `id` is needed"
    )]
    NoRunId,
    /// A field of `POST /runs` breaks a rule.
    #[error("`{field}` {rule}")]
    InvalidField { field: &'static str, rule: String },
    /// The queue did not take the message. `reason` is for logs only.
    #[error("the work could not be queued; post it again later")]
    QueueUnreachable { reason: String },
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        self.status_and_type().0
    }

    /// The body: `{"error":{"type","message"}}`.
    pub(crate) fn body(&self) -> Value {
        json!({"error": {"type": self.status_and_type().1, "message": self.to_string()}})
    }

    fn status_and_type(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE"),
            Self::NotJson { .. } => (StatusCode::BAD_REQUEST, "NOT_JSON"),
            Self::NoRunId => (StatusCode::BAD_REQUEST, "NO_RUN_ID"),
            Self::InvalidField { .. } => (StatusCode::BAD_REQUEST, "INVALID_FIELD"),
            Self::QueueUnreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "QUEUE_UNREACHABLE"),
        }
    }
}
