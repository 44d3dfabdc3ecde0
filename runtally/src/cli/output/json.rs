//! Answers for programs: one JSON object each, all with the version of their shape.

use crate::result::Fault;
use serde_json::{Value, json};
use std::io::Write;

/// The version of every answer's shape. It changes if a name changes its meaning or disappears.
const SCHEMA_VERSION: u32 = 1;

/// Prints a command's answer.
pub(in crate::cli) fn print_json(answer: &Value) -> Result<(), Fault> {
    Ok(writeln!(std::io::stdout().lock(), "{:#}", versioned(answer))?)
}

/// The answer with its version.
pub(in crate::cli) fn versioned(answer: &Value) -> Value {
    let mut answer = answer.clone();
    answer["schema_version"] = json!(SCHEMA_VERSION);
    answer
}

/// An error in the shape that every command uses.
pub(super) fn error_object(message: &str, hint: &str) -> Value {
    versioned(&json!({"error": {"message": message, "hint": hint}}))
}
