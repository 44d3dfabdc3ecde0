//! How a call ended.

use shared::messages::{CallOutcome, ErrorCategory};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) billing: CallOutcome,
    /// What can be done with the answer.
    pub(crate) reply: Reply,
}

/// What can be done with the answer of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(String),
    Unusable {
        category: ErrorCategory,
        detail: String,
    },
    /// Ask again, after the time that the service names, if it does.
    TryLater {
        category: ErrorCategory,
        detail: String,
        after: Option<Duration>,
    },
}
