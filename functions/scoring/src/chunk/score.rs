//! A chunk: leads that are read 50 at a time and scored in waves of 10.

use crate::Scoring;
use crate::budget::{self, Meter, Rates};
use crate::chunk::decide::{Decision, decide, decide_profile};
use crate::chunk::wave::{self, Lead};
use crate::lead::row::{self, Cells, LeadRow};
use crate::planning::plan;
use crate::prompt::template::{About, Form};
use crate::report::report;
use shared::batch::Delivery;
use shared::core::deadline::Deadline;
use shared::core::failure::{Failure, FailureClass};
use shared::core::ids::RunId;
use shared::messages::{
    AttemptRef, Chunk, ChunkDone, ChunkFailed, ChunkLead, ErrorCategory, Fact, Kind, LeadOutcome,
    Outcome, Settled, SkipReason, Source,
};
use shared::ports::{Queue, Transport};
use shared::schema::leads as schema;
use shared::services::airtable::Record;
use std::time::Duration;
use tracing::Instrument;

/// Leads of a wave: as many as Airtable writes in one request.
const WAVE_LEADS: usize = 10;
/// Leads whose rows are read in one request.
const READ_LEADS: usize = 50;
/// Time to write a wave's rows and report, once the model has answered.
pub(crate) const WRITING_TIME: Duration = Duration::from_secs(20);

/// How far a task came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is done.
    Finished,
    /// What it began is settled; the rest needs another invocation.
    Unfinished,
}

/// Scores a chunk's leads.
pub(crate) async fn score<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    chunk: &Chunk,
    delivery: &Delivery,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let attempt = AttemptRef {
        plan: chunk.plan.clone(),
        chunk: chunk.index,
        started_at: app.clock.now(),
        attempt: app.attempt_id(),
    };
    let span = shared::telemetry::logs::run_span(&chunk.run);
    async {
        match score_leads(app, chunk, &attempt, delivery, deadline).await {
            // No attempt can finish the chunk: the run says so, and the message is done.
            Err(failure) if failure.class == FailureClass::DeadLetter => {
                tracing::error!(%failure, plan.id = %chunk.plan, plan.chunk = chunk.index, "chunk failed");
                let (category, reason) = (ErrorCategory::Airtable, failure.reason);
                let failed = ChunkFailed { attempt: attempt.clone(), category, reason };
                report(app, &chunk.run, vec![Fact::ChunkFailed(failed)]).await?;
                Ok(Progress::Finished)
            }
            result => result,
        }
    }
    .instrument(span)
    .await
}

async fn score_leads<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    chunk: &Chunk,
    attempt: &AttemptRef,
    delivery: &Delivery,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    if chunk.source == Source::Waiting {
        report(app, &chunk.run, vec![plan::fact_of(chunk)]).await?;
    }
    let form = Form::of(chunk);
    let run = chunk.run.id();
    let mut work = Work {
        app,
        chunk,
        form: &form,
        run: &run,
        attempt,
        delivery,
        deadline,
        meter: Meter::new(chunk.token_share),
        writable: chunk.writable.clone(),
        unanswered: Vec::new(),
        waves: 0,
    };
    for leads in chunk.leads.chunks(READ_LEADS) {
        if let Progress::Unfinished = work.score(leads).await? {
            // Without answers the next invocation is in no hurry: the model may be away.
            if !work.unanswered.is_empty() {
                break;
            }
            return Ok(Progress::Unfinished);
        }
    }
    if let Some(reason) = work.unanswered.first() {
        return Err(Failure::retry(format!(
            "{} lead(s) without an answer of the model; the first: {reason}",
            work.unanswered.len()
        )));
    }
    let done = Fact::ChunkDone(ChunkDone { attempt: attempt.clone() });
    report(app, &chunk.run, vec![done]).await?;
    tracing::info!(plan.id = %chunk.plan, plan.chunk = chunk.index, plan.chunks = chunk.of, "chunk done");
    Ok(Progress::Finished)
}

