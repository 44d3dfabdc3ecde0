//! Why a run waits, and until when.

use crate::storage::WaitingTask;
use crate::view::task_in_words;
use jiff::Timestamp;
use shared::core::ids::RunId;
use shared::fold::{Status, Summary};
use std::collections::BTreeMap;

/// A task that waits for its next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) run: Option<RunId>,
    pub(super) what: String,
    pub(super) attempt: u32,
    pub(super) since: Timestamp,
    pub(super) next_at: Timestamp,
    pub(super) reason: String,
}

impl From<WaitingTask> for Waiting {
    fn from(task: WaitingTask) -> Self {
        let (run, what) = task_in_words(&task.body);
        let WaitingTask { attempt, since, reason, next_at, .. } = task;
        Self { run, what, attempt, since, next_at, reason }
    }
}

/// The waiting tasks by the run they name.
pub(super) fn by_run(waiting: &[Waiting]) -> BTreeMap<&RunId, Vec<&Waiting>> {
    let mut runs: BTreeMap<&RunId, Vec<&Waiting>> = BTreeMap::new();
    for task in waiting {
        if let Some(run) = &task.run {
            runs.entry(run).or_default().push(task);
        }
    }
    runs
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WaitsFor {
    pub(super) why: String,
    /// When it goes on, or is tried again.
    pub(super) until: Option<Timestamp>,
}

/// What a run waits for; `None` for one that is over. `tasks` are those of the run that wait for
/// their next attempt.
pub(super) fn waits_for(summary: &Summary, tasks: &[&Waiting]) -> Option<WaitsFor> {
    if summary.status.is_end() {
        return None;
    }
    let next = tasks.iter().min_by_key(|task| task.next_at);
    let until = next.map(|task| task.next_at);
    if let Some((_, halt)) = &summary.halt {
        return Some(WaitsFor { why: halt.detail.clone(), until });
    }
    if let Some(task) = next {
        let more = match tasks.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let why = format!("{}, attempt {}: {}{more}", task.what, task.attempt, task.reason);
        return Some(WaitsFor { why, until });
    }
    let stalled = if summary.status == Status::Stalled { "nothing moves; missing: " } else { "" };
    let why = match summary.missing.as_slice() {
        [] => format!("{stalled}its record"),
        [one] => format!("{stalled}{one}"),
        [first, rest @ ..] => format!("{stalled}{first} and {} more", rest.len()),
    };
    Some(WaitsFor { why, until: None })
}
