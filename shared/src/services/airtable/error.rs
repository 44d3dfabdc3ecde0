//! What Airtable can answer instead of what was asked for.

use crate::core::failure::Failure;
use crate::ports::{HttpResponse, TransportError};
use http::StatusCode;
use serde_json::Value;

/// Why Airtable did not do what was asked. Texts hold Airtable's own messages (which name tables,
/// fields and choices) and never a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AirtableError {
    #[error("Airtable does not answer: {0}")]
    Transport(#[from] TransportError),
    /// Too many requests: the base answers nothing for 30 s.
    #[error("Airtable limits the requests to base {base}")]
    RateLimited { base: String },
    #[error("Airtable is out of order (status {status})")]
    Unavailable { status: u16 },
    /// The workspace's monthly quota is spent: waiting does not help.
    #[error(
        "the Airtable workspace's monthly API quota is spent: upgrade the plan or wait for the first of the month"
    )]
    QuotaSpent,
    /// The token is wrong, or lacks a scope, or has no access; or the base or table does not exist.
    #[error(
        "Airtable denies {what} ({error_type}): check the token's scopes and its list of bases, and that base and table exist"
    )]
    Denied { what: String, error_type: String },
    #[error("Airtable refuses {what} ({error_type}): {message}")]
    Refused { what: String, error_type: String, message: String },
    #[error("Airtable's answer to {what} cannot be read: {reason}")]
    Unreadable { what: String, reason: String },
}

impl AirtableError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.is_transient() || self.is_lost_listing() || matches!(self, Self::Unreadable { .. })
    }

    /// Whether the same request may be answered in some seconds.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// Airtable's `error.type`, for an error that has one.
    pub fn error_type(&self) -> Option<&str> {
        if let Self::Denied { error_type, .. } | Self::Refused { error_type, .. } = self {
            Some(error_type)
        } else {
            None
        }
    }

    /// Whether the server forgot where a listing was: start it again.
    pub fn is_lost_listing(&self) -> bool {
        self.error_type() == Some("LIST_RECORDS_ITERATOR_NOT_AVAILABLE")
    }

    /// Whether the table has no view of the name that was asked for.
    pub fn is_unknown_view(&self) -> bool {
        matches!(self.error_type(), Some("VIEW_NAME_NOT_FOUND" | "VIEW_ID_NOT_FOUND"))
    }

    pub(super) fn of(what: &str, base: &str, response: &HttpResponse) -> Self {
        let (error_type, message) = type_and_message(response.body());
        let what = what.to_owned();
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS if error_type == "PUBLIC_API_BILLING_LIMIT_EXCEEDED" => {
                Self::QuotaSpent
            }
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited { base: base.to_owned() },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Self::Denied { what, error_type }
            }
            status if status.is_client_error() => Self::Refused { what, error_type, message },
            status => Self::Unavailable { status: status.as_u16() },
        }
    }
}

impl From<AirtableError> for Failure {
    fn from(error: AirtableError) -> Self {
        if error.is_retryable() { Self::retry(error) } else { Self::dead_letter(error) }
    }
}

/// The type and message of an error body, in any of Airtable's three shapes:
/// `{"error":{"type","message"}}`, `{"error":"NOT_FOUND"}` and `{"errors":[{"error","message"}]}`.
fn type_and_message(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (error_type, message) = match (&body["error"], &body["errors"][0]) {
        (Value::String(error_type), _) => (error_type.clone(), String::new()),
        (Value::Null, first) => (text(&first["error"]), text(&first["message"])),
        (error, _) => (text(&error["type"]), text(&error["message"])),
    };
    if error_type.is_empty() {
        ("no type given".to_owned(), message)
    } else {
        (error_type, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn error(status: u16, body: &'static str) -> AirtableError {
        let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        AirtableError::of("update Leads", "app1", &response)
    }

    #[test]
    fn all_three_error_shapes_are_read() {
        let refused = error(
            422,
            r#"{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field name: \"X\""}}"#,
        );
        assert_eq!(refused.error_type(), Some("UNKNOWN_FIELD_NAME"));
        assert_eq!(error(404, r#"{"error":"NOT_FOUND"}"#).error_type(), Some("NOT_FOUND"));
        let limited =
            r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"Rate limit exceeded."}]}"#;
        assert_eq!(error(429, limited), AirtableError::RateLimited { base: "app1".to_owned() });
        assert_eq!(error(502, "<html>"), AirtableError::Unavailable { status: 502 });
    }

    #[test]
    fn a_lost_listing_is_started_again_and_other_refusals_are_final() {
        let lost =
            r#"{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE","message":"Try again."}}"#;
        assert!(error(422, lost).is_retryable());
        let unknown = r#"{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field."}}"#;
        assert!(!error(422, unknown).is_retryable());
    }

    #[test]
    fn a_spent_monthly_quota_is_not_waited_for() {
        let spent = error(
            429,
            r#"{"errors":[{"error":"PUBLIC_API_BILLING_LIMIT_EXCEEDED","message":""}]}"#,
        );
        assert!(!spent.is_retryable());
        assert!(error(429, "").is_retryable());
    }
}
