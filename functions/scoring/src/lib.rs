//! Scoring: plans what a harvest brought or what is waiting, and scores it chunk by chunk.
//!
//! A wave of leads announces its model calls, makes them, reports what was billed, writes the
//! leads' rows, then settles. At whatever step it dies, the metrics finalizer knows what is known.

mod app;
mod budget;
mod chunk;
mod config;
mod gemini;
mod lead;
mod limits;
mod master;
mod planning;
mod posts;
mod prompt;
mod random;
mod report;
mod task_error;
#[cfg(test)]
mod testing;

pub use app::{Adapters, Scoring};
pub use config::{Config, queue_urls};
pub use gemini::{ModelProblem, ModelSettings, probe_model};
pub use limits::Limits;
pub use master::clients::Client;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chunk::attempt::Progress;
use shared::batch::{Batch, Delivery};
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::messages::{Message, ScoringTask};
use shared::ports::{Env, QueueName};
use std::time::Duration;

/// Kept back of an invocation's time to return its message to the queue in order.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Handles a batch of the scoring queue, message by message.
pub async fn handle<E: Env>(
    app: &Scoring<E>,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut batch = Batch::new(&app.queue, QueueName::Scoring);
    for delivery in event.records.into_iter().map(Delivery::of) {
        if batch.is_blocked(&delivery).await {
            continue;
        }
        let time = deadline.remaining().saturating_sub(LAST_WORDS);
        let work = tokio::time::timeout(time, handle_task(app, &delivery, deadline)).await;
        // Before the message can go to another process.
        app.limits.rest().await;
        match work {
            Ok(Ok(Progress::Finished)) => {}
            Ok(Ok(Progress::Unfinished)) => batch.resume(&delivery).await,
            Ok(Err(failure)) => batch.settle(&delivery, Err(failure)).await,
            Err(_elapsed) => {
                let failure = Failure::retry("the invocation's time was up");
                batch.settle(&delivery, Err(failure)).await;
            }
        }
    }
    batch.response()
}

async fn handle_task<E: Env>(
    app: &Scoring<E>,
    delivery: &Delivery,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    match ScoringTask::decode(&delivery.body).map_err(Failure::dead_letter)? {
        ScoringTask::Ingest(task) => planning::ingest::ingest_harvest(app, &task).await?,
        ScoringTask::Replay(task) => planning::replay::replay_run(app, &task).await?,
        ScoringTask::ScoreWaiting(task) => {
            planning::waiting::score_waiting(app, &task, deadline).await?;
        }
        ScoringTask::Chunk(chunk) => {
            return chunk::score::score_chunk(app, &chunk, delivery, deadline).await;
        }
    }
    Ok(Progress::Finished)
}
