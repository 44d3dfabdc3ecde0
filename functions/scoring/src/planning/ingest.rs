//! Handles the end of a harvest: resolves its run, reads it, and plans its leads.

use super::harvest::{Harvest, ProfilePosts, read_harvest};
use super::plan_lead::PlanLead;
use super::prepare::{PlanContext, PlanTarget};
use super::publish::queue_plan;
use crate::app::Scoring;
use crate::master::resolve::Resolved;
use crate::report::input_note;
use crate::task_error::TaskError;
use jiff::{SignedDuration, Timestamp};
use shared::core::failure::Failure;
use shared::core::ids::{ClientId, PlanId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{
    Fact, HarvestStatus, Harvested, Hints, Ingest, IngestDone, Kind, OpenedBy, RunFailed,
    RunHeader, Source, routes,
};
use shared::ports::Env;
use shared::services::airtable::AirtableError;
use shared::services::apify::ApifyRun;
use std::collections::BTreeMap;
use tracing::Instrument;

/// After a run's end, Apify's figures are preliminary for this long.
const PRELIMINARY: SignedDuration = SignedDuration::from_secs(10);

pub(crate) struct HarvestRun<'a> {
    pub(crate) task: &'a Ingest,
    /// `None` if Apify does not know the run.
    pub(crate) apify_run: Option<&'a ApifyRun>,
    /// When Apify reported it.
    pub(crate) seen_at: Timestamp,
    pub(crate) resolved: &'a Resolved,
    pub(crate) keep: &'a Keep<'a>,
}

/// Saves for the next attempt how far this one got.
pub(crate) type Keep<'a> = dyn Fn(IngestDone) + Sync + 'a;

pub(crate) async fn ingest_harvest<E: Env>(
    app: &Scoring<E>,
    task: &Ingest,
    keep: &Keep<'_>,
) -> Result<(), Failure> {
    if let Some(IngestDone::Reported { run, harvested }) = task.done.as_deref() {
        let span = shared::telemetry::logs::run_span(run);
        return report_final_figures(app, run, harvested).instrument(span).await;
    }
    let seen_at = app.clock.now();
    if task.hints.unattributed.is_none()
        && let Some(reason) = app.nobodys.reason_for(task)
    {
        let hints = Hints { unattributed: Some(reason), ..task.hints.clone() };
        return app.queue_tasks(vec![routes::ingest(Ingest { hints, ..task.clone() })]).await;
    }
    // A refusal is retried too: the token can be corrected, and the harvest is already paid for.
    let apify_run = app.apify.run(&task.apify_run_id).await.map_err(Failure::retry)?;
    // Any problem in the master base can be corrected, and the harvest is already paid for.
    let resolved = app
        .master()
        .resolve_run(task, apify_run.as_ref())
        .await
        .map_err(AirtableError::correctable)?;
    if let Some(hints) = found_out(&task.hints, &resolved) {
        if let Some(reason) = &hints.unattributed {
            app.nobodys.note(task, seen_at, reason);
        }
        let message = routes::ingest(Ingest { hints, ..task.clone() });
        return app.queue_tasks(vec![message]).await;
    }
    let span = shared::telemetry::logs::run_span(&resolved.run);
    let (apify_run, resolved) = (apify_run.as_ref(), &resolved);
    let harvest = HarvestRun { task, apify_run, seen_at, resolved, keep };
    ingest_run(app, &harvest).instrument(span).await
}

/// The task's hints with what this attempt found; `None` if it found nothing new. With the client,
/// the task continues in the message group of the client's plans. The run that only a record names,
/// and the reason why the harvest belongs to nobody, are kept because people change tables: the
/// next attempt must not use another run.
fn found_out(hints: &Hints, resolved: &Resolved) -> Option<Hints> {
    let RunHeader { client, run_stamp, .. } = &resolved.run;
    let found = match &resolved.base {
        Err(reason) if *client == ClientId::unattributed() => {
            Hints { unattributed: Some(reason.clone()), ..hints.clone() }
        }
        Ok(_) | Err(_) => {
            let recorded = resolved.is_run_of_record.then(|| run_stamp.clone());
            Hints {
                client: hints.client.clone().or_else(|| Some(client.clone())),
                run_stamp: hints.run_stamp.clone().or(recorded),
                ..hints.clone()
            }
        }
    };
    (found != *hints).then_some(found)
}

