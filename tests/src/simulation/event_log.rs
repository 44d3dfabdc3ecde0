//! The event log in memory.

use shared::ids::RunId;
use shared::seams::{Projection, RunLog, StoredEvent};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is stored of every run.
#[derive(Default)]
pub(super) struct Log(Mutex<BTreeMap<RunId, Stored>>);

#[derive(Default)]
struct Stored {
    events: BTreeMap<String, String>,
    projection: Option<Projection>,
    open: bool,
}

impl Log {
    /// Stores events that are not stored yet.
    pub(super) fn append(&self, run: &RunId, events: &[StoredEvent]) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        stored.open = true;
        for event in events {
            stored.events.entry(event.id.clone()).or_insert_with(|| event.body.clone());
        }
    }

    pub(super) fn read(&self, run: &RunId) -> RunLog {
        self.lock().get(run).map_or_else(RunLog::default, |stored| RunLog {
            events: stored.events.values().cloned().collect(),
            projection: stored.projection.clone(),
        })
    }

    pub(super) fn projection(&self, run: &RunId) -> Option<Projection> {
        self.lock().get(run)?.projection.clone()
    }

    pub(super) fn save_projection(&self, run: &RunId, projection: &Projection) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        stored.open = projection.open;
        stored.projection = Some(projection.clone());
    }

    pub(super) fn open_runs(&self) -> Vec<RunId> {
        let runs = self.lock();
        runs.iter().filter(|(_, stored)| stored.open).map(|(run, _)| run.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
