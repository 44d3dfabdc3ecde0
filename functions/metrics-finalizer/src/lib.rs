//! The metrics finalizer: the only writer of run records.
//!
//! A batch of events is stored first; from then on nothing can be lost, and the messages are
//! done. Then each touched run is folded and projected onto its record. A projection that fails
//! or is put off leaves the run unprojected, and the next event or tick projects it: an outage of
//! Airtable never uses up a message's receives.

mod config;
mod project;

pub use config::{Config, event_log_table, queue_urls};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use project::Urgency;
use shared::airtable::{Airtable, Limiters};
use shared::batch::{Batch, Delivery};
use shared::clock::Clock;
use shared::deadline::Deadline;
use shared::failure::Failure;
use shared::ids::RunId;
use shared::messages::{Message, MetricsEvent, MetricsMessage};
use shared::run_records::RunRecords;
use shared::seams::{EventLog, LogError, Queue, QueueName, StoredEvent, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Kept back of an invocation's time to answer in.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The function with all it needs. Made once per process.
pub struct Finalizer<T, Q, L> {
    airtable: Airtable<T>,
    records: RunRecords,
    queue: Q,
    log: L,
    clock: Clock,
    config: Config,
}

impl<T: Transport, Q: Queue, L: EventLog> Finalizer<T, Q, L> {
    /// Wires the function.
    pub fn new(
        config: Config,
        transport: T,
        limiters: Arc<Limiters>,
        queue: Q,
        log: L,
        clock: Clock,
    ) -> Self {
        let airtable = Airtable::new(
            transport,
            config.airtable.url.clone(),
            config.airtable.token.clone(),
            limiters,
        );
        let records = RunRecords::new(config.airtable.master_base.clone(), clock.clone());
        Self { airtable, records, queue, log, clock, config }
    }
}

/// Handles a batch of the metrics queue. All its events are stored together; then the touched
/// runs are projected, and on a tick all that are open.
pub async fn handle<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut batch = Batch::new(&app.queue, QueueName::Metrics);
    let mut deliveries = Vec::new();
    let mut events: BTreeMap<RunId, Vec<MetricsEvent>> = BTreeMap::new();
    let mut is_tick = false;
    for delivery in event.records.into_iter().map(Delivery::of) {
        match MetricsMessage::decode(&delivery.body) {
            Ok(MetricsMessage::Event(event)) => {
                events.entry(event.run.id()).or_default().push(*event);
                deliveries.push(delivery);
            }
            Ok(MetricsMessage::Tick) => {
                is_tick = true;
                deliveries.push(delivery);
            }
            Err(error) => batch.settle(&delivery, Err(Failure::poison(error))).await,
        }
    }
    if let Err(error) = append(app, &events).await {
        for delivery in &deliveries {
            if !batch.is_blocked(delivery).await {
                batch.settle(delivery, Err(Failure::retryable(&error))).await;
            }
        }
        return batch.response();
    }
    let touched = events.iter().map(|(run, events)| (run.clone(), Urgency::of(events)));
    let projecting = async {
        project::touched(app, touched.collect()).await;
        if is_tick {
            project::tick(app).await;
        }
    };
    // The events are stored: what Airtable has no answer for in time is projected later.
    let time = deadline.remaining().saturating_sub(LAST_WORDS);
    if tokio::time::timeout(time, projecting).await.is_err() {
        tracing::error!("Airtable took too long; runs are left unprojected");
    }
    batch.response()
}

async fn append<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    events: &BTreeMap<RunId, Vec<MetricsEvent>>,
) -> Result<(), LogError> {
    for (run, events) in events {
        let stored: Vec<StoredEvent> = events.iter().map(stored).collect();
        app.log.append(run, &stored).await?;
    }
    Ok(())
}

/// The event as the log keeps it.
fn stored(event: &MetricsEvent) -> StoredEvent {
    let body = MetricsMessage::Event(Box::new(event.clone())).encode();
    StoredEvent { id: event.id(), body }
}
