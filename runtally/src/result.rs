//! The result of a command, and why the system does not start.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What failed, in words for a person. No code depends on its type.
pub type Fault = Box<dyn Error + Send + Sync>;

/// The result of a command: an exit code, or an error that says what to do.
pub type CommandResult = Result<ExitCode, Fault>;

/// What failed, and what to do about it.
#[derive(Debug)]
pub struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// An error with a hint.
    #[expect(clippy::new_ret_no_self, reason = "nobody needs it but as a fault")]
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Fault {
        Self { message: message.into(), hint: hint.into() }.into()
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Hinted {}
