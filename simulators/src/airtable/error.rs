//! Airtable's error answers: three body shapes, one status each.

use crate::{Response, json_reply};
use http::StatusCode;
use serde_json::json;

/// The message Airtable gives for most requests it does not understand.
const VALIDATION: &str = "Invalid request: parameter validation failed. Check your request data.";

/// A request Airtable refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    shape: Shape,
}

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// `{"error":{"type":…,"message":…}}`
    Typed { kind: &'static str, message: Option<String> },
    /// `{"error":"NOT_FOUND"}`
    Bare(&'static str),
    /// `{"errors":[{"error":…,"message":…}]}`, which is what 429 answers carry.
    Listed { error: &'static str, message: &'static str },
}

impl ApiError {
    fn typed(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, shape: Shape::Typed { kind, message: Some(message.into()) } }
    }

    /// 422 of the given type.
    pub(crate) fn unprocessable(kind: &'static str, message: impl Into<String>) -> Self {
        Self::typed(StatusCode::UNPROCESSABLE_ENTITY, kind, message)
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
        Self::unprocessable(
            "INVALID_REQUEST_MISSING_FIELDS",
            format!("Could not find field \"{name}\" in the request body"),
        )
    }

    /// 422 for a list of records that is empty, too long or malformed.
    pub(crate) fn invalid_records() -> Self {
        Self::unprocessable(
            "INVALID_RECORDS",
            "You must provide an array of up to 10 record objects, each with an \"id\" ID field \
             and a \"fields\" object for cell values.",
        )
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
    pub(crate) fn bad_formula(why: &str) -> Self {
        let message = format!("The formula for filtering records is invalid: {why}");
        Self::unprocessable("INVALID_FILTER_BY_FORMULA", message)
    }

    /// 422 for an offset whose iterator is gone. It has no message.
    pub(crate) fn dead_iterator() -> Self {
        let kind = "LIST_RECORDS_ITERATOR_NOT_AVAILABLE";
        let shape = Shape::Typed { kind, message: None };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, shape }
    }

    /// 401 for a request without a token.
    pub(crate) fn no_token() -> Self {
        Self::typed(StatusCode::UNAUTHORIZED, "AUTHENTICATION_REQUIRED", "Authentication required")
    }

    /// 401 for a token nobody has.
    pub(crate) fn bad_token() -> Self {
        Self::typed(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid authentication token")
    }

    /// 403 for what is forbidden or not there; Airtable does not tell which.
    pub(crate) fn forbidden() -> Self {
        Self::typed(
            StatusCode::FORBIDDEN,
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
            "Invalid permissions, or the requested model was not found. Check that both your user \
             and your token have the required permissions, and that the model names and/or ids \
             are correct.",
        )
    }

    /// 404 for a path that is no route.
    pub(crate) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, shape: Shape::Bare("NOT_FOUND") }
    }

    /// 414 for a URL of 16,000 characters or more.
    pub(crate) fn url_too_long() -> Self {
        Self::typed(
            StatusCode::URI_TOO_LONG,
            "URI_TOO_LONG",
            "The URL must be shorter than 16,000 characters",
        )
    }

    /// 429 for the rate of a base or a token.
    pub(crate) fn rate_limited() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            shape: Shape::Listed {
                error: "RATE_LIMIT_REACHED",
                message: "Rate limit exceeded. Please try again later",
            },
        }
    }

    /// 429 for the monthly quota: waiting does not help.
    pub(crate) fn quota_spent() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            shape: Shape::Listed {
                error: "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
                message: "The monthly API limit of this workspace has been exceeded",
            },
        }
    }

    /// 500.
    pub(crate) fn internal() -> Self {
        Self::typed(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_SERVER_ERROR",
            "An unexpected error occurred",
        )
    }

    /// 503.
    pub(crate) fn unavailable() -> Self {
        Self::typed(
            StatusCode::SERVICE_UNAVAILABLE,
            "RETRIABLE_ERROR",
            "The service is temporarily unavailable. Please retry the request",
        )
    }

    /// The answer a caller gets.
    pub(crate) fn response(&self) -> Response {
        let body = match &self.shape {
            Shape::Typed { kind, message: Some(message) } => {
                json!({"error": {"type": kind, "message": message}})
            }
            Shape::Typed { kind, message: None } => json!({"error": {"type": kind}}),
            Shape::Bare(kind) => json!({"error": kind}),
            Shape::Listed { error, message } => {
                json!({"errors": [{"error": error, "message": message}]})
            }
        };
        json_reply(self.status, &body)
    }

    /// The message, for the errors of the control endpoints.
    pub(crate) fn message(&self) -> &str {
        match &self.shape {
            Shape::Typed { kind, message } => message.as_deref().unwrap_or(kind),
            Shape::Bare(kind) => kind,
            Shape::Listed { message, .. } => message,
        }
    }
}
