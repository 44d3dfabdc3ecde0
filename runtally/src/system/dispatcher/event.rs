//! The event that Lambda passes to a function, and the answer that it expects.

use crate::storage::Received;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::ports::QueueName;

/// The event for `batch`, without checksums and trace header, because no function reads them.
pub(super) fn event_for(queue: QueueName, batch: &[Received]) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(|message| record(queue, message)).collect();
    event
}

fn record(queue: QueueName, message: &Received) -> SqsMessage {
    let attributes = [
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("SentTimestamp", message.sent_at.as_millisecond().to_string()),
        ("SenderId", "AIDALOCAL:runtally".to_owned()),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received_at.as_millisecond().to_string(),
        ),
    ];
    let of_fifo = [
        ("SequenceNumber", format!("{:020}", message.sequence)),
        ("MessageGroupId", message.group.clone()),
        ("MessageDeduplicationId", message.deduplication.clone()),
    ];
    let (of_fifo, ending) = if queue.is_fifo() { (&of_fifo[..], ".fifo") } else { (&[][..], "") };
    let attributes = attributes.into_iter().chain(of_fifo.iter().cloned());
    let mut record = SqsMessage::default();
    record.message_id = Some(message.message_id.clone());
    record.receipt_handle = Some(message.receipt.clone());
    record.body = Some(message.body.clone());
    record.attributes = attributes.map(|(name, value)| (name.to_owned(), value)).collect();
    record.event_source = Some("aws:sqs".to_owned());
    record.event_source_arn =
        Some(format!("arn:aws:sqs:local:000000000000:{}{ending}", queue.as_str()));
    record.aws_region = Some("local".to_owned());
    record
}

/// The ids of the messages that `response` reports as failed, or why all of them count as failed.
pub(super) fn failed_of<'a>(
    batch: &'a [Received],
    response: &SqsBatchResponse,
) -> Result<Vec<&'a str>, String> {
    response
        .batch_item_failures
        .iter()
        .map(|failure| {
            let id = failure.item_identifier.as_str();
            batch
                .iter()
                .map(|message| message.message_id.as_str())
                .find(|known| *known == id)
                .ok_or_else(|| format!("the function reported {id:?}, which it was not given"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_looks_as_lambda_sends_it() {
        let message = Received {
            message_id: "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5".to_owned(),
            receipt: "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5#2".to_owned(),
            group: "client-7".to_owned(),
            deduplication: "run-r1".to_owned(),
            body: r#"{"runId":"r1"}"#.to_owned(),
            receive_count: 2,
            sent_at: "2026-11-23T09:45:19.821Z".parse().unwrap(),
            first_received_at: "2026-11-23T09:45:19.850Z".parse().unwrap(),
            sequence: 12,
        };
        let event = serde_json::to_value(event_for(QueueName::Scoring, &[message])).unwrap();
        assert_eq!(
            event,
            json!({"Records": [{
                "messageId": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
                "receiptHandle": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5#2",
                "body": r#"{"runId":"r1"}"#,
                "attributes": {
                    "ApproximateReceiveCount": "2",
                    "SentTimestamp": "1795427119821",
                    "SequenceNumber": "00000000000000000012",
                    "MessageGroupId": "client-7",
                    "SenderId": "AIDALOCAL:runtally",
                    "MessageDeduplicationId": "run-r1",
                    "ApproximateFirstReceiveTimestamp": "1795427119850",
                },
                "messageAttributes": {},
                "md5OfMessageAttributes": null,
                "md5OfBody": null,
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:local:000000000000:scoring.fifo",
                "awsRegion": "local",
            }]})
        );
    }
}
