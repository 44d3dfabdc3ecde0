//! A run according to its events and its record.

use crate::cli::operator::{log_of, of_another_release};
use crate::cli::records::Records;
use crate::result::Fault;
use crate::system::Deployment;
use crate::view::{Comparison, compare, events_of};
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary};
use shared::messages::MetricsEvent;
use shared::run_records::Shape;

pub(super) struct Explained {
    pub(super) summary: Summary,
    pub(super) events: Vec<MetricsEvent>,
    /// Events of the log that this release cannot read.
    pub(super) unreadable: usize,
    /// Number of events that the record showed when it was last written.
    pub(super) shown: usize,
    /// The events next to the record. Has no record if Airtable is left out.
    pub(super) comparison: Comparison,
    /// Why the record is not known, if so.
    pub(super) without_airtable: Option<String>,
}

impl Explained {
    /// How many events are not on the record yet.
    pub(super) fn behind(&self) -> usize {
        (self.events.len() + self.unreadable).saturating_sub(self.shown)
    }

    /// Whether nothing is wrong: the record agrees with the events, is only behind them, or was not
    /// read.
    pub(super) fn is_right(&self) -> bool {
        let is_only_behind = self.comparison.records.len() <= 1 && self.behind() > 0;
        self.without_airtable.is_some() || self.comparison.is_right() || is_only_behind
    }
}

/// Folds the log and compares it with the record.
pub(super) async fn explain(
    deployment: &Deployment,
    records: &Records,
    run: &RunId,
) -> Result<Explained, Fault> {
    let log = log_of(deployment, run).await?;
    let (events, unreadable) = events_of(&log);
    let state = RunState::fold(&events).ok_or_else(|| of_another_release(run))?;
    let summary = state.summary();
    let compared = records.ask(|airtable, master| compare(airtable, master, &summary)).await;
    let (comparison, without_airtable) = match compared {
        Ok(comparison) => (comparison, None),
        Err(reason) => (Comparison::of(&Shape::default(), Vec::new(), &summary), Some(reason)),
    };
    let shown = log.projection.map_or(0, |projection| projection.events);
    Ok(Explained { summary, events, unreadable, shown, comparison, without_airtable })
}
