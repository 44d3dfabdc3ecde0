//! Apify's errors: `{"error":{"type":…,"message":…}}`.

use crate::{Response, json_reply};
use http::StatusCode;
use serde_json::json;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the parameter {name} cannot be {value:?}: {rule}")]
    InvalidValue { name: &'static str, value: String, rule: &'static str },
    #[error("Authentication token was not provided")]
    TokenNotProvided,
    #[error("Authentication token is not valid")]
    InvalidToken,
    #[error("User was not found or authentication token is not valid")]
    UserOrTokenNotFound,
    #[error("{what} was not found")]
    RecordNotFound { what: &'static str },
    #[error("We have bad news: there is no API endpoint at this URL")]
    PageNotFound,
    #[error("This API end-point can only be accessed using the following HTTP methods: GET")]
    MethodNotAllowed,
    #[error("You have exceeded the rate limit of {limit} requests per second")]
    RateLimitExceeded { limit: usize },
    #[error("Internal server error. Please try again later")]
    Internal(StatusCode),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidValue { .. } => StatusCode::BAD_REQUEST,
            Self::TokenNotProvided | Self::InvalidToken | Self::UserOrTokenNotFound => {
                StatusCode::UNAUTHORIZED
            }
            Self::RecordNotFound { .. } | Self::PageNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RateLimitExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            &Self::Internal(status) => status,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::InvalidValue { .. } => "invalid-value",
            Self::TokenNotProvided => "token-not-provided",
            Self::InvalidToken => "invalid-token",
            Self::UserOrTokenNotFound => "user-or-token-not-found",
            Self::RecordNotFound { .. } => "record-not-found",
            Self::PageNotFound => "page-not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RateLimitExceeded { .. } => "rate-limit-exceeded",
            Self::Internal(_) => "internal-server-error",
        }
    }

    /// The response that carries this error.
    pub(super) fn response(&self) -> Response {
        let body = json!({"error": {"type": self.kind(), "message": self.to_string()}});
        json_reply(self.status(), &body)
    }
}
