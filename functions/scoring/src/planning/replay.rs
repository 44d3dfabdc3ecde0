//! What failed or is missing of a run is planned again.

use crate::Scoring;
use crate::budget::Allowance;
use crate::master::clients::{Client, find_client};
use crate::planning::dataset;
use crate::planning::ingest::{self, Planning, noted};
use crate::planning::plan::{Plan, PlanLead};
use crate::planning::prepare::NotPlanned;
use crate::report::report;
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, ClientId, LeadKey, RecordId};
use shared::messages::{Fact, Hints, Ingest, Kind, Replay, ReplayPlan, Source};
use shared::ports::{Queue, Transport};
use shared::schema::clients;
use std::collections::BTreeMap;

/// Handles a `Replay` task. What can never be planned again is noted on the record; the run stays
/// as it was then.
pub(crate) async fn replay<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
) -> Result<(), Failure> {
    let span = shared::telemetry::logs::run_span(&task.run);
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
            let hints = Hints { run_stamp: None, ..Hints::default() };
            ingest::ingest(app, &ingest_of(task, apify_run, hints)).await?;
        }
        return Ok(());
    }
    let master = &app.config.airtable.master_base;
    let client = find_client(&app.planning, master, &run.client).await;
    let client = client.map_err(Failure::retry)?;
    for kind in [Kind::Post, Kind::Profile] {
        replay_kind(app, task, client.as_ref(), kind).await?;
    }
    Ok(())
}

/// Plans again what is to be scored of one kind. Harvests bring posts.
async fn replay_kind<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
    client: Option<&Client>,
    kind: Kind,
) -> Result<(), Failure> {
    let run = &task.run;
    let harvests = match kind {
        Kind::Post => &task.unplanned[..],
        Kind::Profile => &[],
    };
    let plans: Vec<&ReplayPlan> = task.plans.iter().filter(|plan| plan.kind == kind).collect();
    if harvests.is_empty() && plans.is_empty() {
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
            return report(app, run, vec![noted(format!("nothing was queued again: {reason}"))])
                .await;
        }
    };
    let token_limit = client.and_then(|client| client.token_limit(kind));
    for apify_run in harvests {
        let seen_at = app.clock.now();
        let found = app.apify.run(apify_run).await.map_err(Failure::retry)?;
        let ingest = ingest_of(task, apify_run, Hints::default());
        let base = Ok(base.clone());
        ingest::ingest_run(app, &ingest, found.as_ref(), seen_at, run, base, token_limit).await?;
    }
    let is_needed = !plans.is_empty();
    let planning = Planning::prepare(app, run, &base, kind, token_limit, is_needed).await;
    let planning = match planning {
        Ok(planning) => planning,
        Err(NotPlanned::Later(failure)) => return Err(failure),
        Err(NotPlanned::Never(reason)) => return report(app, run, vec![not_queued(&reason)]).await,
    };
    let mut allowance = planning.allowance.clone();
    for again in plans {
        plan_again(app, task, &base, again, &planning, &mut allowance).await?;
    }
    Ok(())
}

fn ingest_of(task: &Replay, apify_run: &shared::core::ids::ApifyRunId, hints: Hints) -> Ingest {
    Ingest {
        apify_run_id: apify_run.clone(),
        event_type: "REPLAY".to_owned(),
        hints,
        received_at: task.requested_at,
    }
}

/// Plans the leads of one plan anew: from their harvest while Apify has it, and else from their
/// rows. A harvest's posts are in the row since the first try.
async fn plan_again<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &Replay,
    base: &BaseId,
    again: &ReplayPlan,
    planning: &Planning,
    allowance: &mut Allowance,
) -> Result<(), Failure> {
    let run = &task.run;
    let mut wanted: BTreeMap<&LeadKey, Option<&RecordId>> =
        again.leads.iter().map(|lead| (&lead.lead, lead.record.as_ref())).collect();
    let mut plans: Vec<(Plan, Source)> = Vec::new();
    let at = task.requested_at.to_string();
    let (run_stamp, client) = (run.run_stamp.as_str(), run.client.as_str());
    let mut new_plan = |from: &str, mut leads: Vec<PlanLead>| {
        planning.estimate(app, &mut leads);
        let about = ["replay", run_stamp, client, again.plan.as_str(), &at, from];
        Plan::new(&about, leads, app.config.lanes, allowance)
            .map(|plan| plan.replacing(&again.plan))
            .map_err(Failure::dead_letter)
    };
    if let Some(apify_run) = &again.harvest {
        let found = app.apify.run(apify_run).await.map_err(Failure::retry)?;
        if let Some(found) = &found
            && let Some(status) = found.status
            && let Some(harvest) =
                dataset::harvest(&app.apify, found, status).await.map_err(Failure::retry)?
        {
            let leads: Vec<PlanLead> = harvest
                .profiles
                .into_iter()
                .map(|(profile, found)| PlanLead::harvested(profile, found))
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
        match ingest::queue(app, run, base, plan, source, planning).await {
            Ok(queued) => facts.extend(queued.facts),
            Err(NotPlanned::Later(failure)) => return Err(failure),
            Err(NotPlanned::Never(reason)) => facts.push(not_queued(&reason)),
        }
    }
    if lost > 0 {
        facts.push(noted(cannot_be_queued(lost, again)));
    }
    report(app, run, facts).await
}

fn not_queued(reason: &str) -> Fact {
    noted(format!("leads were not queued again: {reason}"))
}

fn cannot_be_queued(leads: usize, again: &ReplayPlan) -> String {
    let why = match again.kind {
        Kind::Post => {
            "Apify has deleted their harvest and their rows were never found; harvest them again"
        }
        Kind::Profile => {
            "their rows were never found; set their Scoring Status to \"To Be Scored\" and score \
             what is waiting"
        }
    };
    format!("{leads} lead(s) cannot be queued again: {why}")
}
