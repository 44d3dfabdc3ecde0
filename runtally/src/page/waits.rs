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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::event_of;
    use serde_json::{Value, json};
    use shared::fold::RunState;

    fn summary(facts: &[Value]) -> Summary {
        let run = json!({"base_run": "261123-094519", "client": "Guy-Wilson", "client_name": "",
            "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
        let event = |fact: &Value| {
            let event = json!({"version": 1, "type": "event", "run": run,
                "at": "2026-11-23T10:00:00Z", "fact": fact});
            event_of(&event.to_string()).unwrap()
        };
        let events: Vec<_> = facts.iter().map(event).collect();
        RunState::fold(&events).unwrap().summary()
    }

    fn opened() -> Summary {
        summary(&[json!({"type": "opened", "by": {"webhook": "HG7ML7M8z78YcAPEB"}})])
    }

    #[test]
    fn a_run_waits_for_what_is_missing_or_for_the_next_attempt_at_a_task() {
        let run = opened();
        let why = |tasks: &[&Waiting]| waits_for(&run, tasks).unwrap();
        assert_eq!(why(&[]).why, "harvest HG7ML7M8z78YcAPEB is not read");
        assert_eq!(why(&[]).until, None);
        let task = Waiting {
            run: Some(run.run.clone()),
            what: "chunk 1 of 2".to_owned(),
            attempt: 3,
            since: Timestamp::UNIX_EPOCH,
            next_at: "2026-11-23T10:05:00Z".parse().unwrap(),
            reason: "Airtable is out of order".to_owned(),
        };
        let later = Waiting { next_at: Timestamp::MAX, ..task.clone() };
        let told = why(&[&later, &task]);
        assert_eq!(told.why, "chunk 1 of 2, attempt 3: Airtable is out of order (and 1 more)");
        assert_eq!(told.until, Some(task.next_at), "the next of them");
    }

    #[test]
    fn a_run_that_is_over_waits_for_nothing() {
        let failed = json!({"type": "run_failed", "apify_run": null, "reason": "no such client"});
        assert_eq!(waits_for(&summary(&[failed]), &[]), None);
    }
}
