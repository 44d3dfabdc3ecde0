//! Scoring: plans the leads of a harvest or the waiting leads, and scores them chunk by chunk.
//!
//! A wave of leads announces its model calls, makes them, reports what was billed, writes the
//! leads' rows, and then settles the leads. If it dies at any step, the metrics finalizer still has
//! everything that was known.

mod app;
mod budget;
mod chunk;
mod config;
mod gemini;
mod lead;
mod left;
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
pub use master::clients::{Client, listed_clients};
pub use master::resolve::run_of_harvest;
pub use planning::price::{WaitingPrice, price_waiting};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chunk::attempt::Progress;
use left::Left;
use shared::core::deadline::Deadline;
use shared::core::failure::{Failure, FailureClass};
use shared::delivery::Delivery;
use shared::messages::{Ingest, Message, ScoringTask};
use shared::ports::Env;
use shared::tasks::Tasks;
use shared::telemetry::trace;
use std::time::Duration;

/// Part of an invocation's time that is reserved for returning its message to the queue.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Handles a batch of the scoring queue or the retry queue, message by message.
pub async fn handle<E: Env>(
    app: &Scoring<E>,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut tasks = Tasks::new(&app.queue, &app.clock);
    for delivery in event.records.into_iter().map(Delivery::of) {
        let trace = delivery.trace.clone();
        trace::follow(trace, Box::pin(handle_delivery(app, &mut tasks, delivery, deadline))).await;
    }
    tasks.response()
}

async fn handle_delivery<E: Env>(
    app: &Scoring<E>,
    tasks: &mut Tasks<'_, E::Queue>,
    mut delivery: Delivery,
    deadline: Deadline,
) {
    if delivery.is_from_retry_queue() {
        return tasks.pass_on(&delivery).await;
    }
    if delivery.receive_count > 1 {
        return tasks.revive(&delivery).await;
    }
    app.limits.begin();
    let ended = attempt(app, &mut delivery, deadline).await;
    // This must happen before the message can go to another process.
    app.limits.rest().await;
    match ended {
        Ok(Progress::Finished) => {}
        Ok(Progress::Unfinished) => tasks.resume(&delivery).await,
        Err(failure) => tasks.settle(&delivery, Err(failure)).await,
    }
}

/// Works on a task as long as there is time. Afterwards `delivery` contains what the next attempt
/// needs, if there is one.
async fn attempt<E: Env>(
    app: &Scoring<E>,
    delivery: &mut Delivery,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let time = deadline.remaining().saturating_sub(LAST_WORDS);
    let task = ScoringTask::decode(&delivery.body).map_err(Failure::dead_letter)?;
    let left = Left::default();
    let work = handle_task(app, &task, (delivery, &left), deadline);
    let ended = tokio::time::timeout(time, work).await;
    let ended =
        ended.unwrap_or_else(|_elapsed| Err(Failure::retry("the invocation's time was up")));
    // A wait does not count as an attempt anyway.
    let is_attempt = !matches!(&ended, Err(Failure { class: FailureClass::Wait { .. }, .. }));
    if is_attempt && left.has_progress(&task) {
        delivery.retry = delivery.retry.with_progress();
    }
    if let Some(next) = left.into_next(&task) {
        delivery.body = next.encode();
    }
    ended
}

async fn handle_task<E: Env>(
    app: &Scoring<E>,
    task: &ScoringTask,
    (delivery, left): (&Delivery, &Left),
    deadline: Deadline,
) -> Result<Progress, Failure> {
    match task {
        ScoringTask::Ingest(task) => {
            let keep = |done| {
                left.note_rest(ScoringTask::Ingest(Ingest {
                    done: Some(Box::new(done)),
                    ..task.clone()
                }));
            };
            planning::ingest::ingest_harvest(app, task, &keep).await?;
        }
        ScoringTask::Replay(task) => planning::replay::replay_run(app, task, left).await?,
        ScoringTask::ScoreWaiting(task) => {
            planning::waiting::score_waiting(app, task, left, deadline).await?;
        }
        ScoringTask::Chunk(chunk) => {
            return chunk::score::score_chunk(app, chunk, (delivery, left), deadline).await;
        }
    }
    Ok(Progress::Finished)
}
