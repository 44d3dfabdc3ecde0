//! Plans the waiting leads of one client, part by part.

use super::omitted::{omissions, unreadable};
use super::plan::Plan;
use super::plan_lead::PlanLead;
use super::prepare::{BaseContext, PlanTarget, read_base};
use super::scan::{NamedLeads, Scan, ScanRequest, WaitingLead};
use crate::app::Scoring;
use crate::budget::Allowance;
use crate::lead::row::READ_LEADS;
use crate::left::Left;
use crate::master::spending::TokenLimits;
use crate::report::input_note;
use crate::task_error::TaskError;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::PlanId;
use shared::core::prices::{self, Terms};
use shared::core::tokens::{NanoUsd, Tier};
use shared::messages::{
    Chunk, MAX_PLAN_LEADS, RunHeader, ScanCursor, ScoreWaiting, ScoringTask, Source,
};
use shared::ports::{Env, Queue, QueueName};
use std::time::Duration;

/// How many leads are planned at a time. The page that reaches this number is included completely,
/// because planning can only continue after the end of a page.
const PART_LEADS: usize = 500;
/// With less time than this left, planning continues in another invocation.
const PAGE_TIME: Duration = Duration::from_secs(40);

pub(crate) struct WaitingRequest<'a> {
    pub(crate) task: &'a ScoreWaiting,
    pub(crate) target: PlanTarget<'a>,
    /// The id of the plan as a whole.
    pub(crate) whole: &'a PlanId,
    pub(crate) left: &'a Left,
    pub(crate) deadline: Deadline,
}

/// How far planning got.
pub(crate) enum WaitingOutcome {
    Done(PlanningTally),
    /// There was not enough time for everything. Planning continues at this position.
    Unfinished(ScanCursor),
}

pub(crate) struct PlanningTally {
    pub(crate) leads: usize,
    /// How many of the leads the limits leave no room for.
    pub(crate) beyond: usize,
    pub(crate) tokens: u64,
    /// `None` if the model has no price.
    pub(crate) cost: Option<NanoUsd>,
    pub(crate) notes: Vec<String>,
}

pub(crate) async fn plan_waiting<E: Env>(
    app: &Scoring<E>,
    request: &WaitingRequest<'_>,
) -> Result<WaitingOutcome, TaskError> {
    let WaitingRequest { task, target, deadline, .. } = *request;
    let base = read_base(&app.plan_airtable, target.base, target.kind).await?;
    let cursor = match task.cursor.clone() {
        Some(cursor) => cursor,
        None => first_cursor(app, request).await?,
    };
    let mut planner = WaitingPlanner::new(app, request, &base, &cursor);
    let fields = &base.fields;
    let measure = task.dry_run || planner.allowance.left.is_some();
    let scan = ScanRequest { kind: target.kind, fields, measure, ids: &task.lead_ids };
    let mut scan = Scan::new(&app.plan_airtable, target.base, &scan);
    scan.resume(&cursor);
    let most = task.limit.map_or(MAX_PLAN_LEADS, |limit| limit as usize).min(MAX_PLAN_LEADS);
    while !planner.is_cut
        && let Some(page) = scan.next_page().await?
    {
        for lead in page {
            planner.is_cut = planner.tally.leads >= most;
            if planner.is_cut {
                break;
            }
            planner.add(lead);
        }
        if planner.part.len() >= PART_LEADS {
            planner.queue_whole_reads().await?;
            note_rest(request, &planner, &scan);
        }
        if !planner.is_cut && deadline.remaining() < PAGE_TIME && scan.may_pause() {
            planner.queue_part(false).await?;
            note_unreadable(app, task.dry_run, target.run, &scan.unreadable).await?;
            return Ok(WaitingOutcome::Unfinished(cursor_at(&planner, &scan)));
        }
    }
    planner.queue_part(true).await?;
    note_rest(request, &planner, &scan);
    let (mut tally, is_cut) = (planner.tally, planner.is_cut);
    tally.notes.extend(omissions(task, &scan.unplanned, tally.leads, is_cut));
    tally.notes.extend(unreadable(&scan.unreadable));
    Ok(WaitingOutcome::Done(tally))
}

/// Saves for the next attempt where to continue, because the earlier parts are queued. If the scan
/// may not pause here, or rows were left out, the next attempt starts where this one started.
fn note_rest<E: Env>(
    request: &WaitingRequest<'_>,
    planner: &WaitingPlanner<'_, E>,
    scan: &Scan<'_, E::Transport>,
) {
    if (scan.may_pause() || scan.is_at_end()) && scan.unreadable.is_empty() {
        let cursor = Some(cursor_at(planner, scan));
        let rest = ScoreWaiting { cursor, ..request.task.clone() };
        request.left.note_rest(ScoringTask::ScoreWaiting(rest));
    }
}

/// The current position of planning.
fn cursor_at<E: Env>(planner: &WaitingPlanner<'_, E>, scan: &Scan<'_, E::Transport>) -> ScanCursor {
    let (listings, offset, has_view) = scan.position();
    let NamedLeads { unknown, not_waiting } = scan.unplanned.clone();
    ScanCursor { listings, offset, has_view, unknown, not_waiting, ..planner.cursor() }
}

async fn first_cursor<E: Env>(
    app: &Scoring<E>,
    request: &WaitingRequest<'_>,
) -> Result<ScanCursor, TaskError> {
    let PlanTarget { run, kind, token_limit, .. } = request.target;
    let (day, share) = (app.config.daily_token_limit, request.task.token_share);
    let limits = TokenLimits { day, run: token_limit, share };
    let tokens_left = app.master().tokens_left(run, kind, limits, app.clock.now()).await?;
    Ok(ScanCursor { tokens_left, cost: Some(NanoUsd(0)), has_view: true, ..ScanCursor::default() })
}

