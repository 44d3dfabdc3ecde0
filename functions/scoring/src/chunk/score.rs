//! Scores a chunk and reports the result.

use super::attempt::{ChunkAttempt, Progress};
use super::halt::{ask_whether_calls_may_begin, halted};
use super::work::ChunkWork;
use crate::app::Scoring;
use crate::left::Left;
use crate::task_error::TaskError;
use shared::core::counted::counted;
use shared::core::deadline::Deadline;
use shared::core::failure::{Failure, FailureClass};
use shared::delivery::Delivery;
use shared::messages::{Chunk, ChunkDone, ChunkFailed, ErrorCategory, Fact, PlannedChunk, Source};
use shared::ports::Env;
use tracing::Instrument;

/// From this attempt at a chunk on, the record says why it fails.
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
        // The record already says that it waits.
        Err(TaskError::Retry(failure))
            if attempt.has_waited && matches!(failure.class, FailureClass::Wait { .. }) =>
        {
            Err(failure)
        }
        // A failure this frequent is not temporary: the record says why it waits, and since when.
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
    // Planning may die after it queued the chunk and before it reported it. The next attempt then
    // plans only the leads that still wait, and these leads would be in no plan. So the chunk
    // reports itself. It repeats what planning reports, so the log keeps only one of the two.
    if chunk.source == Source::Waiting {
        let planned = Fact::PlannedChunk(PlannedChunk::of_waiting(chunk));
        let at = chunk.planned_at.unwrap_or_else(|| attempt.reporter.clock.now());
        attempt.reporter.report_at(at, vec![planned]).await?;
    }
    let asks_first = chunk.token_share != Some(0) && ask_whether_calls_may_begin(attempt).await?;
    let mut work = ChunkWork::new(attempt, u32::from(asks_first));
    work.score().await?;
    if let Some(halt) = &work.halt {
        return Err(halted(halt).into());
    }
    if let Some(reason) = work.unsettled.first() {
        // Without answers, the next invocation is not urgent: the model may be unavailable.
        let leads = counted(work.unsettled.len(), "lead");
        tracing::info!(leads, reason, "the chunk waits for another attempt");
        // The note has no number: many chunks that wait for one reason become one note on the
        // record.
        return Err(Failure::retry(format!("leads have no result yet: {reason}")).into());
    }
    if work.is_cut {
        return Ok(Progress::Unfinished);
    }
    let done = Fact::ChunkDone(ChunkDone { attempt: attempt.id.clone() });
    attempt.reporter.report(vec![done]).await?;
    tracing::info!(plan.id = %chunk.plan, plan.chunk = chunk.index, plan.chunks = chunk.of, "chunk done");
    Ok(Progress::Finished)
}
