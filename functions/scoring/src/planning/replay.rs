//! Plans again what failed or is missing in a run.

use super::harvest::read_harvest;
use super::ingest::{HarvestRun, ingest_harvest, ingest_run, source_of};
use super::omitted::{cannot_be_queued, scored_from_rows};
use super::plan::Plan;
use super::plan_lead::PlanLead;
use super::prepare::{PlanContext, PlanTarget};
use super::publish::queue_plan;
use crate::app::Scoring;
use crate::left::Left;
use crate::master::clients::Client;
use crate::master::resolve::Resolved;
use crate::report::{input_note, told_note};
use crate::task_error::TaskError;
use shared::core::failure::Failure;
use shared::core::ids::{ApifyRunId, ClientId, LeadKey, RecordId};
use shared::messages::{
    Fact, Hints, Ingest, IngestDone, Kind, Replay, ReplayPlan, ScoringTask, Source,
};
use shared::ports::Env;
use shared::schema::clients;
use shared::services::airtable::AirtableError;
use std::collections::BTreeMap;
use tracing::Instrument;

/// The rest of a replay: finished parts are removed from the task.
struct ReplayRest<'a> {
    task: Replay,
    left: &'a Left,
}

impl ReplayRest<'_> {
    /// Changes what is left to do, for this attempt and for the next one.
    fn change(&mut self, change: impl FnOnce(&mut Replay)) {
        change(&mut self.task);
        self.left.note_rest(ScoringTask::Replay(Box::new(self.task.clone())));
    }

    /// Saves how far the first harvest of the task got.
    fn keep(&self, done: IngestDone) {
        let rest = Replay { done: Some(Box::new(done)), ..self.task.clone() };
        self.left.note_rest(ScoringTask::Replay(Box::new(rest)));
    }

    fn first_harvest_is_done(&mut self) {
        self.change(|task| {
            task.unplanned.remove(0);
            task.done = None;
        });
    }
}

/// Handles a `Replay` task. What can never be planned again is noted on the record, and the run
/// stays as it was.
pub(crate) async fn replay_run<E: Env>(
    app: &Scoring<E>,
    task: &Replay,
    left: &Left,
) -> Result<(), Failure> {
    let span = shared::telemetry::logs::run_span(&task.run);
    async {
        let mut rest = ReplayRest { task: task.clone(), left };
        if task.run.client == ClientId::unattributed() {
            // The table `Apify` may name the client now.
            while let Some(ingest) = first_ingest(&rest.task) {
                ingest_harvest(app, &ingest, &|done| rest.keep(done)).await?;
                rest.first_harvest_is_done();
            }
            return Ok(());
        }
        let client = app.master().find_client(&task.run.client).await;
        let client = client.map_err(AirtableError::correctable)?;
        for kind in [Kind::Post, Kind::Profile] {
            replay_kind(app, &mut rest, client.as_ref(), kind).await?;
        }
        Ok(())
    }
    .instrument(span)
    .await
}

async fn replay_kind<E: Env>(
    app: &Scoring<E>,
    rest: &mut ReplayRest<'_>,
    client: Option<&Client>,
    kind: Kind,
) -> Result<(), Failure> {
    let run = &rest.task.run.clone();
    let has_harvests = kind == Kind::Post && !rest.task.unplanned.is_empty();
    let has_plans = rest.task.plans.iter().any(|plan| plan.kind == kind);
    if !has_harvests && !has_plans {
        return Ok(());
    }
    let base = match client {
        Some(client) => client.served_base(kind),
        None => {
            let client = run.client.as_str();
            Err(format!("client {client:?} is not in the table {:?}", clients::TABLE))
        }
    };
    let base = match base {
        Ok(base) => base,
        Err(reason) => {
            let note = input_note(format!("nothing was queued again: {reason}"));
            return app.reporter(run).report(vec![note]).await;
        }
    };
    let token_limit = client.and_then(|client| client.token_limit(kind));
    let notes = client.map(|client| client.notes(kind)).unwrap_or_default();
    if !notes.is_empty() {
        app.reporter(run).report(notes.into_iter().map(input_note).collect()).await?;
    }
    if has_harvests {
        let (base, notes) = (Ok(base.clone()), Vec::new());
        let resolved =
            Resolved { run: run.clone(), is_run_of_record: false, base, token_limit, notes };
        replay_harvests(app, rest, &resolved).await?;
    }
    if has_plans {
        let target = PlanTarget { run, base: &base, kind, token_limit };
        replay_plans(app, rest, target).await?;
    }
    Ok(())
}

/// Reads and plans the harvests that were never planned.
async fn replay_harvests<E: Env>(
    app: &Scoring<E>,
    rest: &mut ReplayRest<'_>,
    resolved: &Resolved,
) -> Result<(), Failure> {
    while let Some(ingest) = first_ingest(&rest.task) {
        let keep = |done| rest.keep(done);
        if matches!(ingest.done.as_deref(), Some(IngestDone::Reported { .. })) {
            ingest_harvest(app, &ingest, &keep).await?;
        } else {
            let seen_at = app.clock.now();
            let found = app.apify.run(&ingest.apify_run_id).await.map_err(Failure::retry)?;
            let (task, apify_run, keep) = (&ingest, found.as_ref(), &keep);
            let harvest = HarvestRun { task, apify_run, seen_at, resolved, keep };
            ingest_run(app, &harvest).await?;
        }
        rest.first_harvest_is_done();
    }
    Ok(())
}

