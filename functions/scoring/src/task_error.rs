//! Why the work of a task cannot go on.

use shared::core::failure::{Failure, FailureClass};

/// Why the work of a task cannot go on.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The same may work later, after an attempt or a wait.
    Retry(Failure),
    /// It takes a person: the run's record says so, and the message is done.
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
