//! Why a run waits, and until when.

use super::figures::{moment, until};
use super::last_read::GivenUp;
use crate::storage::WaitingTask;
use crate::view::task_in_words;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::fold::{Status, Summary};
use shared::run_records::{Reason, missing_in_words};
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

/// The waiting tasks, by their run.
pub(super) fn by_run(waiting: &[Waiting]) -> BTreeMap<&RunId, Vec<&Waiting>> {
    let mut runs: BTreeMap<&RunId, Vec<&Waiting>> = BTreeMap::new();
    for task in waiting {
        if let Some(run) = &task.run {
            runs.entry(run).or_default().push(task);
        }
    }
    runs
}

/// Why a run is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WaitsFor {
    /// Its state: it waits, or it is in work and something is missing.
    state: &'static str,
    why: String,
    since: Option<Timestamp>,
    /// When it continues, or is tried again.
    next_at: Option<Timestamp>,
}

impl WaitsFor {
    pub(super) fn shown(&self, now: Timestamp) -> Markup {
        html! {
            p .waits {
                b { (self.state) @if let Some(since) = self.since { " since " (moment(since)) } ": " }
                (self.why)
                @if let Some(at) = self.next_at { " · tried again at " (until(at, now)) }
            }
        }
    }
}

/// What a run waits for; `None` for a run that is over. `tasks` are the run's tasks that wait for
/// their next attempt.
pub(super) fn waits_for(summary: &Summary, tasks: &[&Waiting]) -> Option<WaitsFor> {
    if summary.status.is_end() {
        return None;
    }
    let next = tasks.iter().min_by_key(|task| task.next_at);
    let next_at = next.map(|task| task.next_at);
    let waits = |since, why| Some(WaitsFor { state: "Waits", why, since: Some(since), next_at });
    if let Some((since, halt)) = &summary.halt {
        let reason = Reason::Halted(halt.category).in_words();
        return waits(*since, format!("{reason}. The model says: {}", halt.detail));
    }
    if let Some(task) = next {
        let more = match tasks.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let Waiting { what, attempt, reason, .. } = task;
        let failed = counted(attempt.saturating_sub(1), "attempt");
        return waits(task.since, format!("{what}{more}: {reason} · after {failed}"));
    }
    // On AWS the waiting tasks are not visible, but the log has the last reason.
    if let Some(wait) = &summary.wait {
        return waits(wait.since, wait.why.clone());
    }
    let why = missing_in_words(summary);
    let is_stalled = summary.status == Status::Stalled;
    Some(WaitsFor {
        state: if is_stalled { "Nothing moves" } else { "Still missing" },
        why: if is_stalled { format!("still missing: {why}") } else { why },
        since: is_stalled.then_some(summary.last_progress),
        next_at: None,
    })
}

/// The dead letters of a run. They wait for a person, whatever else the run does.
pub(super) fn given_up(given_up: &GivenUp, run: &RunId) -> Markup {
    let mut of_run = given_up.letters.iter().filter(|letter| letter.run.as_ref() == Some(run));
    html! {
        @if let Some(first) = of_run.next() {
            p .waits .lost {
                b { "Given up " (moment(first.died_at)) ": " }
                (first.what) ": " (first.reason) " · " a href="/system#dead" { "put it back" }
                @match of_run.count() { 0 => "", more => { " (and " (more) " more)" } }
            }
        }
    }
}

/// The dead letters that were not read. They may belong to any run, and wait for a person.
pub(super) fn unread(given_up: &GivenUp) -> Markup {
    html! {
        @if given_up.unread > 0 {
            p .waits .lost {
                b { (counted(given_up.unread, "dead letter")) } " of any run: "
                a href="/system#dead" { "look at them" }
            }
        }
    }
}

/// Waiting tasks without a run in the log. If the client of a harvest cannot be looked up, it has
/// no run yet.
pub(super) fn without_run(tasks: &[&Waiting], now: Timestamp) -> Markup {
    html! {
        @if let Some(task) = tasks.iter().min_by_key(|task| task.next_at) {
            p .waits {
                b { "No run yet, waits since " (moment(task.since)) ": " }
                (task.what) ": " (task.reason) " · tried again at " (until(task.next_at, now))
                @if tasks.len() > 1 { " · " a href="/system#waiting" { "and " (tasks.len() - 1) " more" } }
            }
        }
    }
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
        let shown = |waits: WaitsFor| {
            let now = "2026-11-23T10:04:20Z".parse().unwrap();
            let html = waits.shown(now).into_string();
            html.replace("<b>", "").replace("</b>", "")
        };
        let text = shown(why(&[]));
        assert!(text.contains("Still missing: harvest HG7ML7M8z78YcAPEB is not read"), "{text}");
        assert!(!text.contains("tried again"), "{text}");
        let task = Waiting {
            run: Some(run.run.clone()),
            what: "chunk 1 of 2".to_owned(),
            attempt: 3,
            since: "2026-11-23T10:01:00Z".parse().unwrap(),
            next_at: "2026-11-23T10:05:00Z".parse().unwrap(),
            reason: "Airtable is not working".to_owned(),
        };
        let later = Waiting { next_at: Timestamp::MAX, ..task.clone() };
        let told = why(&[&later, &task]);
        assert_eq!(told.next_at, Some(task.next_at), "the next of them");
        let text = shown(told);
        for part in [
            "Waits since <time datetime=\"2026-11-23T10:01:00Z\">2026-11-23 10:01:00</time>: ",
            "chunk 1 of 2 (and 1 more): Airtable is not working · after 2 attempts · tried again \
             at ",
            ">2026-11-23 10:05:00</time>, in 40 s",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_run_that_is_over_waits_for_nothing() {
        let failed = json!({"type": "run_failed", "apify_run": null, "reason": "no such client"});
        assert_eq!(waits_for(&summary(&[failed]), &[]), None);
    }
}
