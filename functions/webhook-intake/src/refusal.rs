//! Why a request is refused, and what the sender is told.

use lambda_http::http::header::{ALLOW, HeaderName, WWW_AUTHENTICATE};
use lambda_http::http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::core::text::bounded;

/// Largest body that is read, in bytes.
pub const MAX_BODY: usize = 1_048_576;
/// Most characters of a request's own text that an answer or a log line repeats.
const MAX_SHOWN: usize = 100;

/// Why a server could not read the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It has more than [`MAX_BODY`] bytes.
    TooLarge,
    /// It did not arrive in time.
    Slow,
    /// The connection broke, or its chunks are malformed.
    Broken,
}

/// Why a request is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at {path}; post to /webhooks/apify or /runs")]
    NotFound { path: String },
    #[error("{method} is not allowed here; use POST")]
    MethodNotAllowed { method: String },
    /// No token, or an unknown one.
    #[error("a header `Authorization: Bearer <token>` with the webhook's token is needed")]
    Unauthorized,
    #[error("the body is larger than the {MAX_BODY} bytes that are allowed")]
    BodyTooLarge,
    #[error("the body did not arrive in time; post it again")]
    BodySlow,
    #[error("the body could not be read to its end; post it again")]
    BodyBroken,
    #[error("the body has the content encoding {encoding:?}; send it as it is")]
    Encoded { encoding: String },
    #[error("the body is not a JSON object (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    /// The webhook does not name a run.
    #[error(
        "the body names no Apify run: `resource.id`, `eventData.actorRunId`, `runId` or `id` is needed"
    )]
    NoRunId,
    /// A field of `POST /runs` breaks a rule.
    #[error("`{field}` {rule}")]
    InvalidField { field: &'static str, rule: String },
    /// The queue did not accept the message. `reason` is only for logs.
    #[error("the work could not be queued; post it again later")]
    QueueUnreachable { reason: String },
}

impl Refusal {
    pub(crate) fn not_found(path: &str) -> Self {
        Self::NotFound { path: bounded(path, MAX_SHOWN) }
    }

    pub(crate) fn method(method: &Method) -> Self {
        Self::MethodNotAllowed { method: bounded(method.as_str(), MAX_SHOWN) }
    }

    pub(crate) fn encoded(encoding: &[u8]) -> Self {
        let encoding = String::from_utf8_lossy(encoding);
        Self::Encoded { encoding: bounded(&encoding, MAX_SHOWN) }
    }

    /// Whether anybody can cause it without a token.
    pub(crate) fn is_anybodys(&self) -> bool {
        let status = self.status();
        status == StatusCode::UNAUTHORIZED
            || status == StatusCode::NOT_FOUND
            || status == StatusCode::METHOD_NOT_ALLOWED
    }

    /// The header that HTTP requires for the status.
    pub(crate) fn header(&self) -> Option<(HeaderName, &'static str)> {
        match self.status() {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
            StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "POST")),
            _ => None,
        }
    }

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
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE"),
            Self::BodySlow => (StatusCode::REQUEST_TIMEOUT, "BODY_SLOW"),
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "BODY_BROKEN"),
            Self::Encoded { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "BODY_ENCODED"),
            Self::NotJson { .. } => (StatusCode::BAD_REQUEST, "NOT_JSON"),
            Self::NoRunId => (StatusCode::BAD_REQUEST, "NO_RUN_ID"),
            Self::InvalidField { .. } => (StatusCode::BAD_REQUEST, "INVALID_FIELD"),
            Self::QueueUnreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "QUEUE_UNREACHABLE"),
        }
    }
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge => Self::BodyTooLarge,
            BodyFault::Slow => Self::BodySlow,
            BodyFault::Broken => Self::BodyBroken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_repeats_no_more_than_the_beginning_of_what_was_sent() {
        let long = "x".repeat(100_000);
        let method = Method::from_bytes(long.as_bytes()).unwrap();
        for refusal in
            [Refusal::not_found(&long), Refusal::method(&method), Refusal::encoded(long.as_bytes())]
        {
            let text = refusal.to_string();
            assert!(text.len() < 200 && text.contains("xxx"), "{text}");
        }
    }
}
