//! How a call ended.

use shared::messages::{CallOutcome, ErrorCategory, Halt};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) billing: CallOutcome,
    /// How the answer can be used.
    pub(crate) reply: Reply,
}

/// How a call's answer can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Text {
        text: String,
        finish: Finish,
    },
    Unusable {
        category: ErrorCategory,
        detail: String,
    },
    /// The call is refused. The cause may be the text of one of its leads.
    Refused {
        detail: String,
        /// Whether the same call would be refused again.
        is_lasting: bool,
    },
    /// Call again, after the time that the service names, if it names one.
    TryLater {
        category: ErrorCategory,
        detail: String,
        after: Option<Duration>,
    },
    /// No call is answered until a person acts.
    Halted(Halt),
}

impl Reply {
    /// Why no call is answered, if so.
    pub(crate) fn halt(&self) -> Option<Halt> {
        match self {
            Self::Halted(halt) => Some(halt.clone()),
            Self::Text { .. }
            | Self::Unusable { .. }
            | Self::Refused { .. }
            | Self::TryLater { .. } => None,
        }
    }
}

/// Whether an answer is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    /// The room for the answer was used up, possibly by thoughts.
    CutOff,
    /// The answer does not say.
    Unsaid,
    /// The model stopped for another reason. Its text up to that point is paid for.
    Other {
        category: ErrorCategory,
        detail: String,
    },
}
