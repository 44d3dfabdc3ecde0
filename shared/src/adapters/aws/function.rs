//! The main loop of a function that a queue invokes.

use crate::core::deadline::Deadline;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
pub use lambda_runtime::Error;
use lambda_runtime::{Context, LambdaEvent, run, service_fn};
use std::time::SystemTime;

/// Starts the function once, and handles its invocations until Lambda ends the process. Each batch
/// of messages must be handled before the invocation's deadline.
///
/// # Errors
/// The reason why the function does not start; it is logged.
pub async fn answer_batches<App>(
    start: impl Future<Output = Result<App, Error>>,
    handle: impl AsyncFn(&App, SqsEvent, Deadline) -> SqsBatchResponse,
) -> Result<(), Error> {
    let app = &Box::pin(start)
        .await
        .inspect_err(|error| tracing::error!(%error, "the function does not start"))?;
    let ended = Box::pin(run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let deadline = deadline(&event.context);
        check_source(&event.payload)
            .inspect_err(|error| tracing::error!(%error, "the event is not for this function"))?;
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    })))
    .await;
    // The runtime is ended while it waits for more work. That is not an error of the function.
    ended.or_else(|error| {
        tracing::info!(%error, "the function ends");
        Ok(())
    })
}

/// Why an event is not a batch of messages from a queue.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this function accepts messages only from its own queue, but record {index} comes from \
     {source_name}"
)]
struct WrongSource {
    index: usize,
    source_name: String,
}

/// Checks that a queue sent the event. Records of other services, such as a topic, would be read as
/// messages without a body.
fn check_source(event: &SqsEvent) -> Result<(), WrongSource> {
    const QUEUE: &str = "aws:sqs";
    let is_other = |record: &SqsMessage| {
        record.body.is_none() || record.event_source.as_deref().is_some_and(|name| name != QUEUE)
    };
    match event.records.iter().enumerate().find(|(_, record)| is_other(record)) {
        Some((index, record)) => {
            let source_name = record.event_source.as_deref().unwrap_or("elsewhere").to_owned();
            Err(WrongSource { index, source_name })
        }
        None => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the time enters here")]
fn deadline(context: &Context) -> Deadline {
    Deadline::after(context.deadline().duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(record: &Value) -> Result<(), String> {
        let message = json!({"messageId": "m", "receiptHandle": "r", "body": "{}"});
        let event: SqsEvent =
            serde_json::from_value(json!({"Records": [message, record]})).unwrap();
        check_source(&event).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_of_another_service_is_refused_and_not_read_as_empty_messages() {
        assert_eq!(
            checked(&json!({"messageId": "n", "body": "", "eventSource": "aws:sqs"})),
            Ok(())
        );
        for (record, source) in [
            (json!({"EventSource": "aws:sns", "Sns": {"Message": "{}"}}), "elsewhere"),
            (json!({"eventSource": "aws:s3", "s3": {}}), "aws:s3"),
            (json!({"eventSource": "aws:kinesis", "body": "{}"}), "aws:kinesis"),
        ] {
            let said = format!(
                "this function accepts messages only from its own queue, but record 1 comes from \
                 {source}"
            );
            assert_eq!(checked(&record), Err(said));
        }
    }
}
