//! Requests to the log that only an operator's commands make. No function makes them, or has
//! permission to.

use super::keys::{self, Item, Key, OPEN, OPEN_YES, PK, SHOWN_EVENTS, SK};
use super::{DynamoEventLog, failure, items};
use crate::core::ids::RunId;
use crate::ports::{LogError, readable};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;

impl DynamoEventLog {
    /// Every run in the log. Reads the whole table.
    pub async fn runs(&self) -> Result<Vec<RunId>, LogError> {
        let items: Vec<Item> = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("#sk = :state")
            .projection_expression("#pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":state", Key::state())
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failure(&error))?;
        Ok(readable(items.iter().map(items::run)))
    }

    /// Makes the next tick project `run` again, by setting the number of shown events to 0. A tick
    /// checks a run that was never projected anyway.
    pub async fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State.of(run)))
            .update_expression("SET #open = :yes, #events = :none")
            .condition_expression("attribute_exists(#events)")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#events", SHOWN_EVENTS)
            .expression_attribute_values(":yes", keys::text(OPEN_YES))
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Whether the table has an expiry (TTL) enabled, so that DynamoDB deletes items after some
    /// time.
    pub async fn forgets(&self) -> Result<bool, LogError> {
        let request = self.client.describe_time_to_live().table_name(&self.table);
        let answer = request.send().await.map_err(|error| failure(&error))?;
        let status = answer.time_to_live_description.and_then(|known| known.time_to_live_status);
        Ok(status.is_some_and(|status| status.as_str().starts_with("ENABL")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log_answered, log_replied, run};
    use crate::adapters::loopback::Reply;
    use serde_json::json;

    #[tokio::test]
    async fn all_runs_are_found_by_their_state_alone() {
        let items = json!({"Items": [{"pk": {"S": run().as_str()}}]});
        let (log, server) = log_answered(&[items]).await;
        assert_eq!(log.runs().await, Ok(vec![run()]));
        let body = &server.bodies()[0];
        assert_eq!(body["FilterExpression"], "#sk = :state");
        assert_eq!(body["ExpressionAttributeValues"], json!({":state": {"S": "M"}}));
    }

    #[tokio::test]
    async fn an_unprojected_run_is_open_and_shows_nothing() {
        let (log, server) = log_answered(&[json!({})]).await;
        assert_eq!(log.unproject(&run()).await, Ok(()));
        let body = &server.bodies()[0];
        assert_eq!(body["UpdateExpression"], "SET #open = :yes, #events = :none");
        assert_eq!(body["ExpressionAttributeValues"][":none"], json!({"N": "0"}));
        let refusal = Reply::refusal("ConditionalCheckFailedException", "no");
        let (log, _server) = log_replied(vec![refusal]).await;
        assert_eq!(log.unproject(&run()).await, Ok(()), "never projected: the tick looks at it");
    }

    #[tokio::test]
    async fn a_table_that_forgets_is_found_out() {
        for (status, forgets) in [("ENABLED", true), ("ENABLING", true), ("DISABLED", false)] {
            let answer = json!({"TimeToLiveDescription": {"TimeToLiveStatus": status}});
            let (log, _server) = log_answered(&[answer]).await;
            assert_eq!(log.forgets().await, Ok(forgets), "{status}");
        }
    }
}
