//! Apify's errors: `{"error":{"type":…,"message":…}}`.

use crate::Response;
use crate::reply::error_reply;
use http::StatusCode;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the parameter {name} cannot be {value:?}: {rule}")]
    InvalidValue { name: &'static str, value: String, rule: &'static str },
    /// The body is wrong, and why.
    #[error("The request is not valid: {0}")]
    InvalidInput(String),
    #[error(
        "By launching this job you will exceed your remaining usage. Please upgrade your plan."
    )]
    NotEnoughUsage,
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
    #[error("This API end-point can only be accessed using the following HTTP methods: {0}")]
    MethodNotAllowed(String),
    #[error("You have exceeded the rate limit of {limit} requests per second")]
    RateLimitExceeded { limit: usize },
    #[error("Internal server error. Please try again later")]
    Internal(StatusCode),
}

impl ApiError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidValue { .. } => (StatusCode::BAD_REQUEST, "invalid-value"),
            Self::TokenNotProvided => (StatusCode::UNAUTHORIZED, "token-not-provided"),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid-token"),
            Self::UserOrTokenNotFound => (StatusCode::UNAUTHORIZED, "user-or-token-not-found"),
            Self::RecordNotFound { .. } => (StatusCode::NOT_FOUND, "record-not-found"),
            Self::PageNotFound => (StatusCode::NOT_FOUND, "page-not-found"),
            Self::InvalidInput(_) => (StatusCode::BAD_REQUEST, "invalid-input"),
            Self::NotEnoughUsage => {
                (StatusCode::PAYMENT_REQUIRED, "not-enough-usage-to-run-paid-actor")
            }
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::RateLimitExceeded { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "rate-limit-exceeded")
            }
            &Self::Internal(status) => (status, "internal-server-error"),
        }
    }

    pub(super) fn response(&self) -> Response {
        let (status, kind) = self.code();
        error_reply(status, kind, &self.to_string())
    }
}
