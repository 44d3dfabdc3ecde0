//! A chunk: up to 50 leads, in waves of 10.

use crate::Scoring;
use crate::decide::{Decision, decide};
use crate::leads::{self, Cells};
use crate::report::report;
use crate::wave::{self, Lead};
use shared::batch::Delivery;
use shared::deadline::Deadline;
use shared::failure::{Failure, FailureClass};
use shared::messages::{
    AttemptRef, Chunk, ChunkDone, ChunkFailed, ErrorCategory, Fact, LeadOutcome, Outcome, Settled,
};
use shared::seams::{Queue, Transport};
use std::time::Duration;
use tracing::Instrument;

/// Leads of a wave: as many as Airtable writes in one request.
const WAVE_LEADS: usize = 10;
/// Time to write a wave's rows and report, once the model has answered.
pub(crate) const WRITING_TIME: Duration = Duration::from_secs(20);

/// How far a task came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is done.
    Finished,
    /// What it began is settled; the rest needs another invocation.
    OutOfTime,
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
    let span = shared::telemetry::run_span(&chunk.run);
    async {
        match score_leads(app, chunk, &attempt, delivery, deadline).await {
            Err(failure) if failure.class == FailureClass::Terminal => {
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
    let run = chunk.run.id();
    // Rows are read before any token is spent: an outage of Airtable costs nothing.
    let rows = leads::read(&app.airtable, &chunk.base, &chunk.leads)
        .await
        .map_err(|error| Failure { class: error.class(), reason: error.to_string() })?;
    let mut leads = Vec::new();
    let mut no_leads = Vec::new();
    for lead in &chunk.leads {
        let Some(row) = leads::find(&rows, &lead.lead) else {
            no_leads.push(LeadOutcome {
                lead: lead.key.clone(),
                record: None,
                outcome: Outcome::NotALead,
                examined: Vec::new(),
                scored: Vec::new(),
            });
            continue;
        };
        let mut cells = Cells::new(&run, app.clock.now());
        let tried_before = delivery.receive_count > 1;
        let decision = decide(lead, &row.fields, &run, &chunk.source, tried_before, &mut cells);
        leads.push(Lead { lead, row, cells, decision });
    }
    if !no_leads.is_empty() {
        let settled = Settled { attempt: attempt.clone(), kind: chunk.kind, leads: no_leads };
        report(app, &chunk.run, vec![Fact::Settled(settled)]).await?;
    }

    let mut unanswered = Vec::new();
    let mut writable = chunk.writable.clone();
    let mut wave = 0;
    while !leads.is_empty() {
        let next: Vec<Lead<'_>> = leads.drain(..leads.len().min(WAVE_LEADS)).collect();
        let asks = next.iter().any(|lead| matches!(lead.decision, Decision::Ask { .. }));
        let needed = app.gemini.timeout() + WRITING_TIME;
        if asks && deadline.remaining() < needed && wave == 0 {
            let seconds = needed.as_secs();
            return Err(Failure::retryable(format!("less than {seconds} s were left to begin in")));
        }
        // Without answers the next invocation is in no hurry: the model may be away.
        if asks && deadline.remaining() < needed && !unanswered.is_empty() {
            break;
        }
        if asks && deadline.remaining() < needed {
            tracing::info!(plan.chunk = chunk.index, wave, "chunk goes on in another invocation");
            return Ok(Progress::OutOfTime);
        }
        let work =
            wave::Wave { chunk, attempt, index: wave, deadline, is_last: delivery.is_last() };
        unanswered.extend(wave::score(app, &work, next, &mut writable).await?);
        wave += 1;
    }
    if let Some(reason) = unanswered.first() {
        return Err(Failure::retryable(format!(
            "{} lead(s) without an answer of the model; the first: {reason}",
            unanswered.len()
        )));
    }
    let done = Fact::ChunkDone(ChunkDone { attempt: attempt.clone() });
    report(app, &chunk.run, vec![done]).await?;
    tracing::info!(plan.id = %chunk.plan, plan.chunk = chunk.index, plan.chunks = chunk.of, "chunk done");
    Ok(Progress::Finished)
}
