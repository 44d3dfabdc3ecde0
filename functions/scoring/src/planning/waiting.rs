//! Scores what is waiting: finds the leads of one client, or of each, and plans them page by page.
//!
//! The leads are planned some hundred at a time, each part a plan of its own, whose id is made of
//! its leads. Begun again after a crash, the parts may come out otherwise, because leads were
//! scored meanwhile; a lead that stands in two parts is scored by the first and found scored by
//! the second. The plan that closes the run's planning is reported last: until then the run is
//! not over.

use crate::Scoring;
use crate::budget::Allowance;
use crate::master::clients::{self, Client, allowance, find_client};
use crate::planning::plan::{Plan, PlanLead};
use crate::planning::prepare::{NotPlanned, Prepared, prepare};
use crate::planning::scan::{Selection, WaitingLead};
use crate::report::report;
use jiff::Timestamp;
use shared::core::deadline::Deadline;
use shared::core::digest::id_of;
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, ClientId, PlanId, RunId, RunStamp};
use shared::core::prices;
use shared::core::tokens::{NanoUsd, Tier};
use shared::messages::{
    ClientScope, Fact, Kind, MAX_PLAN_LEADS, Note, NoteKind, Opened, OpenedBy, Planned, RunFailed,
    RunHeader, RunType, ScanCursor, ScoreWaiting, Source, routes,
};
use shared::ports::{Queue, QueueName, Transport};
use std::time::Duration;

/// Leads that are planned at a time: the most that are held.
const PART_LEADS: usize = 500;
/// With less time than this left the planning goes on in another invocation.
const PAGE_TIME: Duration = Duration::from_secs(40);

/// Handles a `ScoreWaiting` task.
pub(crate) async fn score<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    deadline: Deadline,
) -> Result<(), Failure> {
    let run_stamp = task.run().map_err(Failure::dead_letter)?;
    match &task.clients {
        ClientScope::All => fan_out(app, task, &run_stamp).await,
        ClientScope::One(client) => score_client(app, task, run_stamp, client, deadline).await,
    }
}

/// Queues a task for each client that is served. What the day's limit leaves is divided evenly:
/// no client's plan waits for another's to know what is left.
async fn fan_out<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    run_stamp: &RunStamp,
) -> Result<(), Failure> {
    let master = &app.config.airtable.master_base;
    let clients = clients::served(&app.planning, master, task.kind).await;
    let clients = clients.map_err(Failure::retry)?;
    let share = match app.config.daily_token_limit {
        None => None,
        Some(limit) => {
            let spent = clients::spent(&app.planning, master, run_stamp, None, task.kind);
            let left = limit.saturating_sub(spent.await.map_err(Failure::retry)?.day);
            left.checked_div(clients.len() as u64)
        }
    };
    let messages = clients.iter().map(|client| {
        let of_client = ScoreWaiting {
            clients: ClientScope::One(client.clone()),
            run_stamp: Some(run_stamp.clone()),
            token_share: share,
            ..task.clone()
        };
        routes::score_client(of_client, run_stamp, client)
    });
    tracing::info!(run.base = %run_stamp, clients = clients.len(), "scoring of all clients begins");
    app.queue.send(QueueName::Scoring, messages.collect()).await.map_err(Failure::retry)
}

async fn score_client<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    run_stamp: RunStamp,
    id: &ClientId,
    deadline: Deadline,
) -> Result<(), Failure> {
    let master = &app.config.airtable.master_base;
    // Whatever is wrong with the master base can be put right.
    let client = find_client(&app.planning, master, id).await.map_err(Failure::retry)?;
    let was_chosen = task.run_stamp.is_some();
    let run = RunHeader {
        run_stamp,
        client: id.clone(),
        client_name: client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
        run_type: if was_chosen { RunType::Orchestrated } else { RunType::Standalone },
        opened_at: task.requested_at.unwrap_or_else(|| app.clock.now()),
    };
    let span = shared::telemetry::logs::run_span(&run);
    tracing::Instrument::instrument(score_run(app, task, &run, client, deadline), span).await
}

