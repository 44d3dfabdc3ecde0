//! Why a request is refused, and what its sender is told.

use lambda_http::http::{Method, StatusCode};
use serde_json::{Value, json};

/// A request that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is at this path.
    #[error("nothing is at {path}; post to /webhooks/apify or /runs")]
    NotFound {
        /// The path.
        path: String,
    },
    /// Only POST.
    #[error("{method} is not allowed here; use POST")]
    MethodNotAllowed {
        /// The method.
        method: Method,
    },
    /// No token, or none of the configured ones.
    #[error("a header `Authorization: Bearer <token>` with the webhook's token is needed")]
    Unauthorized,
    /// The body is longer than 1 MiB.
    #[error("the body has {bytes} bytes; at most 1048576 are taken")]
    BodyTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The body is not JSON.
    #[error("the body is not a JSON object (line {line}, column {column})")]
    NotJson {
        /// Line of the body.
        line: usize,
        /// Column of the line.
        column: usize,
    },
    /// The webhook names no run.
    #[error(
        "the body names no Apify run: `resource.id`, `eventData.actorRunId`, `runId` or `id` is needed"
    )]
    NoRunId,
    /// A field of `POST /runs` breaks a rule.
    #[error("`{field}` {rule}")]
    InvalidField {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: String,
    },
    /// The queue does not take the message: post again later.
    #[error("the work could not be queued; post it again later")]
    QueueUnreachable {
        /// What the queue's client said. For logs only.
        reason: String,
    },
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson { .. } | Self::NoRunId | Self::InvalidField { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::QueueUnreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body: `{"error":{"type","message"}}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let error_type = match self {
            Self::NotFound { .. } => "NOT_FOUND",
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::BodyTooLarge { .. } => "BODY_TOO_LARGE",
            Self::NotJson { .. } => "NOT_JSON",
            Self::NoRunId => "NO_RUN_ID",
            Self::InvalidField { .. } => "INVALID_FIELD",
            Self::QueueUnreachable { .. } => "QUEUE_UNREACHABLE",
        };
        json!({"error": {"type": error_type, "message": self.to_string()}})
    }
}
