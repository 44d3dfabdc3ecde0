//! Scores waiting leads: finds the leads of one client or of every client, and plans them page by
//! page.
//!
//! The leads are planned in parts. Each part is a plan whose id is made from its leads. If planning
//! starts again after a crash, the parts may differ, because some leads have been scored in the
//! meantime. If a lead is in two parts, the first scores it and the second finds the score. The
//! plan that closes the run's planning is reported last: until then the run is not over.

use super::client_run::{plan_id, run_of, served_base};
use super::prepare::PlanTarget;
use super::price::WaitingPrice;
use super::waiting_planner::{WaitingOutcome, WaitingRequest, plan_waiting};
use crate::app::Scoring;
use crate::left::Left;
use crate::master::clients::Client;
use crate::report::{input_note, told_note};
use crate::task_error::TaskError;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::{PlanId, RunStamp};
use shared::messages::{
    ClientScope, Fact, Kind, OpenedBy, Planned, RunFailed, RunHeader, ScanCursor, ScoreWaiting,
    routes,
};
use shared::ports::Env;
use shared::services::airtable::AirtableError;
use tracing::Instrument;

pub(crate) async fn score_waiting<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    left: &Left,
    deadline: Deadline,
) -> Result<(), Failure> {
    let run_stamp = task.run().map_err(Failure::dead_letter)?;
    match &task.clients {
        ClientScope::All => fan_out(app, task, &run_stamp).await,
        ClientScope::One(client) => {
            let (client, run) = run_of(app, task, run_stamp, client).await?;
            let span = shared::telemetry::logs::run_span(&run);
            let of_client = ClientTask { task, run: &run, left, deadline };
            score_run(app, of_client, client.as_ref()).instrument(span).await
        }
    }
}

/// Queues a task for each client whose leads are scored. The rest of the day's limit is divided
/// evenly, so that no client's plan has to wait for another one.
async fn fan_out<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    run_stamp: &RunStamp,
) -> Result<(), Failure> {
    let clients = app.master().served_clients(task.kind, app.clock.now()).await;
    let clients = clients.map_err(AirtableError::correctable)?;
    let share = match app.config.daily_token_limit {
        None => None,
        Some(limit) => {
            let spent = app.master().spent_on_day(app.clock.now()).await;
            let spent = spent.map_err(AirtableError::correctable)?;
            limit.saturating_sub(spent).checked_div(clients.len() as u64)
        }
    };
    let count = clients.len();
    let messages = clients.into_iter().map(|(client, row)| {
        let of_client = ScoreWaiting {
            clients: ClientScope::One(client.clone()),
            run_stamp: Some(run_stamp.clone()),
            token_share: share,
            client_row: Some(Box::new(row)),
            ..task.clone()
        };
        routes::score_client(of_client, run_stamp, &client)
    });
    tracing::info!(run.base = %run_stamp, clients = count, "scoring of all clients begins");
    app.queue_tasks(messages.collect()).await
}

/// Scoring the waiting leads of one client.
struct ClientTask<'a> {
    task: &'a ScoreWaiting,
    run: &'a RunHeader,
    left: &'a Left,
    deadline: Deadline,
}

async fn score_run<E: Env>(
    app: &Scoring<E>,
    of_client: ClientTask<'_>,
    client: Option<&Client>,
) -> Result<(), Failure> {
    let ClientTask { task, run, left, deadline } = of_client;
    let kind = task.kind;
    let reporter = app.reporter(run);
    let whole = plan_id(task, run);
    if !task.dry_run {
        let by = OpenedBy::ScoreWaiting { kind, plan: whole.clone() };
        let notes = client.map(|client| client.notes(kind)).unwrap_or_default();
        let facts = app.opened(by).into_iter().chain(notes.into_iter().map(input_note));
        reporter.report(facts.collect()).await?;
    }
    let outcome = match served_base(client, run, kind) {
        Err(reason) => Err(TaskError::Fatal(reason)),
        Ok(base) => {
            let token_limit = client.and_then(|client| client.token_limit(kind));
            let target = PlanTarget { run, base: &base, kind, token_limit };
            let request = WaitingRequest { task, target, whole: &whole, left, deadline };
            plan_waiting(app, &request).await
        }
    };
    match outcome {
        Ok(WaitingOutcome::Unfinished(cursor)) => queue_rest(app, task, run, cursor).await,
        Ok(WaitingOutcome::Done(tally)) if task.dry_run => {
            tell_dry_run(app, run, &WaitingPrice::of(app, kind, tally, true).in_words()).await
        }
        Ok(WaitingOutcome::Done(tally)) => {
            tracing::info!(plan.id = %whole, plan.leads = tally.leads, "waiting leads planned");
            let mut facts: Vec<Fact> = tally.notes.into_iter().map(input_note).collect();
            facts.push(planning_closed(whole, kind));
            reporter.report(facts).await
        }
        Err(TaskError::Retry(failure)) => Err(reporter.waits(failure).await),
        Err(TaskError::Fatal(reason)) if task.dry_run => tell_dry_run(app, run, &reason).await,
        Err(TaskError::Fatal(reason)) => {
            let failed = Fact::RunFailed(RunFailed { apify_run: None, reason });
            reporter.report(vec![failed, planning_closed(whole, kind)]).await
        }
    }
}

/// The plan as a whole. It closes the run's planning.
fn planning_closed(plan: PlanId, kind: Kind) -> Fact {
    let (part_of, replaces, leads_table) = (None, None, None);
    Fact::Planned(Planned { plan, kind, chunks: 0, part_of, replaces, leads_table })
}

/// Queues the rest of the planning, because this invocation has no time left.
async fn queue_rest<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    run: &RunHeader,
    cursor: ScanCursor,
) -> Result<(), Failure> {
    tracing::info!(plan.leads = cursor.leads, "planning continues in another invocation");
    let rest = ScoreWaiting { cursor: Some(cursor), ..task.clone() };
    app.queue_tasks(vec![routes::rest_of_planning(rest, &run.client)]).await
}

/// Reports the result of a dry run: in the log, and on the run's record if it exists. A dry run
/// does not create a record.
async fn tell_dry_run<E: Env>(
    app: &Scoring<E>,
    run: &RunHeader,
    result: &str,
) -> Result<(), Failure> {
    tracing::info!(result, "dry run");
    if app.master().is_recorded(run).await.map_err(AirtableError::correctable)? {
        app.reporter(run).report(vec![told_note(result.to_owned())]).await?;
    }
    Ok(())
}
