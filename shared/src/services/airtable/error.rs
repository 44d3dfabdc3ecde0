//! What Airtable can return instead of the requested result.

use crate::core::failure::{Failure, FailureClass, LONGEST_DELAY};
use crate::ports::{HttpResponse, TransportError};
use http::StatusCode;
use serde_json::Value;

/// The error type of a refusal because of the request's length.
const REQUEST_TOO_LARGE: &str = "REQUEST_TOO_LARGE";

/// Why Airtable did not do what was requested. The texts contain Airtable's own messages, which
/// name tables, fields and choices, but never cell values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AirtableError {
    #[error("Airtable does not answer: {0}")]
    Transport(#[from] TransportError),
    /// Too many requests: the base answers no request for 30 s.
    #[error("Airtable limits the requests to base {base}")]
    RateLimited { base: String },
    #[error("Airtable is not working (status {status})")]
    Unavailable { status: u16 },
    /// The workspace's monthly quota is spent. It is renewed on the first of the month, or a person
    /// upgrades the plan.
    #[error(
        "the Airtable workspace's monthly API quota is spent: upgrade the plan or wait for the first of the month"
    )]
    QuotaSpent,
    /// The token is wrong, lacks a scope or has no access; a field or table is locked; or the base,
    /// table or record does not exist. After a change to the token or its access, the error can end
    /// within seconds.
    #[error(
        "Airtable denies {what} ({}): check the token's scopes and its list of bases, and that base and table exist",
        denial(error_type, message)
    )]
    Denied {
        what: String,
        /// The status: 401, 403 or 404.
        status: u16,
        error_type: String,
        /// Airtable's message, which names the locked field or table; empty if there is none.
        message: String,
    },
    #[error("Airtable refuses {what} ({error_type}): {message}")]
    Refused { what: String, error_type: String, message: String },
    #[error("Airtable's answer to {what} cannot be read: {reason}")]
    Unreadable { what: String, reason: String },
}

impl AirtableError {
    /// Whether the same request may succeed later. This includes denials: the token can be
    /// corrected, and a token that was just changed is denied for some seconds (external rule:
    /// Airtable).
    pub fn is_retryable(&self) -> bool {
        self.is_transient()
            || self.is_too_large()
            || self.is_lost_listing()
            || matches!(self, Self::Unreadable { .. } | Self::Denied { .. } | Self::QuotaSpent)
    }

    /// Whether Airtable does not know the token. This says nothing about the requested resource.
    pub fn is_unknown_token(&self) -> bool {
        matches!(self, Self::Denied { status: 401, .. })
    }

    /// Whether a write failed because of one of its fields or values, so that the other fields
    /// could be written. The message then names the field or the choice.
    pub fn is_about_a_field(&self) -> bool {
        let is_lock = || matches!(self, Self::Denied { error_type, .. } if error_type == "INVALID_PERMISSIONS");
        matches!(self, Self::Refused { .. }) || is_lock()
    }

    /// Whether the refusal applies to every row, because the field is missing, computed or locked.
    /// Any other refusal may be due to the value in a single row.
    pub fn is_about_the_table(&self) -> bool {
        if let Self::Refused { error_type, message, .. } = self {
            return error_type == "UNKNOWN_FIELD_NAME" || message.contains("is computed");
        }
        self.is_about_a_field()
    }

    /// Whether the message names `text` in quotes: a field, a choice or a table.
    pub fn names(&self, text: &str) -> bool {
        let quoted =
            |open: char, close: char| self.message().contains(&format!("{open}{text}{close}"));
        !text.is_empty() && (quoted('"', '"') || quoted('\'', '\'') || quoted('“', '”'))
    }

