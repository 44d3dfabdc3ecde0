//! A run as its events and its record tell it.

use crate::cli::operator::Operator;
use crate::result::Fault;
use crate::view::{Comparison, compare, events_of};
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary};
use shared::messages::MetricsEvent;

pub(super) struct Explained {
    pub(super) summary: Summary,
    pub(super) events: Vec<MetricsEvent>,
    /// Events of the log that this release cannot read.
    pub(super) unreadable: usize,
    /// Events that the record was last written with.
    pub(super) shown: usize,
    pub(super) comparison: Comparison,
}

/// Folds the log and compares it with the record.
pub(super) async fn explain(operator: &Operator, run: &RunId) -> Result<Explained, Fault> {
    let log = operator.log_of(run).await?;
    let (events, unreadable) = events_of(&log);
    let state = RunState::fold(&events).ok_or("no event of the run can be read by this release")?;
    let summary = state.summary();
    let comparison = compare(&operator.airtable, &operator.master, &summary).await?;
    let shown = log.projection.map_or(0, |projection| projection.events);
    Ok(Explained { summary, events, unreadable, shown, comparison })
}