/// Reports on the record, before planning pauses, which rows cannot be read. A dry run has no
/// record.
async fn note_unreadable<E: Env>(
    app: &Scoring<E>,
    is_dry_run: bool,
    run: &RunHeader,
    rows: &[String],
) -> Result<(), Failure> {
    let Some(text) = unreadable(rows) else { return Ok(()) };
    if is_dry_run {
        tracing::warn!(text, "dry run");
        return Ok(());
    }
    app.reporter(run).report(vec![input_note(text)]).await
}

struct WaitingPlanner<'a, E: Env> {
    app: &'a Scoring<E>,
    request: &'a WaitingRequest<'a>,
    base: &'a BaseContext,
    allowance: Allowance,
    /// Leads that are not queued yet.
    part: Vec<PlanLead>,
    tally: PlanningTally,
    /// Whether more leads are waiting than may be planned.
    is_cut: bool,
    terms: Terms,
}

impl<'a, E: Env> WaitingPlanner<'a, E> {
    fn new(
        app: &'a Scoring<E>,
        request: &'a WaitingRequest<'a>,
        base: &'a BaseContext,
        cursor: &ScanCursor,
    ) -> Self {
        let tally = PlanningTally {
            leads: cursor.leads,
            beyond: cursor.beyond,
            tokens: cursor.tokens,
            cost: cursor.cost,
            notes: base.rubric.warnings.clone(),
        };
        let allowance = Allowance { left: cursor.tokens_left };
        let (surface, at) = (app.config.model.surface(), app.clock.now());
        let terms = Terms { surface, tier: Tier::Standard, at };
        let held = cursor.held.iter().cloned();
        let part = held.map(|(key, record)| PlanLead::waiting(key, record, 0)).collect();
        let is_cut = cursor.is_cut;
        Self { app, request, base, allowance, part, tally, is_cut, terms }
    }

    /// Adds a lead to the part. In a dry run the lead is only counted.
    fn add(&mut self, lead: WaitingLead) {
        let rates = self.base.rates(self.app.config.leads_per_call);
        let tokens = rates.of_lead(lead.bytes, lead.answers);
        self.tally.leads += 1;
        if !self.request.task.dry_run {
            self.part.push(PlanLead::waiting(lead.key, lead.record, tokens));
            return;
        }
        if self.allowance.take(tokens) {
            self.tally.tokens += tokens;
            let usage = rates.usage(lead.bytes, lead.answers);
            let price = prices::cost(&self.app.config.model.id, self.terms, &usage);
            self.tally.cost =
                self.tally.cost.zip(price).map(|(sum, price)| NanoUsd(sum.0 + price.0));
        } else {
            self.tally.beyond += 1;
        }
    }

    /// Queues as many leads of each lane as fill whole read requests, and keeps the others for the
    /// next part. Otherwise each part would end with a small read and write in each lane. If a
    /// limit is divided, no leads are kept back.
    async fn queue_whole_reads(&mut self) -> Result<(), TaskError> {
        if self.allowance.left.is_some() {
            return self.queue_part(false).await;
        }
        let lanes = self.app.config.lanes;
        let mut of_lanes = vec![0_usize; lanes as usize];
        for lead in &self.part {
            of_lanes[lead.lane(lanes)] += 1;
        }
        for count in &mut of_lanes {
            *count -= *count % READ_LEADS;
        }
        let is_queued = |lead: &PlanLead| {
            let left = &mut of_lanes[lead.lane(lanes)];
            let is_queued = *left > 0;
            *left -= usize::from(is_queued);
            is_queued
        };
        let (queued, held) = std::mem::take(&mut self.part).into_iter().partition(is_queued);
        self.part = queued;
        self.queue_part(false).await?;
        self.part = held;
        Ok(())
    }

    /// Queues the leads as a plan. After the last part, nothing else needs the rest of the limit: a
    /// chunk may use more than expected then.
    async fn queue_part(&mut self, is_last: bool) -> Result<(), TaskError> {
        if self.part.is_empty() {
            return Ok(());
        }
        let WaitingRequest { target, whole, .. } = *self.request;
        let (run, kind) = (target.run, target.kind);
        let (run_stamp, client) = (run.run_stamp.as_str(), run.client.as_str());
        let about = ["part", kind.as_str(), run_stamp, client, whole.as_str()];
        let leads = std::mem::take(&mut self.part);
        let rates = self.base.rates(self.app.config.leads_per_call);
        let limits = (&mut self.allowance, Some(&rates));
        let mut plan = Plan::new(&about, leads, self.app.config.lanes, limits)?;
        if is_last {
            plan.share_rest(&mut self.allowance);
        }
        let leads_table = self.base.leads_table(target.base);
        let facts = plan.facts(kind, Some(whole.clone()), leads_table);
        let at = self.app.clock.now();
        let empty = self.base.empty_chunk(target, &plan, Source::Waiting);
        let empty = Chunk { planned_at: Some(at), ..empty };
        self.app.queue.send(QueueName::Scoring, plan.into_messages(&empty)).await?;
        self.app.reporter(run).report_at(at, facts).await.map_err(TaskError::from)
    }

    /// The current position of planning, without the scan's position.
    fn cursor(&self) -> ScanCursor {
        let PlanningTally { leads, beyond, tokens, cost, .. } = self.tally;
        let tokens_left = self.allowance.left;
        let held = self.part.iter().filter_map(PlanLead::as_waiting).collect();
        let is_cut = self.is_cut;
        let rest = ScanCursor::default();
        ScanCursor { leads, beyond, tokens, cost, tokens_left, held, is_cut, ..rest }
    }
}
