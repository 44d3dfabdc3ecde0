//! Decides which run counts the cost of a harvest: the run whose events about it were stored first.

use crate::finalizer::Finalizer;
use shared::core::ids::{ApifyRunId, RunId};
use shared::messages::{CostElsewhere, Fact, MetricsEvent, OpenedBy};
use shared::ports::{Env, EventLog, LogError};
use std::collections::BTreeMap;

/// Facts about those harvests in the stored `events` whose cost another run counts.
pub(crate) async fn elsewhere<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
    events: &[MetricsEvent],
) -> Result<Vec<MetricsEvent>, LogError> {
    let mut named: BTreeMap<&ApifyRunId, &MetricsEvent> = BTreeMap::new();
    for event in events {
        named.extend(costing(&event.fact).map(|harvest| (harvest, event)));
    }
    let mut elsewhere = Vec::new();
    for (harvest, event) in named {
        let owner = app.log.claim_cost(harvest, run).await?;
        if owner != *run {
            let fact = CostElsewhere { apify_run: harvest.clone(), run: owner };
            elsewhere.push(MetricsEvent { fact: Fact::CostElsewhere(fact), ..event.clone() });
        }
    }
    Ok(elsewhere)
}

/// The harvest with which a fact opens a run, or whose cost it reports.
fn costing(fact: &Fact) -> Option<&ApifyRunId> {
    if let Fact::Opened(opened) = fact
        && let OpenedBy::Webhook(harvest) = &opened.by
    {
        return Some(harvest);
    }
    if let Fact::Harvested(harvested) = fact { Some(&harvested.apify_run) } else { None }
}
