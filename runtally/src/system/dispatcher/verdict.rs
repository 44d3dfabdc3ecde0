//! A function's answer as Lambda reads it.

use crate::storage::Received;
use aws_lambda_events::sqs::SqsBatchResponse;

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
