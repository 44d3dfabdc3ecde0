//! The options of a schedule.

use super::bug::Bug;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub faults: bool,
    pub trace: bool,
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self { faults: true, trace: false, bug: None }
    }
}
