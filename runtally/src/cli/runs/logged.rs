//! The runs according to their events.

use super::listed::Listed;
use crate::result::Fault;
use crate::storage::RunHead;
use crate::system::Deployment;
use crate::view::events_of;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use shared::core::ids::{RunId, RunStamp};
use shared::fold::RunState;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Runs that are read from AWS at the same time.
const AT_A_TIME: usize = 8;

/// The open runs, because their records may be behind, and those of `others` that are no longer
/// open.
pub(super) async fn open(
    deployment: &Deployment,
    others: &BTreeSet<String>,
) -> Result<BTreeMap<String, Listed>, Fault> {
    let open = deployment.open_runs().await?;
    let ids: BTreeSet<&str> = open.iter().map(RunId::as_str).collect();
    let others = others.iter().filter(|id| !ids.contains(id.as_str()));
    let others: Vec<RunId> = others.filter_map(|id| id.parse().ok()).collect();
    let all = open.iter().map(|run| (run, true)).chain(others.iter().map(|run| (run, false)));
    read(deployment, all.collect()).await
}

/// The newest runs in the log that are not open, at most `limit` that began after `since`, and how
/// many more there are.
///
/// A run's events say when it began. Its id may name an earlier day, if somebody chose the id.
/// Every run that began since then was also written since then.
pub(super) async fn newest(
    deployment: &Deployment,
    since: Timestamp,
    limit: usize,
) -> Result<(BTreeMap<String, Listed>, usize), Fault> {
    let heads = deployment.heads(since).await?;
    let first = RunStamp::at(since);
    let is_late = |head: &&RunHead| !head.open && head.shown.0 >= since.as_millisecond();
    let (mut recent, mut renamed): (Vec<_>, Vec<_>) =
        heads.iter().filter(is_late).partition(|head| head.run.stamp() >= first);
    recent.sort_by(|a, b| b.run.cmp(&a.run));
    // Most of them are older runs whose records were written again, so only a few are read.
    renamed.sort_by_key(|head| Reverse(head.shown.0));
    let more = recent.len().saturating_sub(limit);
    recent.truncate(limit);
    renamed.truncate(limit);
    let chosen = recent.iter().chain(&renamed).map(|head| (&head.run, false));
    let mut runs = read(deployment, chosen.collect()).await?;
    runs.retain(|_, listed| listed.started().is_some_and(|at| at >= since));
    Ok((runs, more))
}

async fn read(
    deployment: &Deployment,
    runs: Vec<(&RunId, bool)>,
) -> Result<BTreeMap<String, Listed>, Fault> {
    let listed = stream::iter(runs)
        .map(|(run, open)| async move {
            let (events, _) = events_of(&deployment.read(run).await?);
            let state = RunState::fold(&events);
            Ok::<_, Fault>(state.map(|state| (run.to_string(), Listed::of(state.summary(), open))))
        })
        .buffered(AT_A_TIME);
    let listed: Vec<Option<(String, Listed)>> = listed.try_collect().await?;
    Ok(listed.into_iter().flatten().collect())
}
