//! How a command ends, and why the system does not start.

use std::error::Error;
use std::process::ExitCode;

/// What failed, in words for a person: nobody decides anything by its kind.
pub type Fault = Box<dyn Error + Send + Sync>;

/// How a command ends: with an exit code, or with an error that says what to do.
pub type CommandResult = Result<ExitCode, Fault>;
