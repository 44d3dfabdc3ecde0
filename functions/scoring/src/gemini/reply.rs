//! How a call ended.

use shared::messages::{CallOutcome, ErrorCategory, Halt};
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
    Text {
        text: String,
        finish: Finish,
    },
    Unusable {
        category: ErrorCategory,
        detail: String,
    },
    /// The call is refused, perhaps for what one of its leads says.
    Refused {
        detail: String,
        /// Whether the same call would be refused again.
        is_lasting: bool,
    },
    /// Ask again, after the time that the service names, if it does.
    TryLater {
        category: ErrorCategory,
        detail: String,
        after: Option<Duration>,
    },
    /// No call is answered until a person does something.
    Halted(Halt),
}

impl Reply {
    /// Why no call is answered, if none is.
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

/// Whether an answer is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    /// The room for the answer was used up, perhaps by thoughts.
    CutOff,
    /// The answer does not say.
    Unsaid,
    /// The model stopped for another reason. What it said until then is paid for.
    Other {
        category: ErrorCategory,
        detail: String,
    },
}
