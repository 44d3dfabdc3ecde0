//! Reports facts about runs to the metrics finalizer.

use crate::Scoring;
use shared::digest::queue_id;
use shared::failure::Failure;
use shared::messages::{Fact, Message, MetricsEvent, MetricsMessage, RunHeader};
use shared::seams::{OutgoingMessage, Queue, QueueName, Transport};

/// Reports facts of a run, in their order. Returns only when the queue has all of them.
pub(crate) async fn report<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    facts: Vec<Fact>,
) -> Result<(), Failure> {
    let at = app.clock.now();
    let group = queue_id(app.config.airtable.master_base.as_str());
    let messages = facts
        .into_iter()
        .map(|fact| {
            let event = MetricsEvent { run: run.clone(), at, fact };
            OutgoingMessage {
                group: group.clone(),
                deduplication: event.id(),
                body: MetricsMessage::Event(Box::new(event)).encode(),
            }
        })
        .collect();
    app.queue.send(QueueName::Metrics, messages).await.map_err(Failure::retryable)
}