/// Reads a harvest whose run is known, and plans its leads.
pub(crate) async fn ingest_run<E: Env>(
    app: &Scoring<E>,
    harvest_run: &HarvestRun<'_>,
) -> Result<(), Failure> {
    let HarvestRun { task, apify_run, seen_at, resolved, keep } = *harvest_run;
    let reporter = app.reporter(&resolved.run);
    let mut facts = app.opened(OpenedBy::Webhook(task.apify_run_id.clone()));
    facts.extend(task.hints.unusable.iter().chain(&resolved.notes).cloned().map(input_note));
    reporter.report(facts).await?;

    let Some(apify_run) = apify_run else {
        let reason = format!(
            "Apify does not know run {}: the webhook names a run that was deleted or never existed",
            task.apify_run_id
        );
        return reporter.report(vec![run_failed(task, reason)]).await;
    };
    let Some(status) = apify_run.status else {
        let reason = format!("Apify run {} is still running", apify_run.id);
        return Err(reporter.says_why(Failure::retry(reason)).await);
    };
    let mut harvest = match read_harvest(&app.apify, apify_run, status).await {
        Err(error) => return Err(reporter.says_why(Failure::retry(error)).await),
        Ok(harvest) => harvest,
    };
    let (plan, mut facts) = match plan_harvest(app, harvest_run, apify_run, &mut harvest).await {
        Ok(QueuedPlan { id, facts }) => (Some(id), facts),
        Err(TaskError::Retry(failure)) => return Err(reporter.waits(failure).await),
        Err(TaskError::Fatal(reason)) => (None, vec![run_failed(task, reason)]),
    };
    facts.extend(harvest.notes.iter().cloned().map(input_note));
    let harvested = harvested(apify_run, status, (&harvest, plan), seen_at);
    facts.insert(0, Fact::Harvested(harvested.clone()));
    reporter.report(facts).await?;
    let run = resolved.run.clone();
    keep(IngestDone::Reported { run, harvested: Box::new(harvested.clone()) });
    report_final_figures(app, &resolved.run, &harvested).await
}

fn harvested(
    apify_run: &ApifyRun,
    status: HarvestStatus,
    (harvest, plan): (&Harvest, Option<PlanId>),
    seen_at: Timestamp,
) -> Harvested {
    Harvested {
        apify_run: apify_run.id.clone(),
        status,
        targets: harvest.targets,
        posts: harvest.posts,
        posts_without_profile: harvest.posts_without_profile,
        cost: apify_run.cost,
        seen_at: Some(seen_at),
        finished_at: apify_run.finished_at,
        account: Some(harvest.account.clone()),
        plan,
    }
}

/// If the figures of a harvest were preliminary, waits and reads the run again. Its leads are
/// already being scored by then. Reports the cost if it has changed.
async fn report_final_figures<E: Env>(
    app: &Scoring<E>,
    run: &RunHeader,
    harvested: &Harvested,
) -> Result<(), Failure> {
    let final_at = harvested.finished_at.map(|finished| finished + PRELIMINARY);
    let is_preliminary = |final_at: &Timestamp| harvested.seen_at.is_some_and(|at| *final_at > at);
    let Some(final_at) = final_at.filter(is_preliminary) else { return Ok(()) };
    // The wait has an upper bound, in case this machine's clock is behind Apify's.
    let left = final_at.duration_since(app.clock.now()).clamp(SignedDuration::ZERO, PRELIMINARY);
    tokio::time::sleep(left.unsigned_abs()).await;
    let read_at = app.clock.now();
    let found = app.apify.run(&harvested.apify_run).await.map_err(Failure::retry)?;
    let Some(ApifyRun { cost, .. }) = found.filter(|run| run.cost != harvested.cost) else {
        return Ok(());
    };
    let harvested = Harvested { cost, seen_at: Some(read_at), ..harvested.clone() };
    app.reporter(run).report(vec![Fact::Harvested(harvested)]).await
}