    /// Which of these fields the message is about: the one in quotes, or otherwise the one after
    /// the word `field` (external rule: `Field Score can not accept value 41`, `Cannot parse value
    /// for field Score`). If one matching name is the start of another, the longer name wins.
    pub fn field_of<'f>(&self, fields: impl IntoIterator<Item = &'f str>) -> Option<&'f str> {
        let message = self.message();
        let lower = message.to_ascii_lowercase();
        let begins = lower.match_indices("field ").map(|(at, word)| &message[at + word.len()..]);
        let begins: Vec<&str> = begins.collect();
        let is_bare = |field: &str| {
            let ends = |behind: &str| !behind.starts_with(|c: char| c.is_alphanumeric());
            begins.iter().any(|it| it.strip_prefix(field).is_some_and(ends))
        };
        let fields: Vec<&str> = fields.into_iter().filter(|field| !field.is_empty()).collect();
        let quoted = fields.iter().find(|field| self.names(field));
        let bare = || fields.iter().filter(|field| is_bare(field)).max_by_key(|field| field.len());
        quoted.or_else(bare).copied()
    }

    /// Whether a row was refused because it no longer exists.
    pub fn is_missing_row(&self) -> bool {
        self.error_type() == Some("ROW_DOES_NOT_EXIST")
    }

    /// Whether a request was refused because the table has no field with this name (external rule:
    /// `Unknown field names: …`, in lower case, for a formula).
    pub fn names_unknown_field(&self, field: &str) -> bool {
        self.is_unknown_name() && self.message().to_lowercase().contains(&field.to_lowercase())
    }

    /// Whether a request was refused because it names a field that the table does not have.
    pub fn is_unknown_name(&self) -> bool {
        matches!(self.error_type(), Some("INVALID_FILTER_BY_FORMULA" | "UNKNOWN_FIELD_NAME"))
    }

    /// Airtable's message; empty if there is none.
    pub fn message(&self) -> &str {
        if let Self::Denied { message, .. } | Self::Refused { message, .. } = self {
            return message;
        }
        ""
    }

    /// Whether the same request may be answered within seconds.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Transport(_) => !self.is_too_large(),
            Self::RateLimited { .. } | Self::Unavailable { .. } => true,
            Self::QuotaSpent
            | Self::Denied { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. } => false,
        }
    }

    /// Whether the answer is larger than the limit.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self, Self::Transport(TransportError::TooLarge { .. }))
    }

    /// Whether a request for fewer rows may succeed: the answer exceeds the limit, or Airtable did
    /// not answer in time.
    pub(super) fn may_be_too_large(&self) -> bool {
        let is_lost = matches!(self, Self::Transport(TransportError::AnswerLost { .. }));
        self.is_too_large() || is_lost || matches!(self, Self::Unavailable { .. })
    }

    /// Whether a request may have been refused for its length, so that a shorter formula may be
    /// accepted. The maximum length is not documented.
    pub fn may_be_too_long(&self) -> bool {
        match self.error_type() {
            Some("INVALID_FILTER_BY_FORMULA") => {
                !self.message().to_lowercase().contains("unknown field name")
            }
            Some(error_type) => error_type == REQUEST_TOO_LARGE,
            None => false,
        }
    }

    /// Airtable's `error.type`, if the error has one.
    pub fn error_type(&self) -> Option<&str> {
        if let Self::Denied { error_type, .. } | Self::Refused { error_type, .. } = self {
            Some(error_type)
        } else {
            None
        }
    }

    /// Whether the server lost the listing's position, or no longer accepts its own offset. Start
    /// the listing again.
    pub fn is_lost_listing(&self) -> bool {
        const LOST: [&str; 2] = ["LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "INVALID_OFFSET_VALUE"];
        self.error_type().is_some_and(|error_type| LOST.contains(&error_type))
    }

    /// Whether the table has no view with the requested name.
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
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                Self::Denied { what, status: status.as_u16(), error_type, message }
            }
            // Undocumented; airtable.js uses this name.
            StatusCode::PAYLOAD_TOO_LARGE => {
                let error_type = REQUEST_TOO_LARGE.to_owned();
                Self::Refused { what, error_type, message }
            }
            // Somebody in between gave up waiting, or would rather wait: it says nothing of the request.
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY) => {
                Self::Unavailable { status: status.as_u16() }
            }
            status if status.is_client_error() => Self::Refused { what, error_type, message },
            status => Self::Unavailable { status: status.as_u16() },
        }
    }
}

impl From<AirtableError> for Failure {
    fn from(error: AirtableError) -> Self {
        let is_denial = matches!(error, AirtableError::Denied { .. } | AirtableError::QuotaSpent);
        let failure = if error == AirtableError::QuotaSpent {
            Self::wait(LONGEST_DELAY, error)
        } else if error.is_retryable() {
            Self::retry(error)
        } else {
            Self::dead_letter(error)
        };
        Self { is_denial, ..failure }
    }
}

impl AirtableError {
    /// The failure of a task that depends on something a person can correct. It is retried, never
    /// dead-lettered at once.
    pub fn correctable(self) -> Failure {
        let failure = Failure::from(self);
        match failure.class {
            FailureClass::DeadLetter => Failure { class: FailureClass::Retry, ..failure },
            FailureClass::Retry | FailureClass::Wait { .. } => failure,
        }
    }
}

