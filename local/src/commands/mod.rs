//! The commands of `runtally`.

pub mod demo;
pub mod serve;
pub mod simulate;

use std::error::Error;
use std::process::ExitCode;

/// How a command ends: with an exit code, or with an error that says what to do.
pub type CommandResult = Result<ExitCode, Box<dyn Error + Send + Sync>>;
