//! The readable trace of a schedule.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What happened, line by line, with the simulated time since the start. It is written only on
/// request: a schedule that fails is run again for its trace.
pub(crate) struct Trace {
    start: Instant,
    lines: Option<Mutex<Vec<String>>>,
}

impl Trace {
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self { start: Instant::now(), lines: is_wanted.then(Mutex::default) }
    }

    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let line = format!("{} {}", clock(self.start.elapsed()), line());
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.as_ref();
        lines.map_or_else(Vec::new, |l| l.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:>3}:{minutes:02}:{seconds:02}.{:03}", elapsed.subsec_millis())
}
