//! A harvest ended: resolve its run, read it, plan its leads.

use crate::Scoring;
use crate::budget::Allowance;
use crate::master::clients::allowance as allowance_of;
use crate::master::resolve::{Resolved, resolve};
use crate::planning::dataset;
use crate::planning::harvest::ProfilePosts;
use crate::planning::plan::{Plan, PlanLead};
use crate::planning::prepare::{NotPlanned, Prepared, prepare};
use crate::report::report;
use jiff::{SignedDuration, Timestamp};
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, ClientId, PlanId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{
    Fact, Harvested, Hints, Ingest, Kind, Note, NoteKind, Opened, OpenedBy, RunFailed, RunHeader,
    Source, routes,
};
use shared::ports::{Queue, QueueName, Transport};
use shared::services::apify::ApifyRun;
use std::collections::BTreeMap;

/// Apify's figures are preliminary for this long after a run's end.
const PRELIMINARY: SignedDuration = SignedDuration::from_secs(10);

/// Handles an `Ingest` task.
pub(crate) async fn ingest<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Ingest,
) -> Result<(), Failure> {
    let seen_at = app.clock.now();
    // A refusal is retried too: the token can be corrected, and the harvest is paid for.
    let apify_run = app.apify.run(&task.apify_run_id).await.map_err(Failure::retry)?;
    let master = &app.config.airtable.master_base;
    // Whatever is wrong with the master base can be put right; the harvest is paid for.
    let Resolved { run, base, token_limit } =
        resolve(&app.planning, master, task, apify_run.as_ref()).await.map_err(Failure::retry)?;
    if task.hints.client.is_none() && run.client != ClientId::unattributed() {
        // Only now it is known whose plan this is: it goes on behind that client's others.
        let hints = Hints { client: Some(run.client), ..task.hints.clone() };
        let message = routes::ingest(Ingest { hints, ..task.clone() });
        let queued = app.queue.send(QueueName::Scoring, vec![message]).await;
        return queued.map_err(Failure::retry);
    }
    let span = shared::telemetry::logs::run_span(&run);
    let result = tracing::Instrument::instrument(
        ingest_run(app, task, apify_run.as_ref(), seen_at, &run, base, token_limit),
        span,
    );
    result.await
}

/// Handles an `Ingest` task whose run is known.
pub(crate) async fn ingest_run<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Ingest,
    apify_run: Option<&ApifyRun>,
    seen_at: Timestamp,
    run: &RunHeader,
    base: Result<BaseId, String>,
    token_limit: Option<u64>,
) -> Result<(), Failure> {
    let mut facts = vec![Fact::Opened(Opened { by: OpenedBy::Webhook(task.apify_run_id.clone()) })];
    facts.extend(task.hints.unusable.iter().map(|text| noted(text.clone())));
    report(app, run, facts).await?;

    let Some(apify_run) = apify_run else {
        let reason = format!(
            "Apify knows no run {}: the webhook names a run that was deleted or never was",
            task.apify_run_id
        );
        return report(app, run, vec![failed(task, reason)]).await;
    };
    let Some(status) = apify_run.status else {
        return Err(Failure::retry(format!("Apify run {} is still going on", apify_run.id)));
    };
    let harvest = dataset::harvest(&app.apify, apify_run, status).await.map_err(Failure::retry)?;
    let Some(mut harvest) = harvest else {
        let reason = format!(
            "the dataset of Apify run {} is gone: Apify deletes unnamed datasets after some days; \
             harvest again",
            apify_run.id
        );
        return report(app, run, vec![failed(task, reason)]).await;
    };
    let profiles = std::mem::take(&mut harvest.profiles);
    let mut facts = Vec::new();
    let planned = match base {
        Err(reason) => {
            facts.push(failed(task, reason));
            None
        }
        Ok(base) => match plan(app, run, &base, apify_run, profiles, token_limit).await {
            Ok(planned) => {
                facts.extend(planned.facts);
                Some(planned.id)
            }
            Err(NotPlanned::Later(failure)) => return Err(failure),
            Err(NotPlanned::Never(reason)) => {
                facts.push(failed(task, reason));
                None
            }
        },
    };
    let harvested = |apify_run: &ApifyRun, seen_at| {
        Fact::Harvested(Harvested {
            apify_run: apify_run.id.clone(),
            status,
            targets: harvest.targets,
            posts: harvest.posts,
            posts_without_profile: harvest.posts_without_profile,
            cost: apify_run.cost,
            seen_at: Some(seen_at),
            plan: planned.clone(),
        })
    };
    facts.insert(0, harvested(apify_run, seen_at));
    report(app, run, facts).await?;

    // The figures were preliminary: the leads are being scored already, so wait and look again.
    let final_at = apify_run.finished_at.map(|finished| finished + PRELIMINARY);
    if let Some(final_at) = final_at.filter(|final_at| *final_at > seen_at) {
        let left = final_at.duration_since(app.clock.now()).max(SignedDuration::ZERO);
        tokio::time::sleep(left.unsigned_abs()).await;
        let read_again_at = app.clock.now();
        if let Some(final_run) = app.apify.run(&apify_run.id).await.map_err(Failure::retry)?
            && final_run.cost != apify_run.cost
        {
            report(app, run, vec![harvested(&final_run, read_again_at)]).await?;
        }
    }
    Ok(())
}

