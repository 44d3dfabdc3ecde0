//! A log that counts how often a whole run is read.

use jiff::Timestamp;
use runtally::storage::SqliteEventLog;
use shared::core::ids::{ApifyRunId, RunId};
use shared::ports::{EventLog, HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A log that counts how often a whole run is read.
#[derive(Clone)]
pub(crate) struct CountedLog {
    log: SqliteEventLog,
    reads: Arc<AtomicUsize>,
}

impl CountedLog {
    pub(crate) fn new(log: SqliteEventLog) -> Self {
        Self { log, reads: Arc::default() }
    }

    /// How often a whole run was read, of this log or a clone.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl EventLog for CountedLog {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        self.log.append(run, events).await
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.log.read(run).await
    }

    async fn log_head(&self, run: &RunId) -> Result<LogHead, LogError> {
        self.log.log_head(run).await
    }

    async fn save_projection(&self, run: &RunId, shown: &Projection) -> Result<(), LogError> {
        self.log.save_projection(run, shown).await
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.log.open_runs().await
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        self.log.finished_runs(since).await
    }

    async fn hear(&self, harvests: &[HarvestKey]) -> Result<(), LogError> {
        self.log.hear(harvests).await
    }

    async fn heard(&self, harvests: &[HarvestKey]) -> Result<BTreeSet<HarvestKey>, LogError> {
        self.log.heard(harvests).await
    }

    async fn claim_cost(&self, harvest: &ApifyRunId, run: &RunId) -> Result<RunId, LogError> {
        self.log.claim_cost(harvest, run).await
    }
}
