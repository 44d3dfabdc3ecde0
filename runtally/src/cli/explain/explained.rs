//! A run as its events and its record tell it.

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
    /// Events that the record was last written with.
    pub(super) shown: usize,
    /// The events beside the record; without the record where Airtable is left out.
    pub(super) comparison: Comparison,
    /// Why nothing is known of the record, where that is so.
    pub(super) without_airtable: Option<String>,
}

impl Explained {
    /// How many events the record does not show yet.
    pub(super) fn behind(&self) -> usize {
        (self.events.len() + self.unreadable).saturating_sub(self.shown)
    }

    /// Whether nothing is wrong: the record says what the events say, will say so by itself, or
    /// was not looked at.
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
