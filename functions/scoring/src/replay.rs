//! What failed or is missing of a run is planned again.

use crate::Scoring;
use crate::apify;
use crate::ingest::{self, Planning, noted};
use crate::plan::{Plan, PlanLead};
use crate::prepare::NotPlanned;
use crate::report::report;
use crate::resolve;
use shared::digest::id_of;
use shared::failure::Failure;
use shared::ids::{BaseId, ClientId, LeadKey, RecordId};
use shared::messages::{
    Clients, Fact, Hints, Ingest, Kind, Message, Replay, ReplayPlan, RunHeader, Score, ScoringTask,
    Source, plan_group,
};
use shared::seams::{OutgoingMessage, Queue, QueueName, Transport};
use std::collections::BTreeMap;

/// Handles a `Replay` task. What can never be planned again is noted on the record; the run stays
/// as it was then.
pub(crate) async fn replay<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
) -> Result<(), Failure> {
    let span = shared::telemetry::run_span(&task.run);
    tracing::Instrument::instrument(replay_run(app, task), span).await
}

async fn replay_run<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
) -> Result<(), Failure> {
    let run = &task.run;
    if run.client == ClientId::unattributed() {
        // By now the table `Apify` may name the client that nothing named then.
        for apify_run in &task.unplanned {
            let hints = Hints { base_run: None, ..Hints::default() };
            ingest::ingest(app, &ingest_of(task, apify_run, hints)).await?;
        }
        return Ok(());
    }
    let master = &app.config.airtable.master_base;
    let (base, token_limit) = resolve::served_base(&app.planning, master, &run.client)
        .await
        .map_err(Failure::retryable)?;
    let base = match base {
        Ok(base) => base,
        Err(reason) => {
            return report(app, run, vec![noted(format!("nothing was queued again: {reason}"))])
                .await;
        }
    };
    for apify_run in &task.unplanned {
        let seen_at = app.clock.now();
        let found = app.apify.run(apify_run).await.map_err(Failure::retryable)?;
        let ingest = ingest_of(task, apify_run, Hints::default());
        ingest::ingest_run(
            app,
            &ingest,
            found.as_ref(),
            seen_at,
            run,
            Ok(base.clone()),
            token_limit,
        )
        .await?;
    }
    for plan in &task.plans {
        match plan.kind {
            Kind::Post => replay_posts(app, task, &base, plan, token_limit).await?,
            Kind::Profile => replay_profiles(app, task, plan).await?,
        }
    }
    Ok(())
}

fn ingest_of(task: &Replay, apify_run: &shared::ids::ApifyRunId, hints: Hints) -> Ingest {
    Ingest {
        apify_run_id: apify_run.clone(),
        event_type: "REPLAY".to_owned(),
        hints,
        received_at: task.requested_at,
    }
}

/// Plans the leads' posts anew: from the harvest while Apify has it, and from the leads' rows
/// where it is gone. A harvest's posts are in the row since the first try.
async fn replay_posts<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
    base: &BaseId,
    again: &ReplayPlan,
    token_limit: Option<u64>,
) -> Result<(), Failure> {
    let run = &task.run;
    let planning = match Planning::prepare(app, run, base, token_limit, true).await {
        Ok(planning) => planning,
        Err(NotPlanned::Later(failure)) => return Err(failure),
        Err(NotPlanned::Never(reason)) => {
            let note = noted(format!("leads were not queued again: {reason}"));
            return report(app, run, vec![note]).await;
        }
    };
    let mut allowance = planning.allowance.clone();
    let mut wanted: BTreeMap<&LeadKey, Option<&RecordId>> =
        again.leads.iter().map(|lead| (&lead.lead, lead.record.as_ref())).collect();
    let mut plans: Vec<(Plan, Source)> = Vec::new();
    let at = task.requested_at.to_string();
    let about = |from: &'static str| {
        ["replay", run.base_run.as_str(), run.client.as_str(), again.plan.as_str(), &at, from]
            .map(str::to_owned)
    };
    let mut new_plan = |from, mut leads: Vec<PlanLead>| {
        planning.estimate(app, &mut leads);
        let about = about(from);
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        Plan::new(&about, leads, app.config.lanes, &mut allowance)
            .map(|plan| plan.replacing(&again.plan))
            .map_err(Failure::poison)
    };
    if let Some(apify_run) = &again.harvest {
        let found = app.apify.run(apify_run).await.map_err(Failure::retryable)?;
        if let Some(found) = &found
            && let Some(status) = found.status
            && let Some(harvest) =
                apify::harvest(&app.apify, found, status).await.map_err(Failure::retryable)?
        {
            let leads: Vec<PlanLead> = harvest
                .profiles
                .into_iter()
                .map(|(profile, found)| PlanLead::harvested(profile, found.posts, found.items))
                .filter(|lead| wanted.remove(lead.key()).is_some())
                .collect();
            if !leads.is_empty() {
                plans.push((new_plan("harvest", leads)?, ingest::source_of(found)));
            }
        }
    }
    let rows: Vec<PlanLead> = wanted
        .iter()
        .filter_map(|(key, record)| Some(PlanLead::waiting((*key).clone(), (*record)?.clone(), 0)))
        .collect();
    let lost = wanted.len() - rows.len();
    if !rows.is_empty() {
        plans.push((new_plan("rows", rows)?, Source::Waiting));
    }
    let mut facts: Vec<Fact> = Vec::new();
    for (plan, source) in plans {
        match ingest::queue(app, run, base, plan, source, &planning).await {
            Ok(queued) => facts.extend(queued.facts),
            Err(NotPlanned::Later(failure)) => return Err(failure),
            Err(NotPlanned::Never(reason)) => {
                facts.push(noted(format!("leads were not queued again: {reason}")));
            }
        }
    }
    if lost > 0 {
        facts.push(noted(format!(
            "{lost} lead(s) cannot be queued again: Apify has deleted their harvest and their rows \
             were never found; harvest them again"
        )));
    }
    report(app, run, facts).await
}

/// Leads are scored by their rows: that is a `Score` task for exactly these.
async fn replay_profiles<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
    again: &ReplayPlan,
) -> Result<(), Failure> {
    let RunHeader { base_run, client, .. } = &task.run;
    let lead_ids: Vec<RecordId> =
        again.leads.iter().filter_map(|lead| lead.record.clone()).collect();
    if lead_ids.is_empty() {
        return Ok(());
    }
    let score = ScoringTask::Score(Score {
        clients: Clients::One(client.clone()),
        kind: again.kind,
        base_run: Some(base_run.clone()),
        requested_at: Some(task.requested_at),
        limit: None,
        lead_ids,
        dry_run: false,
        token_share: None,
        so_far: None,
    });
    let body = score.encode();
    let message = OutgoingMessage {
        group: plan_group(client.as_str()),
        deduplication: id_of(&["replay", &task.requested_at.to_string(), &body]),
        body,
    };
    app.queue.send(QueueName::Scoring, vec![message]).await.map_err(Failure::retryable)
}
