//! The log of what happened in each run: the truth that run records are projected from.

use crate::core::ids::{ApifyRunId, RecordId, RunId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::future::Future;

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Deterministic: the same fact has the same id whenever it is reported.
    pub id: String,
    /// The event as JSON.
    pub body: String,
}

/// Everything the log holds of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLog {
    /// The bodies of the run's events, in the order of their ids.
    pub events: Vec<String>,
    /// What of them is on the record; `None` before the first projection.
    pub projection: Option<Projection>,
    /// How often something was appended, repetitions included.
    pub appends: u64,
}

/// What the log says of one run without its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogHead {
    /// As in [`RunLog::projection`].
    pub projection: Option<Projection>,
    /// As in [`RunLog::appends`].
    pub appends: u64,
}

/// What the run record in Airtable shows of the log, as of the last time it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// How many events of the log it shows. Fewer than the log holds: the run is unprojected.
    pub events: usize,
    pub at: Timestamp,
    pub record: RecordId,
    /// Whether the run can still change by itself, so that a tick must look at it.
    pub open: bool,
    /// [`RunLog::appends`] of the log that was projected.
    #[serde(default)]
    pub appends: u64,
    /// What Airtable showed of the record once it was written, as its writer puts it
    /// ([`crate::run_records::CellDigests`]). The log only keeps it.
    #[serde(default)]
    pub shown: String,
    /// Whether the record must show the next event at once, whatever it is: news of a run that is
    /// thought to stand still, or that only waits for what became of its leads.
    #[serde(default)]
    pub urgent: bool,
}

impl Projection {
    /// Whether the record must show the next event at once. Earlier releases stored only that a run
    /// had ended.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.urgent || !self.open
    }
}

/// What the log remembers of a harvest: that it was heard of, or that one of its ends was. A run that
/// Apify resurrects ends again under the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HarvestKey(String);

impl HarvestKey {
    /// That the harvest was heard of.
    pub fn harvest(run: &ApifyRunId) -> Self {
        Self(run.to_string())
    }

    /// That the harvest was heard of with the time of an end. Without it, nothing is known of ends.
    pub fn any_end(run: &ApifyRunId) -> Self {
        Self(format!("{run}@"))
    }

    /// That this end of the harvest was heard of.
    pub fn end(run: &ApifyRunId, at: Timestamp) -> Self {
        Self(format!("{run}@{}", at.as_millisecond()))
    }

    /// A key as a log keeps it.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key as a log keeps it: at most 40 plain characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All facts about all runs. Every call fails with [`LogError`] when the log is not reachable.
pub trait EventLog: Send + Sync + 'static {
    /// Stores events of `run` and marks the run as open. An id is made from what its event says,
    /// so one that is stored already says the same: storing it again changes nothing.
    ///
    /// # Errors
    /// Any number of them may be stored when this fails: append all again.
    fn append(
        &self,
        run: &RunId,
        events: &[StoredEvent],
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Reads everything of `run`; a run never heard of is empty. Sees every append that returned
    /// before the call.
    fn read(&self, run: &RunId) -> impl Future<Output = Result<RunLog, LogError>> + Send;

    /// Reads `run` without its events, which is cheap whatever the run's size.
    fn log_head(&self, run: &RunId) -> impl Future<Output = Result<LogHead, LogError>> + Send;

    /// Remembers what the record of `run` shows. With `open` false the run leaves
    /// [`EventLog::open_runs`] until something is appended to it; when that was done already since
    /// the log was read, which its `appends` tell, the run stays among them. A projection of fewer
    /// events than the one that is kept changes nothing: it comes from a slower reader.
    ///
    /// # Errors
    /// [`LogError`]; the run then counts as unprojected and is projected again, which changes
    /// nothing on the record.
    fn save_projection(
        &self,
        run: &RunId,
        projection: &Projection,
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// The runs a tick must look at: those appended to since, or open at, their last projection.
    fn open_runs(&self) -> impl Future<Output = Result<Vec<RunId>, LogError>> + Send;

    /// The runs that are not open and whose record was written at `since` or later, with their
    /// projections. Cheap, however many older ones there are.
    fn finished_runs(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(RunId, Projection)>, LogError>> + Send;

    /// Remembers for good that these harvests, or ends of harvests, were heard of.
    ///
    /// # Errors
    /// Any number of them may be remembered when this fails.
    fn hear(&self, harvests: &[HarvestKey]) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Which of these harvests were ever heard of.
    fn heard(
        &self,
        harvests: &[HarvestKey],
    ) -> impl Future<Output = Result<BTreeSet<HarvestKey>, LogError>> + Send;

    /// Gives the cost of a harvest to `run` for good, unless a run has it already; returns the run
    /// that has it. Asked again, it answers the same.
    ///
    /// # Errors
    /// [`LogError`]; the run may have the cost then: ask again.
    fn claim_cost(
        &self,
        harvest: &ApifyRunId,
        run: &RunId,
    ) -> impl Future<Output = Result<RunId, LogError>> + Send;
}

/// The log could not be read or written; the same call may work later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event log is not reachable: {reason}")]
pub struct LogError {
    pub reason: String,
}

/// Those of a log's entries that can be read. One of another release, or a damaged one, is logged and keeps
/// nobody from looking at the others.
pub fn readable<T>(entries: impl IntoIterator<Item = Result<T, LogError>>) -> Vec<T> {
    let logged = |error: &LogError| tracing::error!(%error, "an entry of the log cannot be read");
    entries.into_iter().filter_map(|entry| entry.inspect_err(logged).ok()).collect()
}
