//! A run that was read: what the list shows of it, and all its events.

use crate::storage::RunHead;
use crate::view::event_of;
use jiff::Timestamp;
use jiff::civil::Date;
use shared::core::ids::RecordId;
use shared::core::linkedin::ProfileKey;
use shared::core::tokens::NanoUsd;
use shared::fold::{RunState, Summary};
use shared::messages::{Fact, MetricsEvent};
use shared::ports::{Projection, RunLog};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A run as the list shows it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) summary: Arc<Summary>,
    /// Number of events in the log, including those of other releases.
    pub(super) events: usize,
    /// What the record shows; `None` before its first write.
    pub(super) projection: Option<Projection>,
    /// The time of its first call, and of the last report about one.
    pub(super) asked: Option<(Timestamp, Timestamp)>,
    /// Computed when the run is read, and again on the next request after it changed.
    pub(super) details: OnceLock<Details>,
}

/// What a search and the spending need of a run. No page of the run shows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    /// The cost of the model by UTC day.
    pub(super) cost_by_day: BTreeMap<Date, NanoUsd>,
    /// Profiles and rows of its leads, one per line, for a search.
    pub(super) leads: String,
}

impl Known {
    /// Number of events that are not on the record yet.
    pub(super) fn behind(&self) -> usize {
        let shown = self.projection.as_ref().map_or(0, |projection| projection.events);
        self.events.saturating_sub(shown)
    }
}

/// A run with all its events and its state.
pub(super) struct OpenBook {
    pub(super) known: Arc<Known>,
    pub(super) state: RunState,
    /// In the order in which they happened.
    pub(super) events: Vec<MetricsEvent>,
    /// Events that this release cannot read.
    pub(super) unreadable: usize,
    read: HashSet<u64>,
    /// The log's head of the run just before it was read.
    pub(super) head: Option<RunHead>,
    pub(super) used: u64,
}

impl OpenBook {
    /// Reads a run from its log, and counts the events in `count` meanwhile.
    pub(super) fn of(log: &RunLog, count: &AtomicUsize) -> Option<Self> {
        let decoded = log.events.iter().filter_map(|body| {
            count.fetch_add(1, Ordering::Relaxed);
            event_of(body)
        });
        let mut events: Vec<MetricsEvent> = decoded.collect();
        events.sort_by_key(|event| event.at);
        let unreadable = log.events.len() - events.len();
        let state = RunState::fold(&events)?;
        let read = log.events.iter().map(|body| digest(body)).collect();
        let known = known(&state, &events, unreadable, log.projection.clone());
        known.details.get_or_init(|| Details::of(&state));
        Some(Self { known, state, events, unreadable, read, head: None, used: 0 })
    }

    /// Adds the events that came since; `events` may also contain earlier ones. Only new events are
    /// folded: an event never changes, and their order does not matter to the fold.
    pub(super) fn grown(mut self, events: &[String], projection: Option<Projection>) -> Self {
        let mut is_new = false;
        for body in events {
            if !self.read.insert(digest(body)) {
                continue;
            }
            is_new = true;
            match event_of(body) {
                Some(event) => {
                    self.state.absorb(&event);
                    self.events.push(event);
                }
                None => self.unreadable += 1,
            }
        }
        if is_new {
            self.events.sort_by_key(|event| event.at);
            self.known = known(&self.state, &self.events, self.unreadable, projection);
        } else if self.known.projection != projection {
            self.known = Arc::new(Known { projection, ..Known::clone(&self.known) });
        }
        self
    }
}

fn known(
    state: &RunState,
    events: &[MetricsEvent],
    unreadable: usize,
    projection: Option<Projection>,
) -> Arc<Known> {
    Arc::new(Known {
        asked: asked(events),
        details: OnceLock::new(),
        summary: Arc::new(state.summary()),
        events: events.len() + unreadable,
        projection,
    })
}

impl Details {
    pub(super) fn of(state: &RunState) -> Self {
        let mut leads = String::new();
        for lead in state.lead_views() {
            let (profile, record) =
                (lead.profile.map(ProfileKey::as_str), lead.record.map(RecordId::as_str));
            for name in profile.into_iter().chain(record) {
                leads.push_str(name);
                leads.push('\n');
            }
        }
        Self { cost_by_day: state.cost_by_day(), leads }
    }
}

/// The time of a run's first call, and of the last report about one.
fn asked(events: &[MetricsEvent]) -> Option<(Timestamp, Timestamp)> {
    let is_of_calls = |fact: &Fact| matches!(fact, Fact::Announced(_) | Fact::Billed(_));
    let mut at = events.iter().filter(|event| is_of_calls(&event.fact)).map(|event| event.at);
    let first = at.next()?;
    Some((first, at.next_back().unwrap_or(first)))
}

fn digest(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A log event with this text.
    fn body(text: &str) -> String {
        let run = json!({"base_run": "261123-094519", "client": "Guy-Wilson", "client_name": "Guy Wilson",
            "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
        let fact = json!({"type": "noted", "kind": "input", "text": text});
        json!({"version": 1, "type": "event", "run": run, "at": "2026-11-23T10:00:01Z", "fact": fact})
            .to_string()
    }

    fn log(texts: &[&str]) -> RunLog {
        let events = texts.iter().map(|text| body(text)).collect();
        RunLog { events, projection: None, appends: 1 }
    }

    #[test]
    fn a_run_is_added_up_again_only_if_something_is_new() {
        let first = log(&["one", "two"]);
        let book = OpenBook::of(&first, &AtomicUsize::new(0)).unwrap();
        let before = Arc::clone(&book.known);
        let book = book.grown(&first.events, None);
        assert!(Arc::ptr_eq(&before, &book.known), "all of it was read before");
        // What its record shows is not a number of the run.
        let shown = Projection {
            events: 2,
            at: "2026-11-23T10:00:02Z".parse().unwrap(),
            record: "rec00000000000001".parse().unwrap(),
            open: false,
            appends: 1,
            shown: String::new(),
            urgent: false,
        };
        let book = book.grown(&first.events, Some(shown.clone()));
        assert_eq!((book.known.projection.as_ref(), book.known.behind()), (Some(&shown), 0));
        assert!(Arc::ptr_eq(&before.summary, &book.known.summary));
        let book = book.grown(&log(&["two", "three"]).events, None);
        assert_eq!((book.known.events, book.known.summary.notes.len()), (3, 3));
        let whole = OpenBook::of(&log(&["one", "two", "three"]), &AtomicUsize::new(0)).unwrap();
        assert_eq!(book.known.summary, whole.known.summary);
    }

    #[test]
    fn what_a_search_asks_is_made_when_a_run_is_read_and_not_for_each_event() {
        let book = OpenBook::of(&log(&["one"]), &AtomicUsize::new(0)).unwrap();
        assert!(book.known.details.get().is_some());
        let book = book.grown(&log(&["two"]).events, None);
        assert!(book.known.details.get().is_none());
    }
}
