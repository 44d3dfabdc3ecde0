//! The metrics finalizer: the only writer of run records.
//!
//! A batch of events is stored first; from then on nothing can be lost, and the messages are
//! done. Then each touched run is folded and projected onto its record. A projection that fails
//! or is put off leaves the run unprojected, and the next event or tick projects it: an outage of
//! Airtable never uses up a message's receives.

mod config;
mod diagnose;
mod events;
mod missed;
mod project;
mod retry;
mod tick;
mod verify;

pub use config::{Config, Missed, event_log_table, queue_urls};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use events::Events;
use project::Urgency;
use shared::batch::{Batch, Delivery};
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::{ApifyRunId, RunId};
use shared::messages::{Fact, Heard, Message, MetricsEvent, MetricsMessage, OpenedBy};
use shared::ports::{Env, EventLog, LogError, QueueName, StoredEvent};
use shared::run_records::RunRecords;
use shared::services::airtable::{Airtable, Limiters};
use shared::services::apify::Apify;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Kept back of an invocation's time to answer in.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The function with all it needs. Made once per process.
pub struct Finalizer<E: Env> {
    airtable: Airtable<E::Transport>,
    limiters: Arc<Limiters>,
    apify: Option<Apify<E::Transport>>,
    records: RunRecords,
    events: Events,
    queue: E::Queue,
    log: E::EventLog,
    clock: Clock,
    config: Config,
}

/// The adapters through which the function reaches the outside.
pub struct Adapters<E: Env> {
    /// To Airtable and Apify.
    pub transport: E::Transport,
    /// The queues.
    pub queue: E::Queue,
    /// The event log.
    pub log: E::EventLog,
}

impl<E: Env> Finalizer<E> {
    /// Wires the function.
    pub fn new(
        config: Config,
        adapters: Adapters<E>,
        limiters: Arc<Limiters>,
        clock: Clock,
    ) -> Self {
        let Adapters { transport, queue, log } = adapters;
        let apify = config.missed.as_ref().map(|missed| {
            let reached = &missed.apify;
            Apify::new(transport.clone(), reached.url.clone(), reached.token.clone())
        });
        if apify.is_none() {
            tracing::info!(
                "harvests whose webhook was missed are not looked for: APIFY_ACTORS is not set"
            );
        }
        let airtable = Airtable::new(
            transport,
            config.airtable.url.clone(),
            config.airtable.token.clone(),
            Arc::clone(&limiters),
        );
        let records = RunRecords::new(config.airtable.master_base.clone(), clock.clone());
        let events = Events::default();
        Self { airtable, limiters, apify, records, events, queue, log, clock, config }
    }
}

/// Handles a batch of the metrics queue. All its events are stored together; then the touched
/// runs are projected, and on a tick all that are open.
pub async fn handle<E: Env>(
    app: &Finalizer<E>,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut batch = Batch::new(&app.queue, QueueName::Metrics);
    let mut deliveries = Vec::new();
    let mut events: BTreeMap<RunId, Vec<MetricsEvent>> = BTreeMap::new();
    let mut heard: Vec<ApifyRunId> = Vec::new();
    let mut is_tick = false;
    for delivery in event.records.into_iter().map(Delivery::of) {
        match MetricsMessage::decode(&delivery.body) {
            Ok(MetricsMessage::Event(event)) => {
                heard.extend(harvest_of(&event.fact).cloned());
                events.entry(event.run.id()).or_default().push(*event);
                deliveries.push(delivery);
            }
            Ok(MetricsMessage::Heard(Heard { apify_run_id })) => {
                heard.push(apify_run_id);
                deliveries.push(delivery);
            }
            Ok(MetricsMessage::Tick) => {
                is_tick = true;
                deliveries.push(delivery);
            }
            Err(error) => batch.settle(&delivery, Err(Failure::dead_letter(error))).await,
        }
    }
    if let Err(error) = append(app, &events, &heard).await {
        for delivery in &deliveries {
            if !batch.is_blocked(delivery).await {
                batch.settle(delivery, Err(Failure::retry(&error))).await;
            }
        }
        return batch.response();
    }
    let touched = events.iter().map(|(run, events)| (run.clone(), Urgency::of(events)));
    let projecting = async {
        project::touched(app, touched.collect()).await;
        if is_tick {
            tick::tick(app).await;
        }
    };
    // The events are stored: what Airtable has no answer for in time is projected later.
    let time = deadline.remaining().saturating_sub(LAST_WORDS);
    if tokio::time::timeout(time, projecting).await.is_err() {
        shared::telemetry::metrics::run_unprojected();
        tracing::error!("Airtable took too long; runs are left unprojected");
    }
    app.limiters.rest().await;
    batch.response()
}

async fn append<E: Env>(
    app: &Finalizer<E>,
    events: &BTreeMap<RunId, Vec<MetricsEvent>>,
    heard: &[ApifyRunId],
) -> Result<(), LogError> {
    if !heard.is_empty() {
        app.log.hear(heard).await?;
    }
    for (run, events) in events {
        let stored: Vec<StoredEvent> = events.iter().map(stored).collect();
        app.log.append(run, &stored).await?;
    }
    Ok(())
}

/// The harvest that a fact shows was heard of.
fn harvest_of(fact: &Fact) -> Option<&ApifyRunId> {
    match fact {
        Fact::Opened(opened) => match &opened.by {
            OpenedBy::Webhook(harvest) => Some(harvest),
            OpenedBy::ScoreWaiting { .. } => None,
        },
        Fact::Harvested(harvested) => Some(&harvested.apify_run),
        Fact::RunFailed(failed) => failed.apify_run.as_ref(),
        Fact::Planned(_)
        | Fact::PlannedChunk(_)
        | Fact::Announced(_)
        | Fact::Billed(_)
        | Fact::Settled(_)
        | Fact::ChunkDone(_)
        | Fact::ChunkFailed(_)
        | Fact::Noted(_) => None,
    }
}

/// The event as the log keeps it.
fn stored(event: &MetricsEvent) -> StoredEvent {
    StoredEvent { id: event.id(), body: event.encode() }
}
