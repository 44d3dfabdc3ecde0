//! Airtable's error answers.

use super::formula::Problem;
use crate::{Response, json_reply};
use http::StatusCode;
use serde_json::json;

/// Why Airtable refuses a request. Missing things get the same answer as forbidden things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// A parameter is unknown, of the wrong type or out of range.
    #[error("Invalid request: parameter validation failed. Check your request data.")]
    InvalidRequest,
    #[error("{0}")]
    InvalidBecause(String),
    #[error("Could not parse request body")]
    InvalidBody,
    #[error("Could not find field \"{0}\" in the request body")]
    MissingField(&'static str),
    #[error(
        "You must provide an array of up to 10 record objects, each with an \"id\" ID field and a \
         \"fields\" object for cell values."
    )]
    InvalidRecords,
    #[error("Unknown field name: \"{0}\"")]
    UnknownField(String),
    #[error("Field \"{0}\" cannot accept the provided value")]
    BadValue(String),
    #[error("Field \"{0}\" cannot accept a value because the field is computed")]
    Computed(String),
    #[error("Insufficient permissions to create new select option \"\"{0}\"\"")]
    UnknownChoice(String),
    #[error("Record ID {0} does not exist in this table")]
    NoSuchRow(String),
    #[error("The formula for filtering records is invalid: {0}")]
    BadFormula(Problem),
    /// Airtable supports it, but the simulator does not. This is not an answer of Airtable.
    #[error("Airtable would accept this request, but {0}")]
    NotSimulated(String),
    /// The iterator of an offset no longer exists. The answer has no message.
    #[error("LIST_RECORDS_ITERATOR_NOT_AVAILABLE")]
    DeadIterator,
    /// Another 422, with its type.
    #[error("{1}")]
    Unprocessable(&'static str, String),
    #[error("Authentication required")]
    NoToken,
    #[error("Invalid authentication token")]
    BadToken,
    #[error(
        "Invalid permissions, or the requested model was not found. Check that both your user and \
         your token have the required permissions, and that the model names and/or ids are correct."
    )]
    Forbidden,
    /// A field, with its id, that is locked for the token's user.
    #[error(
        "You are not permitted to perform this operation because the field \"{0}\" ({1}) has been \
         configured to limit who can perform this operation"
    )]
    Locked(String, String),
    #[error("NOT_FOUND")]
    NotFound,
    #[error("The URL must be shorter than 16,000 characters")]
    UrlTooLong,
    #[error("Rate limit exceeded. Please try again later")]
    RateLimited,
    /// The monthly quota is spent, so waiting does not help.
    #[error("The monthly API limit of this workspace has been exceeded")]
    QuotaSpent,
    #[error("An unexpected error occurred")]
    Internal,
    #[error("The service is temporarily unavailable. Please retry the request")]
    Unavailable,
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NotSimulated(_) => Self::NotSimulated(problem.to_string()),
            Problem::Invalid | Problem::UnknownFields(_) => Self::BadFormula(problem),
        }
    }
}

impl ApiError {
    fn code(&self) -> (StatusCode, &'static str) {
        let (status, kind) = match self {
            Self::InvalidRequest | Self::InvalidBecause(_) => (422, "INVALID_REQUEST_UNKNOWN"),
            Self::InvalidBody => (422, "INVALID_REQUEST_BODY"),
            Self::MissingField(_) => (422, "INVALID_REQUEST_MISSING_FIELDS"),
            Self::InvalidRecords => (422, "INVALID_RECORDS"),
            Self::UnknownField(_) => (422, "UNKNOWN_FIELD_NAME"),
            Self::BadValue(_) | Self::Computed(_) => (422, "INVALID_VALUE_FOR_COLUMN"),
            Self::UnknownChoice(_) => (422, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
            Self::NoSuchRow(_) => (422, "ROW_DOES_NOT_EXIST"),
            Self::BadFormula(_) => (422, "INVALID_FILTER_BY_FORMULA"),
            Self::NotSimulated(_) => (501, "NOT_SIMULATED"),
            Self::DeadIterator => (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
            Self::Unprocessable(kind, _) => (422, *kind),
            Self::NoToken => (401, "AUTHENTICATION_REQUIRED"),
            Self::BadToken => (401, "UNAUTHORIZED"),
            Self::Forbidden => (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
            Self::Locked(..) => (403, "INVALID_PERMISSIONS"),
            Self::NotFound => (404, "NOT_FOUND"),
            Self::UrlTooLong => (414, "URI_TOO_LONG"),
            Self::RateLimited => (429, "RATE_LIMIT_REACHED"),
            Self::QuotaSpent => (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED"),
            Self::Internal => (500, "INTERNAL_SERVER_ERROR"),
            Self::Unavailable => (503, "RETRIABLE_ERROR"),
        };
        (StatusCode::from_u16(status).expect("the table holds statuses"), kind)
    }

    /// The answer to the caller. A 404 is a plain string, and a 429 has a list of errors.
    pub(crate) fn response(&self) -> Response {
        let (status, kind) = self.code();
        let message = self.to_string();
        let body = match (status, self) {
            (StatusCode::NOT_FOUND, _) => json!({"error": kind}),
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                json!({"errors": [{"error": kind, "message": message}]})
            }
            (_, Self::DeadIterator) => json!({"error": {"type": kind}}),
            (_, _) => json!({"error": {"type": kind, "message": message}}),
        };
        json_reply(status, &body)
    }
}