/// Plans the leads of the plans of one kind again.
async fn replay_plans<E: Env>(
    app: &Scoring<E>,
    rest: &mut ReplayRest<'_>,
    target: PlanTarget<'_>,
) -> Result<(), Failure> {
    let mut context = match PlanContext::read(app, target).await {
        Ok(context) => context,
        Err(TaskError::Retry(failure)) => {
            return Err(app.reporter(target.run).waits(failure).await);
        }
        Err(TaskError::Fatal(reason)) => {
            return app.reporter(target.run).report(vec![not_queued(&reason)]).await;
        }
    };
    if context.allowance.left.is_some() && rest.task.tokens_left.is_some() {
        context.allowance.left = rest.task.tokens_left;
    }
    let of_kind = |task: &Replay| task.plans.iter().position(|plan| plan.kind == target.kind);
    while let Some(at) = of_kind(&rest.task) {
        let plan = rest.task.plans[at].clone();
        rest.task.tokens_left = context.allowance.left;
        plan_again(app, rest, &plan, &mut context).await?;
        rest.change(|task| {
            task.plans.remove(at);
            task.queued.clear();
            task.tokens_left = context.allowance.left;
        });
    }
    rest.change(|task| task.tokens_left = None);
    Ok(())
}

/// The task that reads the first remaining harvest.
fn first_ingest(task: &Replay) -> Option<Ingest> {
    let apify_run = task.unplanned.first()?;
    Some(Ingest { done: task.done.clone(), ..ingest_of(task, apify_run) })
}

fn ingest_of(task: &Replay, apify_run: &ApifyRunId) -> Ingest {
    Ingest {
        apify_run_id: apify_run.clone(),
        event_type: "REPLAY".to_owned(),
        hints: Hints::default(),
        received_at: task.requested_at,
        finished_at: None,
        dispatch_id: None,
        done: None,
    }
}

/// Plans the leads of one plan again: from their harvest while Apify has it, otherwise from their
/// rows, which contain the harvest's posts since the first attempt.
async fn plan_again<E: Env>(
    app: &Scoring<E>,
    rest: &mut ReplayRest<'_>,
    replay: &ReplayPlan,
    context: &mut PlanContext<'_>,
) -> Result<(), Failure> {
    let mut wanted: BTreeMap<&LeadKey, Option<&RecordId>> =
        replay.leads.iter().map(|lead| (&lead.lead, lead.record.as_ref())).collect();
    let mut plans: Vec<(Plan, Source)> = Vec::new();
    let mut facts: Vec<Fact> = Vec::new();
    if let Some(apify_run) = &replay.harvest {
        match harvested_leads(app, apify_run, &mut wanted).await? {
            Some((leads, source)) if !leads.is_empty() => {
                plans.push((new_plan(&rest.task, replay, context, "harvest", leads)?, source));
            }
            Some(_) => {}
            None => facts.push(told_note(scored_from_rows(apify_run, wanted.len()))),
        }
    }
    let rows: Vec<PlanLead> = wanted
        .iter()
        .filter_map(|(key, record)| Some(PlanLead::waiting((*key).clone(), (*record)?.clone(), 0)))
        .collect();
    let lost = wanted.len() - rows.len();
    if !rows.is_empty() {
        plans.push((new_plan(&rest.task, replay, context, "rows", rows)?, Source::Waiting));
    }
    let at = app.clock.now();
    for (plan, source) in plans {
        let (id, of_plan) = (plan.id.clone(), context.facts(&plan));
        if rest.task.queued.contains(&id) {
            facts.extend(of_plan);
            continue;
        }
        match queue_plan(&app.queue, context, plan, (source, Some(at))).await {
            Ok(()) => {
                facts.extend(of_plan);
                rest.change(|task| task.queued.push(id));
            }
            Err(TaskError::Retry(failure)) => return Err(failure),
            Err(TaskError::Fatal(reason)) => facts.push(not_queued(&reason)),
        }
    }
    if lost > 0 {
        facts.push(input_note(cannot_be_queued(lost, replay.kind)));
    }
    app.reporter(&rest.task.run).report_at(at, facts).await
}

/// The wanted leads that are in the harvest; they are removed from `wanted`. `None` if Apify no
/// longer has the harvest.
async fn harvested_leads<E: Env>(
    app: &Scoring<E>,
    apify_run: &ApifyRunId,
    wanted: &mut BTreeMap<&LeadKey, Option<&RecordId>>,
) -> Result<Option<(Vec<PlanLead>, Source)>, Failure> {
    let found = app.apify.run(apify_run).await.map_err(Failure::retry)?;
    let Some(found) = found else { return Ok(None) };
    let Some(status) = found.status else { return Ok(None) };
    let harvest = read_harvest(&app.apify, &found, status).await.map_err(Failure::retry)?;
    if harvest.is_unread {
        return Ok(None);
    }
    let leads: Vec<PlanLead> = harvest
        .profiles
        .into_iter()
        .map(|(profile, found)| PlanLead::harvested(profile, found))
        .filter(|lead| wanted.remove(&lead.lead.key).is_some())
        .collect();
    Ok(Some((leads, source_of(&found))))
}

fn new_plan(
    task: &Replay,
    replay: &ReplayPlan,
    context: &mut PlanContext<'_>,
    from: &str,
    leads: Vec<PlanLead>,
) -> Result<Plan, Failure> {
    let (run_stamp, client) = (task.run.run_stamp.as_str(), task.run.client.as_str());
    let at = task.requested_at.to_string();
    let about = ["replay", run_stamp, client, replay.plan.as_str(), &at, from];
    let plan = context.plan(&about, leads)?;
    Ok(plan.replacing(&replay.plan))
}

fn not_queued(reason: &str) -> Fact {
    input_note(format!("leads were not queued again: {reason}"))
}
