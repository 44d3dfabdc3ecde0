//! The event log in memory, with the steps in which DynamoDB stores and returns data.

use jiff::Timestamp;
use shared::core::ids::{ApifyRunId, RunId};
use shared::ports::{HarvestKey, Projection, RunLog, StoredEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How much the indexes lag behind the table, at most.
pub(crate) const INDEX_LAG: Duration = Duration::from_secs(5);

/// The stored data of every run, and the harvests whose webhooks came.
#[derive(Default)]
pub(crate) struct Log {
    runs: Mutex<BTreeMap<RunId, Stored>>,
    heard: Mutex<BTreeSet<HarvestKey>>,
    costs: Mutex<BTreeMap<ApifyRunId, RunId>>,
}

#[derive(Default)]
struct Stored {
    events: BTreeMap<String, String>,
    appends: u64,
    projection: Option<Arc<Projection>>,
    open: bool,
    /// What the indexes show from which time on, oldest first.
    indexed: Vec<(Instant, Indexed)>,
}

/// A run in the indexes.
#[derive(Clone)]
struct Indexed {
    open: bool,
    projection: Option<Arc<Projection>>,
}

/// Some of a run's events, in reverse order.
pub(crate) struct Page {
    pub(crate) events: Vec<String>,
    /// The id of the last of them, if there are more.
    pub(crate) goes_on_before: Option<String>,
}

impl Stored {
    /// Makes the indexes show the current state after their lag.
    fn index(&mut self) {
        let now = Instant::now();
        let is_old = |at: &Instant| *at + INDEX_LAG < now;
        while self.indexed.get(1).is_some_and(|(at, _)| is_old(at)) {
            self.indexed.remove(0);
        }
        let indexed = Indexed { open: self.open, projection: self.projection.clone() };
        self.indexed.push((now, indexed));
    }

    fn at(&self, moment: Instant) -> Option<&Indexed> {
        let known = self.indexed.iter().rev().find(|(at, _)| *at <= moment);
        known.map(|(_, indexed)| indexed)
    }
}

impl Log {
    pub(crate) fn open(&self, run: &RunId) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        if !std::mem::replace(&mut stored.open, true) {
            stored.index();
        }
    }

    /// Marks a run as open and counts an append.
    pub(crate) fn count(&self, run: &RunId) {
        self.open(run);
        self.lock().entry(run.clone()).or_default().appends += 1;
    }

    pub(crate) fn write(&self, run: &RunId, events: &[StoredEvent]) {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        for event in events {
            stored.events.entry(event.id.clone()).or_insert_with(|| event.body.clone());
        }
    }

    /// A run at one moment.
    pub(crate) fn read(&self, run: &RunId) -> RunLog {
        self.lock().get(run).map_or_else(RunLog::default, |stored| RunLog {
            events: stored.events.values().cloned().collect(),
            projection: stored.projection.as_deref().cloned(),
            appends: stored.appends,
        })
    }

    /// At most `most` events before the one with the id `before`, in reverse order.
    pub(crate) fn page(&self, run: &RunId, before: Option<&String>, most: usize) -> Page {
        let runs = self.lock();
        let Some(stored) = runs.get(run) else {
            return Page { events: Vec::new(), goes_on_before: None };
        };
        let until = before.map_or(Bound::Unbounded, Bound::Excluded);
        let mut events = stored.events.range::<String, _>((Bound::Unbounded, until)).rev();
        let page: Vec<(&String, &String)> = events.by_ref().take(most).collect();
        let goes_on = events.next().is_some();
        Page {
            goes_on_before: page.last().filter(|_| goes_on).map(|(id, _)| (*id).clone()),
            events: page.into_iter().map(|(_, body)| body.clone()).collect(),
        }
    }

    /// The projection of a run, and its number of appends.
    pub(crate) fn state(&self, run: &RunId) -> (Option<Projection>, u64) {
        let runs = self.lock();
        let stored = runs.get(run);
        stored.map_or((None, 0), |s| (s.projection.as_deref().cloned(), s.appends))
    }

    /// Saves a projection unless a newer one is stored. If `close` is set, closes the run unless it
    /// was appended to since. Returns whether it did.
    pub(crate) fn save(&self, run: &RunId, projection: &Projection, close: bool) -> bool {
        let mut runs = self.lock();
        let stored = runs.entry(run.clone()).or_default();
        let is_older = stored.projection.as_ref().is_some_and(|k| k.events > projection.events);
        if is_older || (close && stored.appends != projection.appends) {
            return false;
        }
        stored.open = !close;
        stored.projection = Some(Arc::new(projection.clone()));
        stored.index();
        true
    }

    /// The open runs as the index shows them at a moment.
    pub(crate) fn open_runs(&self, moment: Instant) -> Vec<RunId> {
        let runs = self.lock();
        let is_open = |stored: &Stored| stored.at(moment).is_some_and(|indexed| indexed.open);
        runs.iter().filter(|(_, stored)| is_open(stored)).map(|(run, _)| run.clone()).collect()
    }

    /// The finished runs as the index shows them at a moment.
    pub(crate) fn finished_runs(
        &self,
        since: Timestamp,
        moment: Instant,
    ) -> Vec<(RunId, Projection)> {
        let runs = self.lock();
        let finished = runs.iter().filter_map(|(run, stored)| {
            let indexed = stored.at(moment).filter(|indexed| !indexed.open)?;
            let projection = indexed.projection.as_ref().filter(|known| known.at >= since)?;
            Some((run.clone(), projection.as_ref().clone()))
        });
        finished.collect()
    }

    /// Whether ticks check a run: it is open, or was written since.
    pub(crate) fn is_watched(&self, run: &RunId, since: Timestamp) -> bool {
        self.lock().get(run).is_some_and(|stored| {
            stored.open || stored.projection.as_ref().is_some_and(|known| known.at >= since)
        })
    }

    pub(crate) fn hear(&self, harvests: &[HarvestKey]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(harvests.iter().cloned());
    }

    pub(crate) fn heard(&self, harvests: &[HarvestKey]) -> BTreeSet<HarvestKey> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        harvests.iter().filter(|harvest| heard.contains(*harvest)).cloned().collect()
    }

    /// The run that has the cost of a harvest. If there was none, it is `run`.
    pub(crate) fn claim_cost(&self, harvest: &ApifyRunId, run: &RunId) -> RunId {
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        costs.entry(harvest.clone()).or_insert_with(|| run.clone()).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Stored>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