/// A plan whose chunks are queued.
pub(crate) struct QueuedPlan {
    id: PlanId,
    pub(crate) facts: Vec<Fact>,
}

/// Plans a harvest's leads and queues the chunks.
async fn plan<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    base: &BaseId,
    apify_run: &ApifyRun,
    profiles: BTreeMap<ProfileKey, ProfilePosts>,
    token_limit: Option<u64>,
) -> Result<QueuedPlan, NotPlanned> {
    let mut planned_leads: Vec<PlanLead> =
        profiles.into_iter().map(|(profile, found)| PlanLead::harvested(profile, found)).collect();
    let prepared =
        Planning::prepare(app, run, base, Kind::Post, token_limit, !planned_leads.is_empty())
            .await?;
    let about = ["post", run.run_stamp.as_str(), run.client.as_str(), apify_run.id.as_str()];
    prepared.estimate(app, &mut planned_leads);
    let mut allowance = prepared.allowance.clone();
    let plan = Plan::new(&about, planned_leads, app.config.lanes, &mut allowance)
        .map_err(|too_many| NotPlanned::Never(too_many.to_string()))?;
    queue(app, run, base, plan, source_of(apify_run), &prepared).await
}

/// What plans need besides their leads.
pub(crate) struct Planning {
    kind: Kind,
    /// The client's rubric and fields; `None` where there is no lead to plan.
    prepared: Option<Prepared>,
    /// What the limits leave for the run.
    pub(crate) allowance: Allowance,
}

impl Planning {
    /// Reads it, if there is anything to plan.
    pub(crate) async fn prepare<T: Transport, Q: Queue>(
        app: &Scoring<T, Q>,
        run: &RunHeader,
        base: &BaseId,
        kind: Kind,
        token_limit: Option<u64>,
        is_needed: bool,
    ) -> Result<Self, NotPlanned> {
        if !is_needed {
            return Ok(Self { kind, prepared: None, allowance: Allowance::new(None) });
        }
        let prepared = Some(prepare(app, base, kind).await?);
        let (run_stamp, client) = (&run.run_stamp, &run.client);
        let left = allowance_of(app, run_stamp, client, kind, token_limit, None).await?;
        Ok(Self { kind, prepared, allowance: Allowance::new(left) })
    }

    /// Estimates what scoring the leads will use, where there is a limit to keep.
    pub(crate) fn estimate<T, Q>(&self, app: &Scoring<T, Q>, leads: &mut [PlanLead]) {
        if let Some(prepared) = self.prepared.as_ref().filter(|_| self.allowance.is_limited()) {
            let rates = prepared.rates(app.config.leads_per_call);
            leads.iter_mut().for_each(|lead| lead.estimate(&rates));
        }
    }
}

/// The source of a harvest's leads.
pub(crate) fn source_of(apify_run: &ApifyRun) -> Source {
    Source::Harvest {
        apify_run: apify_run.id.clone(),
        finished_at: apify_run.finished_at.unwrap_or(apify_run.started_at),
    }
}

/// Queues the chunks of a plan. The facts about the plan are still to be sent.
pub(crate) async fn queue<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    base: &BaseId,
    plan: Plan,
    source: Source,
    planning: &Planning,
) -> Result<QueuedPlan, NotPlanned> {
    let id = plan.id.clone();
    let mut facts = Vec::new();
    if plan.dropped_posts() > 0 {
        facts.push(noted(format!(
            "{} harvested post(s) were left out: their leads' cells have no room for them",
            plan.dropped_posts()
        )));
    }
    facts.extend(plan.facts(planning.kind, None));
    if let Some(prepared) = &planning.prepared {
        facts.extend(prepared.warnings.iter().cloned().map(noted));
        let messages = plan.into_messages(&prepared.frame(run, base, source));
        tracing::info!(plan.id = %id, plan.chunks = messages.len(), "plan queued");
        app.queue.send(QueueName::Scoring, messages).await?;
    }
    Ok(QueuedPlan { id, facts })
}

fn failed(task: &Ingest, reason: String) -> Fact {
    Fact::RunFailed(RunFailed { apify_run: Some(task.apify_run_id.clone()), reason })
}

/// A note about something odd in the input.
pub(crate) fn noted(text: String) -> Fact {
    Fact::Noted(Note { kind: NoteKind::Input, text })
}
