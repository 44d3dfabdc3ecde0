//! Airtable's error answers.

use crate::{Response, json_reply};
use http::StatusCode;
use serde_json::json;

/// The message Airtable gives for most requests it does not understand.
const VALIDATION: &str = "Invalid request: parameter validation failed. Check your request data.";
const RATE: &str = "Rate limit exceeded. Please try again later";
const QUOTA: &str = "The monthly API limit of this workspace has been exceeded";

/// A request Airtable refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: Some(message.into()) }
    }

    /// 422 of the given type.
    pub(crate) fn unprocessable(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, message)
    }

    /// 422 for a parameter that is unknown, of the wrong type or out of range.
    pub(crate) fn invalid_request() -> Self {
        Self::invalid_because(VALIDATION)
    }

    /// As [`Self::invalid_request`], saying what is wrong.
    pub(crate) fn invalid_because(message: impl Into<String>) -> Self {
        Self::unprocessable("INVALID_REQUEST_UNKNOWN", message)
    }

    /// 422 for a body that is not JSON.
    pub(crate) fn invalid_body() -> Self {
        Self::unprocessable("INVALID_REQUEST_BODY", "Could not parse request body")
    }

    /// 422 for a body without `fields` or `records`.
    pub(crate) fn missing_field(name: &str) -> Self {
        let message = format!("Could not find field \"{name}\" in the request body");
        Self::unprocessable("INVALID_REQUEST_MISSING_FIELDS", message)
    }

    /// 422 for a list of records that is empty, too long or malformed.
    pub(crate) fn invalid_records() -> Self {
        let message = "You must provide an array of up to 10 record objects, each with an \"id\" \
                       ID field and a \"fields\" object for cell values.";
        Self::unprocessable("INVALID_RECORDS", message)
    }

    /// 422 for a name that is no field of the table.
    pub(crate) fn unknown_field(name: &str) -> Self {
        Self::unprocessable("UNKNOWN_FIELD_NAME", format!("Unknown field name: \"{name}\""))
    }

    /// 422 for a value the field does not take.
    pub(crate) fn bad_value(field: &str) -> Self {
        let message = format!("Field \"{field}\" cannot accept the provided value");
        Self::unprocessable("INVALID_VALUE_FOR_COLUMN", message)
    }

    /// 422 for a value for a field that Airtable computes.
    pub(crate) fn computed(field: &str) -> Self {
        let message =
            format!("Field \"{field}\" cannot accept a value because the field is computed");
        Self::unprocessable("INVALID_VALUE_FOR_COLUMN", message)
    }

    /// 422 for a choice the select field does not have.
    pub(crate) fn unknown_choice(choice: &str) -> Self {
        let message =
            format!("Insufficient permissions to create new select option \"\"{choice}\"\"");
        Self::unprocessable("INVALID_MULTIPLE_CHOICE_OPTIONS", message)
    }

    /// 422 for a record id in a body or query that names no row.
    pub(crate) fn no_such_row(id: &str) -> Self {
        let message = format!("Record ID {id} does not exist in this table");
        Self::unprocessable("ROW_DOES_NOT_EXIST", message)
    }

    /// 422 for a formula, with the part of the message that says why.
    pub(crate) fn bad_formula(why: impl std::fmt::Display) -> Self {
        let message = format!("The formula for filtering records is invalid: {why}");
        Self::unprocessable("INVALID_FILTER_BY_FORMULA", message)
    }

    /// 422 for an offset whose iterator is gone. It has no message.
    pub(crate) fn dead_iterator() -> Self {
        let error = Self::unprocessable("LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "");
        Self { message: None, ..error }
    }

    /// 401 for a request without a token.
    pub(crate) fn no_token() -> Self {
        let message = "Authentication required";
        Self::new(StatusCode::UNAUTHORIZED, "AUTHENTICATION_REQUIRED", message)
    }

    /// 401 for a token nobody has.
    pub(crate) fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid authentication token")
    }

    /// 403 for what is forbidden or missing: Airtable does not say which.
    pub(crate) fn forbidden() -> Self {
        let message = "Invalid permissions, or the requested model was not found. Check that both \
                       your user and your token have the required permissions, and that the model \
                       names and/or ids are correct.";
        Self::new(StatusCode::FORBIDDEN, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", message)
    }

    /// 404 for a path that is no route.
    pub(crate) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "NOT_FOUND", message: None }
    }

    /// 414 for a URL of 16,000 characters or more.
    pub(crate) fn url_too_long() -> Self {
        let message = "The URL must be shorter than 16,000 characters";
        Self::new(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", message)
    }

    /// 429 for the rate of a base or a token.
    pub(crate) fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_REACHED", RATE)
    }

    /// 429 for the monthly quota: waiting does not help.
    pub(crate) fn quota_spent() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", QUOTA)
    }

    /// 500.
    pub(crate) fn internal() -> Self {
        let message = "An unexpected error occurred";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message)
    }

    /// 503.
    pub(crate) fn unavailable() -> Self {
        let message = "The service is temporarily unavailable. Please retry the request";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "RETRIABLE_ERROR", message)
    }

    /// The answer a caller gets. A 404 is a bare word, and a 429 carries a list of errors.
    pub(crate) fn response(&self) -> Response {
        let Self { status, kind, message } = self;
        let body = match (*status, message) {
            (StatusCode::NOT_FOUND, _) => json!({"error": kind}),
            (StatusCode::TOO_MANY_REQUESTS, message) => {
                json!({"errors": [{"error": kind, "message": message}]})
            }
            (_, Some(message)) => json!({"error": {"type": kind, "message": message}}),
            (_, None) => json!({"error": {"type": kind}}),
        };
        json_reply(*status, &body)
    }

    /// The message, for those who edit in process.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.kind)
    }
}
