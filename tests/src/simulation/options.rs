//! How a schedule is run.

use super::bug::Bug;

/// How a schedule is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether anything goes wrong.
    pub faults: bool,
    /// Whether a trace is written.
    pub trace: bool,
    /// A bug that is planted.
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self { faults: true, trace: false, bug: None }
    }
}
