//! Scores what is waiting: finds the leads of one client, or of each, and plans them page by page.
//!
//! The leads are planned in parts, each a plan of its own whose id is made of its leads. If planning
//! starts again after a crash, the parts may differ, because leads were scored meanwhile; a lead in
//! two parts is scored by the first and found scored by the second. The plan that closes the run's
//! planning is reported last: until then the run is not over.

use super::prepare::PlanTarget;
use super::price::WaitingPrice;
use super::waiting_planner::{WaitingOutcome, WaitingRequest, plan_waiting};
use crate::app::Scoring;
use crate::left::Left;
use crate::master::clients::Client;
use crate::report::{input_note, told_note};
use crate::task_error::TaskError;
use jiff::SignedDuration;
use shared::core::deadline::Deadline;
use shared::core::digest::id_of;
use shared::core::failure::Failure;
use shared::core::ids::{ClientId, PlanId, RunStamp};
use shared::messages::{
    ClientRow, ClientScope, Fact, Kind, OpenedBy, Planned, RunFailed, RunHeader, RunType,
    ScanCursor, ScoreWaiting, routes,
};
use shared::ports::Env;
use shared::services::airtable::AirtableError;
use tracing::Instrument;

/// How long a client's row that was read for all clients is taken to be as it was.
const ROW_HOLDS: SignedDuration = SignedDuration::from_mins(5);

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

/// Queues a task for each client whose leads are scored. What the day's limit leaves is divided
/// evenly: no client's plan has to wait for another's.
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

/// The scoring of what waits for one client.
struct ClientTask<'a> {
    task: &'a ScoreWaiting,
    run: &'a RunHeader,
    left: &'a Left,
    deadline: Deadline,
}

/// The client as the master base has it, and the run that its task belongs to.
pub(super) async fn run_of<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    run_stamp: RunStamp,
    id: &ClientId,
) -> Result<(Option<Client>, RunHeader), Failure> {
    let age = |row: &ClientRow| app.clock.now().duration_since(row.read_at);
    let known = task.client_row.as_deref();
    let client = match known.filter(|row| (SignedDuration::ZERO..ROW_HOLDS).contains(&age(row))) {
        Some(row) => Some(Client::known(row, id)),
        // Whatever is wrong with the master base can be corrected.
        None => app.master().find_client(id).await.map_err(AirtableError::correctable)?,
    };
    let was_chosen = task.run_stamp.is_some();
    // As its row spells it: what nobody sees in a request's spelling makes no other run.
    let id = client.as_ref().and_then(|client| client.id.parse().ok()).unwrap_or(id.clone());
    let run = RunHeader {
        run_stamp,
        client: id,
        client_name: client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
        run_type: if was_chosen { RunType::Orchestrated } else { RunType::Standalone },
        opened_at: task.requested_at.unwrap_or_else(|| app.clock.now()),
    };
    Ok((client, run))
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

pub(super) fn served_base(
    client: Option<&Client>,
    run: &RunHeader,
    kind: Kind,
) -> Result<shared::core::ids::BaseId, String> {
    let missing = || {
        format!(
            "client {:?} is not in the table {:?}; correct the client's id and score again",
            run.client.as_str(),
            shared::schema::clients::TABLE
        )
    };
    client.ok_or_else(missing)?.served_base(kind)
}

/// The plan as a whole, which closes the run's planning.
fn planning_closed(plan: PlanId, kind: Kind) -> Fact {
    let (part_of, replaces, leads_table) = (None, None, None);
    Fact::Planned(Planned { plan, kind, chunks: 0, part_of, replaces, leads_table })
}

/// Queues the rest of the planning, for which this invocation has no time.
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

/// The id of the plan as a whole: made of what was asked for, not of what was found.
pub(super) fn plan_id(task: &ScoreWaiting, run: &RunHeader) -> PlanId {
    let limit = task.limit.map_or(String::new(), |limit| limit.to_string());
    let asked_at = task.requested_at.map_or(String::new(), |at| at.to_string());
    let (run_stamp, client) = (run.run_stamp.as_str(), run.client.as_str());
    let mut parts = vec!["waiting", task.kind.as_str(), run_stamp, client, &limit, &asked_at];
    parts.extend(task.lead_ids.iter().map(|id| id.as_str()));
    id_of(&parts).try_into().expect("an id has the form of a plan id")
}

/// Reports what a dry run found: in the log, and on the run's record if it has one. A dry run
/// creates no record.
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