/// A denial's type, with its message if the message names something.
fn denial(error_type: &str, message: &str) -> String {
    if message.contains('"') { format!("{error_type}: {message}") } else { error_type.to_owned() }
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
    fn the_field_that_a_refusal_is_about_is_found_with_quotes_and_without() {
        const FIELDS: [&str; 3] = ["Date", "Date Posts Scored", "Score"];
        let about = |message: &str| {
            let (what, error_type) = (String::new(), "INVALID_VALUE_FOR_COLUMN".to_owned());
            let error = AirtableError::Refused { what, error_type, message: message.to_owned() };
            error.field_of(FIELDS).map(str::to_owned)
        };
        for (message, field) in [
            ("Field \"Score\" cannot accept the provided value", Some("Score")),
            ("Field Score can not accept value 41", Some("Score")),
            ("Cannot parse value for field Score", Some("Score")),
            (
                "Cannot parse date value \"x\" for field Date Posts Scored",
                Some("Date Posts Scored"),
            ),
            ("Cannot parse value for field Date.", Some("Date")),
            ("Cannot parse value for field Scores", None),
            ("Value is not an array of record IDs.", None),
        ] {
            assert_eq!(about(message).as_deref(), field, "{message}");
        }
    }

    #[test]
    fn a_lost_listing_is_started_again_and_other_refusals_are_final() {
        let lost =
            r#"{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE","message":"Try again."}}"#;
        assert!(error(422, lost).is_retryable());
        let invalid = r#"{"error":{"type":"INVALID_OFFSET_VALUE"}}"#;
        assert!(error(422, invalid).is_lost_listing() && error(422, invalid).is_retryable());
        let unknown = r#"{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field."}}"#;
        assert!(!error(422, unknown).is_retryable());
    }

    #[test]
    fn a_formula_may_be_refused_for_its_length_and_not_where_a_field_is_unknown() {
        let refused = |message: &str| AirtableError::Refused {
            what: "listing Leads".to_owned(),
            error_type: "INVALID_FILTER_BY_FORMULA".to_owned(),
            message: format!("The formula for filtering records is invalid: {message}"),
        };
        assert!(refused("Invalid formula. Please check your formula text.").may_be_too_long());
        assert!(!refused("Unknown field names: posts content").may_be_too_long());
        assert!(error(413, "<html>").may_be_too_long());
        assert!(!error(422, r#"{"error":{"type":"UNKNOWN_FIELD_NAME"}}"#).may_be_too_long());
        assert!(refused("Unknown field names: run id").names_unknown_field("Run ID"));
        assert!(!refused("Unknown field names: run id").names_unknown_field("Client ID"));
        for (error_type, is_unknown) in
            [("UNKNOWN_FIELD_NAME", true), ("INVALID_VALUE_FOR_COLUMN", false)]
        {
            let (what, message) = ("listing Leads".to_owned(), "Field \"Run ID\"".to_owned());
            let error = AirtableError::Refused { what, error_type: error_type.to_owned(), message };
            assert_eq!(error.names_unknown_field("Run ID"), is_unknown, "{error_type}");
        }
        assert!(!error(503, "").may_be_too_long());
    }

    #[test]
    fn a_denial_may_pass_and_a_locked_field_is_named_by_it() {
        let unknown = error(401, r#"{"error":{"type":"UNAUTHORIZED","message":"Invalid token"}}"#);
        assert!(unknown.is_retryable() && unknown.is_unknown_token());
        assert!(!unknown.is_about_a_field(), "it says nothing of what was written");
        let missing = r#"{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}"#;
        let missing = error(403, missing);
        assert!(missing.is_retryable() && !missing.is_about_a_field());
        let locked = r#"{"error":{"type":"INVALID_PERMISSIONS","message":"the field \"Cost\""}}"#;
        let locked = error(403, locked);
        assert!(locked.is_about_a_field() && locked.is_about_the_table());
        assert!(locked.to_string().contains("the field \"Cost\""), "{locked}");
    }

    #[test]
    fn a_refused_value_says_nothing_of_other_rows() {
        let refused = |error_type: &str, message: &str| AirtableError::Refused {
            what: "update Leads".to_owned(),
            error_type: error_type.to_owned(),
            message: message.to_owned(),
        };
        let value = "Field \"Top Scoring Post\" cannot accept the provided value";
        assert!(!refused("INVALID_VALUE_FOR_COLUMN", value).is_about_the_table());
        let computed = "Field \"X\" cannot accept a value because the field is computed";
        assert!(refused("INVALID_VALUE_FOR_COLUMN", computed).is_about_the_table());
        assert!(refused("UNKNOWN_FIELD_NAME", "Unknown field name: \"X\"").is_about_the_table());
    }

    #[test]
    fn a_spent_monthly_quota_is_waited_for_without_an_attempt() {
        let spent = error(
            429,
            r#"{"errors":[{"error":"PUBLIC_API_BILLING_LIMIT_EXCEEDED","message":""}]}"#,
        );
        let failure = Failure::from(spent);
        assert_eq!(failure.class, FailureClass::Wait { delay: LONGEST_DELAY });
        assert!(failure.is_denial, "the record says so");
        assert!(error(429, "").is_retryable());
    }
}