/// A queued plan, with the facts to report about it.
struct QueuedPlan {
    id: PlanId,
    facts: Vec<Fact>,
}

/// Queues the plan of a harvest's leads, unless an earlier attempt already did.
async fn plan_harvest<E: Env>(
    app: &Scoring<E>,
    harvest_run: &HarvestRun<'_>,
    apify_run: &ApifyRun,
    harvest: &mut Harvest,
) -> Result<QueuedPlan, TaskError> {
    let HarvestRun { task, resolved, keep, .. } = *harvest_run;
    let Resolved { run, base, token_limit, .. } = resolved;
    let base = base.as_ref().map_err(|reason| TaskError::Fatal(reason.clone()))?;
    if let Some(reason) = harvest.refusal.take() {
        return Err(TaskError::Fatal(reason));
    }
    let profiles: BTreeMap<ProfileKey, ProfilePosts> = std::mem::take(&mut harvest.profiles);
    let target = PlanTarget { run, base, kind: Kind::Post, token_limit: *token_limit };
    let mut context = if profiles.is_empty() {
        PlanContext::empty(app, target)
    } else {
        PlanContext::read(app, target).await?
    };
    let queued = match task.done.as_deref() {
        Some(IngestDone::Queued { plan, tokens_left }) => {
            context.allowance.left = *tokens_left;
            Some(plan)
        }
        Some(IngestDone::Reported { .. }) | None => None,
    };
    let tokens_left = context.allowance.left;
    let leads =
        profiles.into_iter().map(|(profile, found)| PlanLead::harvested(profile, found)).collect();
    let about = ["post", run.run_stamp.as_str(), run.client.as_str(), apify_run.id.as_str()];
    let mut plan = context.plan(&about, leads)?;
    plan.share_rest(&mut context.allowance);
    let facts = context.facts(&plan);
    let id = plan.id.clone();
    // If the harvest has ended again, the plan has another id.
    if queued != Some(&id) {
        queue_plan(&app.queue, &context, plan, (source_of(apify_run), None)).await?;
        keep(IngestDone::Queued { plan: id.clone(), tokens_left });
    }
    Ok(QueuedPlan { id, facts })
}

pub(crate) fn source_of(apify_run: &ApifyRun) -> Source {
    Source::Harvest {
        apify_run: apify_run.id.clone(),
        finished_at: apify_run.finished_at.unwrap_or(apify_run.started_at),
    }
}

fn run_failed(task: &Ingest, reason: String) -> Fact {
    Fact::RunFailed(RunFailed { apify_run: Some(task.apify_run_id.clone()), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_header;

    fn resolved(client: &ClientId, base: Result<&str, &str>) -> Resolved {
        Resolved {
            run: RunHeader { client: client.clone(), ..run_header() },
            is_run_of_record: false,
            base: base.map(|base| base.parse().unwrap()).map_err(str::to_owned),
            token_limit: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_task_says_whose_harvest_it_is_once_that_is_found_out() {
        let (guy, nobody) = (run_header().client, ClientId::unattributed());
        let bare = Hints::default();
        let named = Hints { client: Some(guy.clone()), ..Hints::default() };
        let served = resolved(&guy, Ok("appX8s1pPiBf5rqTz"));
        assert_eq!(found_out(&bare, &served), Some(named.clone()));
        assert_eq!(found_out(&named, &served), None);
        let pinned = Hints { run_stamp: Some(run_header().run_stamp), ..named.clone() };
        assert_eq!(found_out(&pinned, &served), None);
        let recorded = Resolved { is_run_of_record: true, ..served };
        assert_eq!(found_out(&named, &recorded), Some(pinned.clone()));
        assert_eq!(found_out(&pinned, &recorded), None);
        let lost = resolved(&nobody, Err("nobody's"));
        for hints in [bare, named] {
            let known = Hints { unattributed: Some("nobody's".to_owned()), ..hints.clone() };
            assert_eq!(found_out(&hints, &lost), Some(known.clone()));
            assert_eq!(found_out(&known, &lost), None, "or it would go round for ever");
        }
    }
}