/// One try at a chunk, as far as it has come.
struct Work<'a, T, Q> {
    app: &'a Scoring<T, Q>,
    chunk: &'a Chunk,
    form: &'a Form<'a>,
    run: &'a RunId,
    attempt: &'a AttemptRef,
    delivery: &'a Delivery,
    deadline: Deadline,
    meter: Meter,
    writable: Vec<String>,
    unanswered: Vec<String>,
    waves: u32,
}

impl<T: Transport, Q: Queue> Work<'_, T, Q> {
    /// Scores leads whose rows are read in one request.
    async fn score(&mut self, leads: &[ChunkLead]) -> Result<Progress, Failure> {
        let (app, chunk) = (self.app, self.chunk);
        // A waiting lead that nothing may be spent on has nothing to be written either. Those of
        // a replay may be scored already, or not be waiting.
        if chunk.token_share == Some(0)
            && chunk.source == Source::Waiting
            && chunk.replaces.is_none()
        {
            let skipped = Outcome::Skipped { reason: SkipReason::BudgetReached };
            self.settle(leads.iter().map(|lead| (lead, skipped.clone()))).await?;
            return Ok(Progress::Finished);
        }
        // Rows are read before any token is spent: an outage of Airtable costs nothing.
        let rows = row::read(&app.airtable, chunk, leads).await?;
        let (found, missing): (Vec<_>, Vec<_>) = leads
            .iter()
            .map(|lead| (lead, rows.of(&lead.lead)))
            .partition(|(_, row)| row.is_some());
        self.settle(missing.into_iter().map(|(lead, _)| (lead, Outcome::NotALead))).await?;
        let mut open: Vec<Lead<'_>> =
            found.into_iter().filter_map(|(lead, row)| Some(self.decide(lead, row?))).collect();
        self.meter.used_before(self.used_before(&open));
        while !open.is_empty() {
            let mut next: Vec<Lead<'_>> = open.drain(..open.len().min(WAVE_LEADS)).collect();
            let fits = |leads: &usize| self.meter.allows(self.expected(&next[..*leads]));
            let allowed = (0..=next.len()).rev().find(fits).unwrap_or(0);
            next[allowed..].iter_mut().for_each(|lead| skip_for_budget(chunk, lead));
            let expected = self.expected(&next);
            let is_asked = |lead: &&Lead<'_>| matches!(lead.decision, Decision::Ask { .. });
            let asked = next.iter().filter(is_asked).count();
            let asks = asked > 0;
            let needed = app.gemini.timeout() + WRITING_TIME;
            if asks && self.deadline.remaining() < needed && self.waves == 0 {
                let seconds = needed.as_secs();
                return Err(Failure::retry(format!("less than {seconds} s were left to begin in")));
            }
            if asks && self.deadline.remaining() < needed {
                tracing::info!(
                    plan.chunk = chunk.index,
                    self.waves,
                    "chunk goes on in another invocation"
                );
                return Ok(Progress::Unfinished);
            }
            let wave = wave::Wave {
                chunk,
                attempt: self.attempt,
                index: self.waves,
                deadline: self.deadline,
                deliveries: self.delivery.receive_count,
                is_last: self.delivery.is_last(),
            };
            let scored = wave::score(app, &wave, self.form, next, &mut self.writable).await?;
            if asks {
                self.meter.count(expected, scored.used);
            }
            let unanswered = scored.unanswered.len();
            self.unanswered.extend(scored.unanswered);
            self.waves += 1;
            if is_away(asked, unanswered, app.config.leads_per_call) {
                // The other waves wait for the next invocation too.
                return Ok(Progress::Unfinished);
            }
        }
        Ok(Progress::Finished)
    }

    fn decide<'b>(&self, lead: &'b ChunkLead, row: &'b Record<LeadRow>) -> Lead<'b>
    where
        Self: 'b,
    {
        let chunk = self.chunk;
        let mut cells = Cells::new(self.run.clone(), self.app.clock.now());
        let decision = match chunk.kind {
            Kind::Post => {
                let tried_before = self.delivery.receive_count > 1;
                decide(lead, &row.fields, self.run, &chunk.source, tried_before, &mut cells)
            }
            Kind::Profile => {
                let by = (&chunk.plan, chunk.replaces.is_some());
                decide_profile(lead, &row.fields, self.run, by, &mut cells)
            }
        };
        Lead { lead, row, cells, decision }
    }

    /// The tokens that a wave is expected to use.
    fn expected(&self, wave: &[Lead<'_>]) -> u64 {
        let asked: Vec<&About> = wave
            .iter()
            .filter_map(|lead| match &lead.decision {
                Decision::Ask { about } => Some(about),
                Decision::Settle { .. } => None,
            })
            .collect();
        let calls = asked.len().div_ceil(self.app.config.leads_per_call);
        let sizes = budget::sizes(asked.into_iter());
        budget::estimate(self.chunk.kind, self.form.system.len(), calls, sizes)
    }

    /// What earlier tries of the chunk used on leads that are settled by what these tries left in
    /// their rows: the tokens the row names, else what is expected.
    fn used_before(&self, leads: &[Lead<'_>]) -> u64 {
        let rates = Rates {
            kind: self.chunk.kind,
            system: self.form.system.len(),
            leads_per_call: self.app.config.leads_per_call,
        };
        leads
            .iter()
            .map(|lead| match &lead.decision {
                Decision::Settle { examined, .. } if !examined.is_empty() => {
                    let row = &lead.row.fields;
                    let bytes = match self.chunk.kind {
                        Kind::Post => row.posts_content.len(),
                        Kind::Profile => row.raw_profile.len().max(row.profile_json.len()),
                    };
                    row.tokens.unwrap_or_else(|| rates.of_lead(bytes, examined.len()))
                }
                Decision::Settle { .. } | Decision::Ask { .. } => 0,
            })
            .sum()
    }

    /// Settles leads about whose rows nothing is to be done.
    async fn settle(
        &self,
        leads: impl Iterator<Item = (&ChunkLead, Outcome)>,
    ) -> Result<(), Failure> {
        let leads: Vec<LeadOutcome> = leads
            .map(|(lead, outcome)| LeadOutcome {
                lead: lead.key.clone(),
                record: None,
                outcome,
                examined: Vec::new(),
                scored: Vec::new(),
            })
            .collect();
        if leads.is_empty() {
            return Ok(());
        }
        let settled = Settled { attempt: self.attempt.clone(), kind: self.chunk.kind, leads };
        report(self.app, &self.chunk.run, vec![Fact::Settled(settled)]).await
    }
}

/// Whether the model is away, by the leads of a wave: it answered nothing, and was called more than
/// once. The leads of a single call may have no answer because of what they say, and hold up no
/// others.
fn is_away(asked: usize, unanswered: usize, leads_per_call: usize) -> bool {
    unanswered == asked && asked > leads_per_call
}

/// Takes back that a lead is asked about: the tokens for it are used up. What was harvested is
/// kept and waits; a lead that was waiting is left as it is, and a profile that failed waits again.
fn skip_for_budget(chunk: &Chunk, lead: &mut Lead<'_>) {
    if !matches!(lead.decision, Decision::Ask { .. }) {
        return;
    }
    let outcome = Outcome::Skipped { reason: SkipReason::BudgetReached };
    lead.decision = Decision::Settle { outcome, examined: Vec::new(), scored: Vec::new() };
    match chunk.source {
        Source::Harvest { .. } => lead.cells.out_of_budget(),
        Source::Waiting => {
            lead.cells.clear();
            let is_waiting = lead.row.fields.scoring_status == schema::TO_BE_SCORED;
            if chunk.kind == Kind::Profile && !is_waiting {
                lead.cells.profile_waits();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_away_when_several_calls_and_all_their_leads_have_no_answer() {
        assert!(is_away(10, 10, 5));
        assert!(!is_away(10, 9, 5), "it answered about one");
        assert!(!is_away(5, 5, 5), "one call says nothing about others");
        assert!(!is_away(0, 0, 5), "nothing was asked");
    }
}
