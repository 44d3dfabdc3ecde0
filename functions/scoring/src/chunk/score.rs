//! Scores a chunk: leads that are read 100 at a time and scored in waves of 10.

use super::attempt::{ChunkAttempt, Progress};
use super::decide_posts::{PostsChunk, decide_posts};
use super::decide_profile::{ProfilesChunk, decide_profile};
use super::decision::{Decision, Verdict};
use super::halt::{ask_whether_calls_may_begin, halted};
use super::limits::{READ_LEADS, WAVE_LEADS, WRITING_TIME};
use super::wave::{WaveLead, WavePlace, leave_for_budget, score_wave, settle_leads};
use super::write::try_to_write;
use crate::app::Scoring;
use crate::budget::{self, Meter, Rates};
use crate::lead::cells::Cells;
use crate::lead::row::{decisive_fields, read_rows};
use crate::left::Left;
use crate::prompt::subject::Subject;
use crate::report::input_note;
use crate::task_error::TaskError;
use jiff::Timestamp;
use shared::core::counted::counted;
use shared::core::deadline::Deadline;
use shared::core::failure::{Failure, FailureClass};
use shared::delivery::Delivery;
use shared::messages::{
    Chunk, ChunkDone, ChunkFailed, ChunkLead, ErrorCategory, Fact, Halt, Kind, LeadOutcome,
    Outcome, PlannedChunk, SkipReason, Source,
};
use shared::ports::Env;
use shared::schema::leads as schema;
use shared::services::airtable::Row;
use tracing::Instrument;

/// From this attempt at a chunk on the record tells why it fails.
const TOLD_ATTEMPT: u32 = 3;

pub(crate) async fn score_chunk<E: Env>(
    app: &Scoring<E>,
    chunk: &Chunk,
    delivery: (&Delivery, &Left),
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let attempt = ChunkAttempt::new(app, chunk, delivery, deadline);
    let span = shared::telemetry::logs::run_span(&chunk.run);
    attempt_chunk(&attempt).instrument(span).await
}

async fn attempt_chunk<E: Env>(attempt: &ChunkAttempt<'_, E>) -> Result<Progress, Failure> {
    let chunk = attempt.chunk;
    match score_leads(attempt).await {
        Ok(progress) => Ok(progress),
        // The record says already that it waits.
        Err(TaskError::Retry(failure))
            if attempt.has_waited && matches!(failure.class, FailureClass::Wait { .. }) =>
        {
            Err(failure)
        }
        // What fails this often is no hiccup: the record says since when it waits, and why.
        Err(TaskError::Retry(failure)) if attempt.number >= TOLD_ATTEMPT => {
            Err(attempt.reporter.says_why(failure).await)
        }
        Err(TaskError::Retry(failure)) => Err(attempt.reporter.waits(failure).await),
        Err(TaskError::Fatal(reason)) => {
            tracing::error!(reason, plan.id = %chunk.plan, plan.chunk = chunk.index, "chunk failed");
            let category = ErrorCategory::Airtable;
            let failed = ChunkFailed { attempt: attempt.id.clone(), category, reason };
            attempt.reporter.report(vec![Fact::ChunkFailed(failed)]).await?;
            Ok(Progress::Finished)
        }
    }
}

async fn score_leads<E: Env>(attempt: &ChunkAttempt<'_, E>) -> Result<Progress, TaskError> {
    let chunk = attempt.chunk;
    // If planning dies after queueing the chunk and before reporting it, the next attempt plans only
    // the leads that still wait, and these would be in no plan: the chunk reports itself. It says what
    // planning said, so the log keeps one of the two.
    if chunk.source == Source::Waiting {
        let planned = Fact::PlannedChunk(PlannedChunk::of_waiting(chunk));
        let at = chunk.planned_at.unwrap_or_else(|| attempt.reporter.clock.now());
        attempt.reporter.report_at(at, vec![planned]).await?;
    }
    let mut work = ChunkWork {
        attempt,
        meter: Meter::new(chunk.token_share),
        writable: chunk.writable.clone(),
        unsettled: Vec::new(),
        halt: None,
        waves: 0,
        is_write_tried: attempt.number <= 1 && !attempt.has_waited,
    };
    work.meter.used_before(chunk.tried.tokens);
    if chunk.token_share != Some(0) && ask_whether_calls_may_begin(attempt).await? {
        work.waves = 1;
    }
    for leads in chunk.leads.chunks(READ_LEADS) {
        if let Progress::Unfinished = work.score(leads).await? {
            // Without answers the next invocation is not urgent: the model may be away.
            if !work.unsettled.is_empty() || work.halt.is_some() {
                break;
            }
            return Ok(Progress::Unfinished);
        }
    }
    if let Some(halt) = &work.halt {
        return Err(halted(halt).into());
    }
    if let Some(reason) = work.unsettled.first() {
        let leads = counted(work.unsettled.len(), "lead");
        tracing::info!(leads, reason, "the chunk waits for another attempt");
        // Without the number: many chunks that wait for one reason are one note on the record.
        return Err(Failure::retry(format!("leads have no result yet: {reason}")).into());
    }
    let done = Fact::ChunkDone(ChunkDone { attempt: attempt.id.clone() });
    attempt.reporter.report(vec![done]).await?;
    tracing::info!(plan.id = %chunk.plan, plan.chunk = chunk.index, plan.chunks = chunk.of, "chunk done");
    Ok(Progress::Finished)
}

