//! How a command ends.

use std::error::Error;
use std::process::ExitCode;

/// Why a command failed, and what to do.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// How a command ends: with an exit code, or with an error that says what to do.
pub type CommandResult = Result<ExitCode, Fault>;
