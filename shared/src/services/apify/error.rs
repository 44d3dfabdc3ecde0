//! Why Apify did not return what was requested.

use crate::ports::{HttpResponse, TransportError};
use http::StatusCode;
use serde_json::Value;

/// Why Apify did not return what was requested. The texts never contain an item or the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApifyError {
    #[error("Apify does not answer: {0}")]
    Transport(#[from] TransportError),
    #[error("Apify is not working or limits the requests (status {status})")]
    Unavailable { status: u16 },
    #[error("Apify refuses {what} ({error_type}): check the Apify token and what it may read")]
    Refused { what: String, error_type: String },
    #[error("Apify's answer to {what} cannot be read: wrong or missing data at `{path}`")]
    Unreadable { what: String, path: String },
    /// A success whose body is not a list. It may come from a proxy.
    #[error("Apify's answer to {what} is not a list of items")]
    NoList { what: String },
}

impl ApifyError {
    /// The error for a response that is not a success.
    pub(super) fn of(what: &str, response: &HttpResponse) -> Self {
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Self::Unavailable { status: status.as_u16() };
        }
        Self::Refused { what: what.to_owned(), error_type: error_type(response) }
    }

    /// Whether the same request may succeed a moment later. An answer that is too large stays too
    /// large.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Transport(TransportError::TooLarge { .. })
            | Self::Refused { .. }
            | Self::NoList { .. }
            | Self::Unreadable { .. } => false,
            Self::Transport(TransportError::NotSent { .. } | TransportError::AnswerLost { .. })
            | Self::Unavailable { .. } => true,
        }
    }
}

/// Whether the requested resource does not exist, or no longer exists. A token without any access
/// also gets a 404, but with another error (`record-or-token-not-found`).
pub(super) fn is_unknown(response: &HttpResponse) -> bool {
    let is_named = || {
        let error_type = error_type(response);
        error_type.ends_with("-not-found")
            && !error_type.contains("token")
            && !error_type.contains("page")
    };
    response.status() == StatusCode::GONE
        || response.status() == StatusCode::NOT_FOUND && is_named()
}

fn error_type(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    body["error"]["type"].as_str().unwrap_or("no type given").to_owned()
}
