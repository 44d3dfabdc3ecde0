//! The log of what happened in each run. Run records are projected from it.

use crate::core::ids::{ApifyRunId, RecordId, RunId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::future::Future;

/// An event as the log stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Deterministic: the same fact always has the same id.
    pub id: String,
    /// The event as JSON.
    pub body: String,
}

/// Everything the log contains about one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLog {
    /// The bodies of the run's events, in the order of their ids.
    pub events: Vec<String>,
    /// What the record shows of them; `None` before the first projection.
    pub projection: Option<Projection>,
    /// How many events were appended, including repetitions.
    pub appends: u64,
}

/// What the log says about one run, without its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogHead {
    /// As in [`RunLog::projection`].
    pub projection: Option<Projection>,
    /// As in [`RunLog::appends`].
    pub appends: u64,
}

/// What the run record in Airtable shows of the log, as of its last write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// How many events of the log it shows. If the log has more, the run is unprojected.
    pub events: usize,
    pub at: Timestamp,
    pub record: RecordId,
    /// Whether the run can still change without a new request, so that a tick must check it.
    pub open: bool,
    /// [`RunLog::appends`] when the log was projected.
    #[serde(default)]
    pub appends: u64,
    /// What Airtable showed of the record after it was written, in the writer's format
    /// ([`crate::run_records::CellDigests`]). The log only stores it.
    #[serde(default)]
    pub shown: String,
    /// Whether the record must show the next event at once, whatever the event is. This applies to
    /// a run that seems to stand still, or that only waits for the outcomes of its leads.
    #[serde(default)]
    pub urgent: bool,
}

impl Projection {
    /// Whether the record must show the next event at once. Earlier releases stored only whether a
    /// run had ended.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.urgent || !self.open
    }
}

/// What the log remembers about a harvest: that it was seen, or that one of its ends was seen. A
/// run that Apify resurrects ends again under the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HarvestKey(String);

impl HarvestKey {
    /// The harvest was seen.
    pub fn harvest(run: &ApifyRunId) -> Self {
        Self(run.to_string())
    }

    /// The harvest was seen with the time of an end. Without this key, nothing is known about its
    /// ends.
    pub fn any_end(run: &ApifyRunId) -> Self {
        Self(format!("{run}@"))
    }

    /// This end of the harvest was seen.
    pub fn end(run: &ApifyRunId, at: Timestamp) -> Self {
        Self(format!("{run}@{}", at.as_millisecond()))
    }

    /// A key as stored in a log.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key as stored in a log: at most 40 plain characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All facts about all runs. Every method returns [`LogError`] if the log is not reachable.
pub trait EventLog: Send + Sync + 'static {
    /// Stores events of `run` and marks the run as open. An id is made from the event's content, so
    /// an event with a known id is the same event: storing it again changes nothing.
    ///
    /// # Errors
    /// Some of them may be stored after an error. Append all of them again.
    fn append(
        &self,
        run: &RunId,
        events: &[StoredEvent],
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Reads everything about `run`; empty for an unknown run. It sees every append that returned
    /// before the call.
    fn read(&self, run: &RunId) -> impl Future<Output = Result<RunLog, LogError>> + Send;

    /// Reads `run` without its events. The cost does not depend on the size of the run.
    fn log_head(&self, run: &RunId) -> impl Future<Output = Result<LogHead, LogError>> + Send;

    /// Remembers what the record of `run` shows. With `open` set to false, the run leaves
    /// [`EventLog::open_runs`] until something is appended to it. If something was appended after
    /// the log was read, which `appends` shows, the run stays there. A projection of fewer events
    /// than the stored one changes nothing: it comes from a slower reader.
    ///
    /// # Errors
    /// [`LogError`]; the run then counts as unprojected. Projecting it again changes nothing on the
    /// record.
    fn save_projection(
        &self,
        run: &RunId,
        projection: &Projection,
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// The runs that a tick must check: those with appends since their last projection, and those
    /// that were open then.
    fn open_runs(&self) -> impl Future<Output = Result<Vec<RunId>, LogError>> + Send;

    /// The runs that are not open and whose record was written at `since` or later, with their
    /// projections. Older runs add no cost.
    fn finished_runs(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(RunId, Projection)>, LogError>> + Send;

    /// Remembers permanently that these harvests, or ends of harvests, were seen.
    ///
    /// # Errors
    /// Some of them may be remembered after an error.
    fn hear(&self, harvests: &[HarvestKey]) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Which of these harvests or ends were ever seen.
    fn heard(
        &self,
        harvests: &[HarvestKey],
    ) -> impl Future<Output = Result<BTreeSet<HarvestKey>, LogError>> + Send;

    /// Assigns the cost of a harvest to `run` permanently, unless a run already has it. Returns the
    /// run that has it. A repeated call returns the same run.
    ///
    /// # Errors
    /// [`LogError`]; the run may have the cost then. Repeat the call.
    fn claim_cost(
        &self,
        harvest: &ApifyRunId,
        run: &RunId,
    ) -> impl Future<Output = Result<RunId, LogError>> + Send;
}

/// The log could not be read or written. The same call may work later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event log is not reachable: {reason}")]
pub struct LogError {
    pub reason: String,
}

/// The readable entries of a log. An entry that is damaged or from another release is logged and
/// skipped.
pub fn readable<T>(entries: impl IntoIterator<Item = Result<T, LogError>>) -> Vec<T> {
    let logged = |error: &LogError| tracing::error!(%error, "an entry of the log cannot be read");
    entries.into_iter().filter_map(|entry| entry.inspect_err(logged).ok()).collect()
}