struct ChunkWork<'a, E: Env> {
    attempt: &'a ChunkAttempt<'a, E>,
    meter: Meter,
    writable: Vec<String>,
    unsettled: Vec<String>,
    /// Why no call may follow, if none may.
    halt: Option<Halt>,
    waves: u32,
    /// Whether rows can be written as far as known. An earlier attempt may have failed because they
    /// cannot: then it is tried before the model is paid again.
    is_write_tried: bool,
}

impl<E: Env> ChunkWork<'_, E> {
    async fn score(&mut self, leads: &[ChunkLead]) -> Result<Progress, TaskError> {
        let chunk = self.attempt.chunk;
        // Nothing may be spent, and nothing is to be written. Leads of a replay may be scored
        // already, or not be waiting: their rows are read.
        if chunk.token_share == Some(0)
            && chunk.source == Source::Waiting
            && chunk.replaces.is_none()
        {
            let skipped = Outcome::Skipped { reason: SkipReason::BudgetReached };
            self.settle_unread(leads.iter(), &skipped).await?;
            return Ok(Progress::Finished);
        }
        // Rows are read before any token is spent: an outage of Airtable costs nothing.
        let read_at = self.attempt.clock.now();
        let rows = read_rows(self.attempt.airtable, chunk, leads).await?;
        if let Some(doubles) = rows.doubles(leads) {
            self.attempt.reporter.report(vec![input_note(doubles)]).await?;
        }
        let missing = leads.iter().filter(|lead| rows.of(lead).is_none());
        self.settle_unread(missing, &Outcome::NotALead).await?;
        let mut open: Vec<WaveLead<'_>> = leads
            .iter()
            .filter_map(|lead| Some(self.decide((lead, rows.of(lead)?), read_at)))
            .collect();
        // What an attempt that died used is not in the message.
        if chunk.tried.tokens == 0 {
            self.meter.used_before(self.used_before(&open));
        }
        while !open.is_empty() {
            let wave = open.drain(..open.len().min(WAVE_LEADS)).collect();
            if let Progress::Unfinished = self.score_wave(wave).await? {
                return Ok(Progress::Unfinished);
            }
        }
        Ok(Progress::Finished)
    }

    /// Scores the leads of a wave that the limit has room for, and skips the others.
    async fn score_wave(&mut self, mut leads: Vec<WaveLead<'_>>) -> Result<Progress, TaskError> {
        let attempt = self.attempt;
        let fits = |count: &usize| self.meter.allows(self.expected(&leads[..*count]));
        let allowed = (0..=leads.len()).rev().find(fits).unwrap_or(0);
        leads[allowed..].iter_mut().for_each(|lead| skip_for_budget(attempt.chunk, lead));
        let expected = self.expected(&leads);
        let asked = leads.iter().filter(|lead| lead.decision.subject().is_some()).count();
        let needed = attempt.gemini.timeout() + WRITING_TIME;
        if asked > 0 && attempt.is_stopping() {
            return Ok(Progress::Unfinished);
        }
        if asked > 0 && attempt.deadline.remaining() < needed {
            if self.waves == 0 {
                let seconds = needed.as_secs();
                let reason = format!("less than {seconds} s were left to start in");
                return Err(Failure::retry(reason).into());
            }
            let (chunk, waves) = (attempt.chunk.index, self.waves);
            tracing::info!(plan.chunk = chunk, waves, "chunk continues in another invocation");
            return Ok(Progress::Unfinished);
        }
        if asked > 0 && !self.is_write_tried {
            try_to_write(attempt, &leads[0].row.id).await?;
            self.is_write_tried = true;
        }
        let place = WavePlace { index: self.waves, tokens_left: self.meter.left() };
        let result = score_wave(attempt, place, leads, &mut self.writable).await?;
        if asked > 0 {
            self.meter.count(expected, result.used);
        }
        self.waves += 1;
        let unsettled = result.unsettled.len();
        self.unsettled.extend(result.unsettled);
        if let Some(halt) = result.halt {
            self.halt = Some(halt);
            return Ok(Progress::Unfinished);
        }
        // If the model is away, or the rows are out of date, the other waves wait for the next invocation too.
        let stops = is_away(asked, unsettled, attempt.leads_per_call) || result.rows_changed;
        Ok(if stops { Progress::Unfinished } else { Progress::Finished })
    }

    fn decide<'b>(
        &self,
        (lead, row): (&'b ChunkLead, &'b Row),
        read_at: Timestamp,
    ) -> WaveLead<'b> {
        let ChunkAttempt { chunk, run, number, clock, .. } = self.attempt;
        let mut cells = Cells::new(run.clone(), clock.now());
        if let Some(odd) = row.odd(decisive_fields(chunk)) {
            // Its row is left as it is: nobody knows what it means.
            let failed = Verdict::failed(ErrorCategory::Airtable, odd.to_string(), Vec::new());
            let decision = Decision::Settle(failed);
            return WaveLead { lead, read_at, row, cells, decision, left_out: Vec::new() };
        }
        let (decision, left_out) = match chunk.kind {
            Kind::Post => {
                let source = &chunk.source;
                let chunk = PostsChunk { run, plan: &chunk.plan, source, is_repeated: *number > 1 };
                decide_posts(chunk, lead, row, &mut cells)
            }
            Kind::Profile => {
                let is_replay = chunk.replaces.is_some();
                let chunk = ProfilesChunk { run, plan: &chunk.plan, is_replay };
                (decide_profile(chunk, &lead.key, row, &mut cells), Vec::new())
            }
        };
        WaveLead { lead, read_at, row, cells, decision, left_out }
    }

    fn expected(&self, wave: &[WaveLead<'_>]) -> u64 {
        let asked = || wave.iter().filter_map(|lead| lead.decision.subject());
        let calls = asked().count().div_ceil(self.attempt.leads_per_call);
        let size = (asked().map(Subject::bytes).sum(), asked().map(Subject::answers).sum());
        let system = self.attempt.template.system.len();
        budget::estimate(self.attempt.chunk.kind, system, calls, size)
    }

    /// What earlier attempts at the chunk used on leads that are settled by what those attempts left
    /// in their rows: the tokens that the row names, else the estimate.
    fn used_before(&self, leads: &[WaveLead<'_>]) -> u64 {
        let rates = Rates {
            kind: self.attempt.chunk.kind,
            system: self.attempt.template.system.len(),
            leads_per_call: self.attempt.leads_per_call,
        };
        leads
            .iter()
            .map(|lead| match &lead.decision {
                Decision::Settle(Verdict { examined, .. }) if !examined.is_empty() => {
                    let len = |field| lead.row.text(field).len();
                    let bytes = match rates.kind {
                        Kind::Post => len(schema::POSTS_CONTENT),
                        Kind::Profile => len(schema::RAW_PROFILE).max(len(schema::PROFILE_JSON)),
                    };
                    let tokens = lead.row.whole(schema::POST_SCORING_TOKENS);
                    tokens.unwrap_or_else(|| rates.of_lead(bytes, examined.len()))
                }
                Decision::Settle(_) | Decision::Ask(_) => 0,
            })
            .sum()
    }

    /// Settles leads whose rows are neither read nor written.
    async fn settle_unread(
        &self,
        leads: impl Iterator<Item = &ChunkLead>,
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let leads = leads.map(|lead| LeadOutcome {
            lead: lead.key.clone(),
            record: None,
            outcome: outcome.clone(),
            examined: Vec::new(),
            scored: Vec::new(),
            left_out: Vec::new(),
        });
        settle_leads(self.attempt, leads.collect()).await
    }
}

/// Whether the model is away, by the leads of a wave: it was called more than once and answered
/// nothing. The leads of a single call may have no answer because of what they say, and hold up no
/// others.
fn is_away(asked: usize, unsettled: usize, leads_per_call: usize) -> bool {
    unsettled == asked && asked > leads_per_call
}

/// Skips a lead that was to be asked about: there are no tokens left for it.
fn skip_for_budget(chunk: &Chunk, lead: &mut WaveLead<'_>) {
    if lead.decision.subject().is_none() {
        return;
    }
    lead.decision = Decision::Settle(Verdict::skipped(SkipReason::BudgetReached));
    leave_for_budget(chunk, lead.row, &mut lead.cells);
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
