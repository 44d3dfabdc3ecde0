//! The metrics finalizer: the only writer of run records.
//!
//! It first stores a batch of events. From then on nothing can be lost, and the messages are done.
//! Then it folds each touched run and projects it onto its record. If a projection fails or is
//! postponed, the run stays unprojected, and the next event or tick projects it. So an outage of
//! Airtable never uses up a message's receives.

mod config;
mod costs;
mod diagnose;
mod error;
mod events;
mod finalizer;
mod folded;
mod later;
mod missed;
mod project;
mod retry;
mod running;
mod tick;
mod verify;

pub use config::{Config, Missed, event_log_retention, event_log_table, queue_urls, verify_for};
pub use finalizer::{Adapters, Finalizer};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use project::Touched;
use shared::batch::Batch;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::{ApifyRunId, RunId};
use shared::core::limits::MAX_EVENT_BYTES;
use shared::delivery::Delivery;
use shared::messages::{Fact, Heard, Message, MetricsEvent, MetricsMessage, OpenedBy};
use shared::ports::{Env, EventLog, HarvestKey, LogError, QueueName, StoredEvent, check_events};
use shared::telemetry::trace;
use std::collections::BTreeMap;
use std::time::Duration;

/// Part of an invocation's time that is reserved for its response.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Handles a batch of the metrics queue. It stores all events and then projects the touched runs.
/// On a tick, it also checks all open runs.
pub async fn handle<E: Env>(
    app: &Finalizer<E>,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let deliveries: Vec<Delivery> = event.records.into_iter().map(Delivery::of).collect();
    let traces: Vec<_> = deliveries.iter().filter_map(|delivery| delivery.trace.clone()).collect();
    trace::link(traces.into_iter(), Box::pin(handle_batch(app, deliveries, deadline))).await
}

async fn handle_batch<E: Env>(
    app: &Finalizer<E>,
    deliveries: Vec<Delivery>,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut batch = Batch::new(&app.queue, QueueName::Metrics);
    let mut received = Received::default();
    for delivery in deliveries {
        match read(&delivery) {
            Ok(message) => received.add(delivery, message),
            Err(failure) => {
                let settled = batch.settle(&delivery, Err(failure));
                trace::follow(delivery.trace.clone(), settled).await;
            }
        }
    }
    let Received { deliveries, events, heard, due, touched, is_tick } = received;
    due.iter().for_each(|run| app.later.came(run));
    if let Err(error) = store(app, events, &heard).await {
        for delivery in &deliveries {
            trace::follow(delivery.trace.clone(), async {
                if !batch.is_blocked(delivery).await {
                    batch.settle(delivery, Err(Failure::retry(&error))).await;
                }
            })
            .await;
        }
        return batch.response();
    }
    app.limiters.begin();
    let projecting = async {
        project::touched(app, touched).await;
        if is_tick {
            tick::tick(app).await;
        }
    };
    // The events are stored. If there is no time for a projection, it is made later.
    let time = deadline.remaining().saturating_sub(ANSWER_TIME);
    if tokio::time::timeout(time, projecting).await.is_err() {
        shared::telemetry::metrics::run_unprojected();
        tracing::error!("Airtable took too long; runs are left unprojected");
    }
    app.limiters.rest().await;
    batch.response()
}

/// Reads a message. An event that does not fit in the log is dead-lettered here: it would prevent
/// the rest of its batch from being stored.
fn read(delivery: &Delivery) -> Result<MetricsMessage, Failure> {
    let message = MetricsMessage::decode(&delivery.body).map_err(Failure::dead_letter)?;
    if let MetricsMessage::Event(event) = &message
        && delivery.body.len() > MAX_EVENT_BYTES
    {
        check_events(&[events::stored(event)]).map_err(Failure::dead_letter)?;
    }
    Ok(message)
}

/// The messages of a batch that could be read.
#[derive(Default)]
struct Received {
    deliveries: Vec<Delivery>,
    events: BTreeMap<RunId, Vec<MetricsEvent>>,
    /// Harvests that do not need a tick to be found.
    heard: Vec<HarvestKey>,
    /// Runs whose records are due.
    due: Vec<RunId>,
    /// All runs for which messages arrived.
    touched: BTreeMap<RunId, Touched>,
    is_tick: bool,
}

impl Received {
    fn add(&mut self, delivery: Delivery, message: MetricsMessage) {
        let trace = delivery.trace.clone();
        self.deliveries.push(delivery);
        match message {
            MetricsMessage::Event(event) => {
                let touched = self.touched.entry(event.run.id()).or_default();
                touched.may_have_ended |= project::may_end(&event.fact);
                touched.trace = trace;
                let ended = harvest_of(&event.fact);
                self.heard.extend(ended.into_iter().flat_map(|(run, at)| missed::keys(run, at)));
                self.events.entry(event.run.id()).or_default().push(*event);
            }
            MetricsMessage::Heard(Heard { apify_run_id, finished_at }) => {
                self.heard.extend(missed::keys(&apify_run_id, finished_at));
            }
            MetricsMessage::Project(project) => {
                self.touched.entry(project.run.clone()).or_default().trace = trace;
                self.due.push(project.run);
            }
            MetricsMessage::Tick => self.is_tick = true,
        }
    }
}

async fn store<E: Env>(
    app: &Finalizer<E>,
    events: BTreeMap<RunId, Vec<MetricsEvent>>,
    heard: &[HarvestKey],
) -> Result<(), LogError> {
    if !heard.is_empty() {
        app.log.hear(heard).await?;
    }
    for (run, events) in events {
        let mut stored = append(app, &run, &events).await?;
        let elsewhere = costs::elsewhere(app, &run, &events).await?;
        if !elsewhere.is_empty() {
            stored.extend(append(app, &run, &elsewhere).await?);
        }
        for (event, stored) in events.into_iter().chain(elsewhere).zip(stored) {
            app.events.keep(event, stored.body);
        }
    }
    Ok(())
}

/// Appends events and returns them as the log stores them.
async fn append<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
    events: &[MetricsEvent],
) -> Result<Vec<StoredEvent>, LogError> {
    let stored: Vec<_> = events.iter().map(events::stored).collect();
    app.log.append(run, &stored).await?;
    app.running.appended(run, events);
    Ok(stored)
}

/// The harvest that a fact is about, with its end if the fact contains it.
fn harvest_of(fact: &Fact) -> Option<(&ApifyRunId, Option<Timestamp>)> {
    match fact {
        Fact::Opened(opened) => match &opened.by {
            OpenedBy::Webhook(harvest) => Some((harvest, None)),
            OpenedBy::ScoreWaiting { .. } => None,
        },
        Fact::Harvested(harvested) => Some((&harvested.apify_run, harvested.finished_at)),
        Fact::RunFailed(failed) => failed.apify_run.as_ref().map(|run| (run, None)),
        Fact::CostElsewhere(_)
        | Fact::Planned(_)
        | Fact::PlannedChunk(_)
        | Fact::Announced(_)
        | Fact::Billed(_)
        | Fact::Settled(_)
        | Fact::ChunkDone(_)
        | Fact::ChunkFailed(_)
        | Fact::Noted(_) => None,
    }
}
