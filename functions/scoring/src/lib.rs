//! Scoring: plans what a harvest brought or what is waiting, and scores it chunk by chunk.
//!
//! A wave of leads announces its model calls, makes them, reports what was billed, writes the
//! leads' rows, then settles. Whatever step it dies at, the metrics finalizer knows what is known.

mod budget;
mod chunk;
mod config;
mod gemini;
mod lead;
mod master;
mod planning;
mod posts;
mod prompt;
mod report;

pub use config::{Config, DEFAULT_MODEL, ModelEndpoint, queue_urls};
pub use gemini::{ModelProblem, ThinkingLevel, TierChoice, probe_model};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chunk::score::Progress;
use gemini::Gemini;
use shared::batch::{Batch, Delivery};
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::core::digest::id_of;
use shared::core::failure::Failure;
use shared::core::ids::AttemptId;
use shared::messages::{Message, ScoringTask};
use shared::ports::{Queue, QueueName, Transport};
use shared::services::airtable::{Airtable, Limiters, Rate};
use shared::services::apify::Apify;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Kept back of an invocation's time to give its message back in order.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The function with all it needs. Made once per process.
pub struct Scoring<T, Q> {
    /// For chunks: the lanes of a client's base share its limit.
    airtable: Airtable<T>,
    /// For plans: they share the master base's limit with the finalizer.
    planning: Airtable<T>,
    limits: Limits,
    apify: Apify<T>,
    gemini: Gemini<T>,
    queue: Q,
    clock: Clock,
    config: Config,
    rng: Mutex<fastrand::Rng>,
}

/// The request limits that the two kinds of work keep to.
#[derive(Debug, Clone)]
pub struct Limits {
    plans: Arc<Limiters>,
    chunks: Arc<Limiters>,
}

impl Limits {
    /// For a process that is one of many, each of which works on a plan or on a chunk of one of
    /// so many lanes.
    #[must_use]
    pub fn of_one_process(lanes: u32) -> Self {
        Self {
            plans: Arc::new(Limiters::of_one_process(Rate::PLAN)),
            chunks: Arc::new(Limiters::of_one_process(Rate::chunk(lanes))),
        }
    }

    /// For a process that does all the work.
    #[must_use]
    pub fn of_the_only_process(all: &Arc<Limiters>) -> Self {
        Self { plans: Arc::clone(all), chunks: Arc::clone(all) }
    }

    /// Returns when the next process may begin with its whole rate.
    async fn rest(&self) {
        self.plans.rest().await;
        self.chunks.rest().await;
    }
}

impl<T: Transport + Clone, Q: Queue> Scoring<T, Q> {
    /// Wires the function. Attempt ids and jitter are drawn from `rng`.
    pub fn new(
        config: Config,
        transport: T,
        limits: Limits,
        queue: Q,
        clock: Clock,
        rng: fastrand::Rng,
    ) -> Self {
        let airtable = |limiters: &Arc<Limiters>| {
            Airtable::new(
                transport.clone(),
                config.airtable.url.clone(),
                config.airtable.token.clone(),
                Arc::clone(limiters),
            )
        };
        let (planning, airtable) = (airtable(&limits.plans), airtable(&limits.chunks));
        let apify =
            Apify::new(transport.clone(), config.apify.url.clone(), config.apify.token.clone());
        let gemini = Gemini::new(
            transport,
            config.model_endpoint.connect(),
            config.model.clone(),
            config.thinking,
            config.tier,
            config.model_timeout,
            clock.clone(),
        );
        Self {
            airtable,
            planning,
            limits,
            apify,
            gemini,
            queue,
            clock,
            config,
            rng: Mutex::new(rng),
        }
    }
}

impl<T, Q> Scoring<T, Q> {
    /// A new attempt's id.
    fn attempt_id(&self) -> AttemptId {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = rng.u128(..).to_string();
        id_of(&["attempt", &drawn]).try_into().expect("an id has the form of an attempt id")
    }

    /// A random share of `delay`, from half of it to all of it.
    fn jitter(&self, delay: Duration) -> Duration {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        delay.mul_f64(0.5 + rng.f64() / 2.0)
    }
}

/// Handles a batch of the scoring queue, message by message.
pub async fn handle<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
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

async fn handle_task<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    delivery: &Delivery,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    match ScoringTask::decode(&delivery.body).map_err(Failure::dead_letter)? {
        ScoringTask::Ingest(task) => {
            planning::ingest::ingest(app, &task).await.map(|()| Progress::Finished)
        }
        ScoringTask::Replay(task) => {
            planning::replay::replay(app, &task).await.map(|()| Progress::Finished)
        }
        ScoringTask::Chunk(chunk) => chunk::score::score(app, &chunk, delivery, deadline).await,
        ScoringTask::ScoreWaiting(task) => {
            planning::waiting::score(app, &task, deadline).await.map(|()| Progress::Finished)
        }
    }
}