async fn score_run<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    run: &RunHeader,
    client: Option<Client>,
    deadline: Deadline,
) -> Result<(), Failure> {
    let kind = task.kind;
    let whole = plan_id(task, run);
    if !task.dry_run {
        let by = OpenedBy::ScoreWaiting { kind, plan: whole.clone() };
        report(app, run, vec![Fact::Opened(Opened { by })]).await?;
    }
    let base = match &client {
        None => Err(format!(
            "client {:?} is not in the table {:?}; correct the client's id and score again",
            run.client.as_str(),
            shared::schema::clients::TABLE
        )),
        Some(client) => client.served_base(kind),
    };
    let limit = client.and_then(|client| client.token_limit(kind));
    let planned = match base {
        Err(reason) => Err(NotPlanned::Never(reason)),
        Ok(base) => plan(app, task, run, &base, limit, &whole, deadline).await,
    };
    match planned {
        Ok(PlannedLeads { next: Some(cursor), .. }) => go_on(app, task, run, cursor).await,
        Ok(planned) if task.dry_run => tell(app, run, &planned.in_words(app, kind)).await,
        Ok(planned) => {
            tracing::info!(plan.id = %whole, plan.leads = planned.leads, "waiting leads planned");
            let mut facts: Vec<Fact> = planned.notes.into_iter().map(noted).collect();
            facts.push(Fact::Planned(Planned {
                plan: whole,
                kind,
                chunks: 0,
                part_of: None,
                replaces: None,
            }));
            report(app, run, facts).await
        }
        Err(NotPlanned::Later(failure)) => Err(failure),
        Err(NotPlanned::Never(reason)) if task.dry_run => tell(app, run, &reason).await,
        Err(NotPlanned::Never(reason)) => {
            let failed = Fact::RunFailed(RunFailed { apify_run: None, reason });
            let closed = Fact::Planned(Planned {
                plan: whole,
                kind,
                chunks: 0,
                part_of: None,
                replaces: None,
            });
            report(app, run, vec![failed, closed]).await
        }
    }
}

/// Queues the rest of the planning, which this invocation has no time for.
async fn go_on<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    run: &RunHeader,
    cursor: ScanCursor,
) -> Result<(), Failure> {
    tracing::info!(plan.leads = cursor.leads, "planning goes on in another invocation");
    let rest = ScoreWaiting { cursor: Some(cursor), ..task.clone() };
    let message = routes::rest_of_planning(rest, &run.client);
    app.queue.send(QueueName::Scoring, vec![message]).await.map_err(Failure::retry)
}

/// The id of the plan as a whole: what was asked for, not what was found.
fn plan_id(task: &ScoreWaiting, run: &RunHeader) -> PlanId {
    let limit = task.limit.map_or(String::new(), |limit| limit.to_string());
    let asked_at = task.requested_at.map_or(String::new(), |at| at.to_string());
    let (run_stamp, client) = (run.run_stamp.as_str(), run.client.as_str());
    let mut parts = vec!["waiting", task.kind.as_str(), run_stamp, client, &limit, &asked_at];
    parts.extend(task.lead_ids.iter().map(|id| id.as_str()));
    id_of(&parts).try_into().expect("an id has the form of a plan id")
}

/// What was planned.
#[derive(Debug, Default)]
struct PlannedLeads {
    leads: usize,
    /// Those of them that the limits leave nothing for.
    beyond: usize,
    tokens: u64,
    /// `None` when the model has no price.
    cost: Option<NanoUsd>,
    notes: Vec<String>,
    /// Where to go on, when there was no time for all.
    next: Option<ScanCursor>,
}

impl PlannedLeads {
    fn in_words<T, Q>(&self, app: &Scoring<T, Q>, kind: Kind) -> String {
        let cost = self.cost.map_or("an unknown amount".to_owned(), |cost| cost.to_string());
        format!(
            "dry run: {} leads wait for {} scoring; {} would be scored with about {} tokens for \
             {cost} by {}, {} are beyond the token limit",
            self.leads,
            kind.as_str(),
            self.leads - self.beyond,
            self.tokens,
            app.config.model,
            self.beyond,
        )
    }
}

