//! The event log in memory.

use jiff::Timestamp;
use shared::ids::{ApifyRunId, RunId};
use shared::seams::{Projection, RunLog, StoredEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is stored of every run, and which harvests were heard of.
#[derive(Default)]
pub(super) struct Log {
    runs: Mutex<BTreeMap<RunId, Stored>>,
    heard: Mutex<BTreeSet<ApifyRunId>>,
}

#[derive(Default)]
struct Stored {
    events: BTreeMap<String, String>,
    appends: u64,
    projection: Option<Projection>,
    open: bool,
}

impl Log {
    /// Stores events that are not stored yet.
    pub(super) fn append(&self, run: &RunId, events: &[StoredEvent]) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        stored.open = true;
        stored.appends += 1;
        for event in events {
            stored.events.entry(event.id.clone()).or_insert_with(|| event.body.clone());
        }
    }

    pub(super) fn read(&self, run: &RunId) -> RunLog {
        self.lock().get(run).map_or_else(RunLog::default, |stored| RunLog {
            events: stored.events.values().cloned().collect(),
            projection: stored.projection.clone(),
            appends: stored.appends,
        })
    }

    pub(super) fn projection(&self, run: &RunId) -> Option<Projection> {
        self.lock().get(run)?.projection.clone()
    }

    pub(super) fn save_projection(&self, run: &RunId, projection: &Projection) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        if stored.projection.as_ref().is_some_and(|known| known.events > projection.events) {
            return;
        }
        stored.open = projection.open || stored.appends != projection.appends;
        stored.projection = Some(projection.clone());
    }

    pub(super) fn open_runs(&self) -> Vec<RunId> {
        let runs = self.lock();
        runs.iter().filter(|(_, stored)| stored.open).map(|(run, _)| run.clone()).collect()
    }

    pub(super) fn finished_runs(&self, since: Timestamp) -> Vec<(RunId, Projection)> {
        let runs = self.lock();
        let finished = runs.iter().filter(|(_, stored)| !stored.open);
        finished
            .filter_map(|(run, stored)| Some((run.clone(), stored.projection.clone()?)))
            .filter(|(_, projection)| projection.at >= since)
            .collect()
    }

    /// Whether ticks look after a run: it is open, or was written since.
    pub(super) fn is_watched(&self, run: &RunId, since: Timestamp) -> bool {
        self.lock().get(run).is_some_and(|stored| {
            stored.open || stored.projection.as_ref().is_some_and(|known| known.at >= since)
        })
    }

    pub(super) fn hear(&self, harvests: &[ApifyRunId]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(harvests.iter().cloned());
    }

    pub(super) fn heard(&self, harvests: &[ApifyRunId]) -> BTreeSet<ApifyRunId> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        harvests.iter().filter(|harvest| heard.contains(*harvest)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Stored>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
