//! Why the work on a task cannot continue.

use shared::core::failure::{Failure, FailureClass};

/// Why the work on a task cannot continue.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The same work may succeed later, after an attempt or a wait.
    Retry(Failure),
    /// A person has to act. The run's record says so, and the message is done.
    Fatal(String),
}

impl<E: Into<Failure>> From<E> for TaskError {
    fn from(error: E) -> Self {
        let failure = error.into();
        match failure.class {
            FailureClass::Retry | FailureClass::Wait { .. } => Self::Retry(failure),
            FailureClass::DeadLetter => Self::Fatal(failure.reason),
        }
    }
}