/// Plans the client's waiting leads and queues their chunks.
async fn plan<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    task: &ScoreWaiting,
    run: &RunHeader,
    base: &BaseId,
    limit: Option<u64>,
    whole: &PlanId,
    deadline: Deadline,
) -> Result<PlannedLeads, NotPlanned> {
    let kind = task.kind;
    let prepared = prepare(app, base, kind).await?;
    let cursor = task.cursor.clone();
    let left = match &cursor {
        Some(cursor) => cursor.tokens_left,
        None => allowance(app, &run.run_stamp, &run.client, kind, limit, task.token_share).await?,
    };
    let beginning =
        || ScanCursor { cost: Some(NanoUsd(0)), has_view: true, ..ScanCursor::default() };
    let cursor = cursor.unwrap_or_else(beginning);
    let mut work = Planning {
        app,
        run,
        base,
        whole,
        kind,
        dry_run: task.dry_run,
        allowance: Allowance::new(left),
        part: Vec::new(),
        done: PlannedLeads {
            leads: cursor.leads,
            beyond: cursor.beyond,
            tokens: cursor.tokens,
            cost: cursor.cost,
            ..PlannedLeads::default()
        },
        now: app.clock.now(),
        prepared: &prepared,
    };
    work.done.notes.extend(prepared.warnings.iter().cloned());
    let most = task.limit.map_or(MAX_PLAN_LEADS, |limit| limit as usize).min(MAX_PLAN_LEADS);
    let measure = work.dry_run || work.allowance.is_limited();
    let mut selection =
        Selection::new(&app.planning, base, kind, &prepared.writable, measure, &task.lead_ids);
    selection.resume(&cursor);
    let mut is_cut = false;
    'all: while let Some(page) = selection.next().await? {
        for lead in page {
            if work.done.leads >= most {
                is_cut = true;
                break 'all;
            }
            work.add(lead);
            if work.part.len() >= PART_LEADS {
                work.queue_part().await?;
            }
        }
        if deadline.remaining() < PAGE_TIME && !selection.is_at_end() {
            work.queue_part().await?;
            let (listings, offset, has_view) = selection.position();
            let PlannedLeads { leads, beyond, tokens, cost, .. } = work.done;
            let tokens_left = work.allowance.left();
            let next =
                ScanCursor { listings, offset, has_view, leads, beyond, tokens_left, tokens, cost };
            return Ok(PlannedLeads { next: Some(next), ..PlannedLeads::default() });
        }
    }
    work.queue_part().await?;
    let mut done = work.done;
    if !task.lead_ids.is_empty() && !is_cut && done.leads < task.lead_ids.len() {
        done.notes.push(format!(
            "{} of the {} leads named do not wait for {} scoring",
            task.lead_ids.len() - done.leads,
            task.lead_ids.len(),
            kind.as_str()
        ));
    }
    if is_cut && task.limit.is_none() {
        done.notes
            .push(format!("more than {MAX_PLAN_LEADS} leads wait: the rest is for another run"));
    }
    Ok(done)
}

/// The planning of one client's leads, as far as it has come.
struct Planning<'a, T, Q> {
    app: &'a Scoring<T, Q>,
    run: &'a RunHeader,
    base: &'a BaseId,
    whole: &'a PlanId,
    kind: Kind,
    dry_run: bool,
    allowance: Allowance,
    part: Vec<PlanLead>,
    done: PlannedLeads,
    now: Timestamp,
    prepared: &'a Prepared,
}

impl<T: Transport, Q: Queue> Planning<'_, T, Q> {
    fn add(&mut self, lead: WaitingLead) {
        let rates = self.prepared.rates(self.app.config.leads_per_call);
        let tokens = rates.of_lead(lead.bytes, lead.answers);
        self.done.leads += 1;
        if self.dry_run {
            if self.allowance.take(tokens) {
                self.done.tokens += tokens;
                let usage = rates.usage(lead.bytes, lead.answers);
                let price = prices::cost(&self.app.config.model, Tier::Standard, &usage, self.now);
                self.done.cost =
                    self.done.cost.zip(price).map(|(sum, price)| NanoUsd(sum.0 + price.0));
            } else {
                self.done.beyond += 1;
            }
            return;
        }
        self.part.push(PlanLead::waiting(lead.key, lead.record, tokens));
    }

    /// Queues the leads that were collected, as a plan of their own, and reports it.
    async fn queue_part(&mut self) -> Result<(), NotPlanned> {
        if self.part.is_empty() {
            return Ok(());
        }
        let (run, kind) = (self.run, self.kind);
        let about = [
            "part",
            kind.as_str(),
            run.run_stamp.as_str(),
            run.client.as_str(),
            self.whole.as_str(),
        ];
        let leads = std::mem::take(&mut self.part);
        let plan = Plan::new(&about, leads, self.app.config.lanes, &mut self.allowance)
            .map_err(|too_many| NotPlanned::Never(too_many.to_string()))?;
        let facts = plan.facts(kind, Some(self.whole.clone()));
        let messages = plan.into_messages(&self.prepared.frame(run, self.base, Source::Waiting));
        self.app.queue.send(QueueName::Scoring, messages).await?;
        report(self.app, run, facts).await.map_err(NotPlanned::Later)
    }
}

/// Says what a dry run found: in the log, and on the run's record where there is one. It brings
/// no record into being.
async fn tell<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    words: &str,
) -> Result<(), Failure> {
    tracing::info!(result = words, "dry run");
    let id: RunId = run.id();
    let master = &app.config.airtable.master_base;
    let is_recorded = clients::is_recorded(&app.planning, master, &id, &run.client).await;
    if is_recorded.map_err(Failure::retry)? {
        report(app, run, vec![noted(words.to_owned())]).await?;
    }
    Ok(())
}

fn noted(text: String) -> Fact {
    Fact::Noted(Note { kind: NoteKind::Input, text })
}
