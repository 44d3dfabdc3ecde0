//! `EventLog` on one DynamoDB table.

mod items;
mod keys;
mod operator;

use super::aws::{describe, waits};
use super::limits::check_events;
use crate::ids::RunId;
use crate::seams::{EventLog, LogError, Projection, RunLog, StoredEvent};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, WriteRequest};
use keys::{
    CAN_CHANGE, Item, Key, OPEN, OPEN_RUNS, OPEN_YES, PK, RECORD, SHOWN_EVENTS, WRITTEN_AT,
};
use std::collections::BTreeMap;
use std::error::Error;

/// Most items in one write.
const MAX_WRITES: usize = 25;

/// The event log in one table.
///
/// Safe as long as one batch of a run's events is in work at a time, which the message group on
/// the metrics queue sees to: a projection saved late could else close a run that was appended
/// to in between.
#[derive(Debug, Clone)]
pub struct DynamoEventLog {
    client: Client,
    table: String,
}

impl DynamoEventLog {
    /// The log in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Marks `run` as open.
    async fn open(&self, run: &RunId) -> Result<(), LogError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State.of(run)))
            .update_expression("SET #open = :yes")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":yes", keys::text(OPEN_YES))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        Ok(())
    }

    /// Writes at most [`MAX_WRITES`] items, and what DynamoDB did not take of them a few more
    /// times.
    async fn write(&self, mut writes: Vec<WriteRequest>) -> Result<(), LogError> {
        let mut waits = waits();
        loop {
            let request = self.client.batch_write_item().request_items(&self.table, writes);
            let answer = request.send().await.map_err(|error| failure(&error))?;
            writes = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, w)| w).collect();
            if writes.is_empty() {
                return Ok(());
            }
            let Some(wait) = waits.next() else {
                let reason = format!("{} events were not taken", writes.len());
                return Err(LogError { reason });
            };
            tokio::time::sleep(wait).await;
        }
    }
}

impl EventLog for DynamoEventLog {
    /// The run is marked open before the events are written: one that dies in between is looked
    /// at once in vain, which is better than events that nobody looks at. An event stored
    /// already is written over with itself, since its id stands for its content.
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.open(run).await?;
        // DynamoDB refuses a write that names an item twice.
        let distinct: BTreeMap<&str, &StoredEvent> =
            events.iter().rev().map(|event| (event.id.as_str(), event)).collect();
        let distinct: Vec<_> = distinct.into_values().collect();
        for some in distinct.chunks(MAX_WRITES) {
            self.write(some.iter().map(|event| items::write_of(run, event)).collect()).await?;
        }
        Ok(())
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        let items: Vec<Item> = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :run")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":run", keys::text(run.as_str()))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failure(&error))?;
        items::run_log(items)
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(Key::State.of(run)))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        answer.item.as_ref().map_or(Ok(None), items::projection)
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        let Projection { events, at, record, open } = projection;
        let set = "SET #events = :events, #at = :at, #record = :record, #change = :change";
        let mark = if *open { ", #open = :yes" } else { " REMOVE #open" };
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State.of(run)))
            .update_expression(format!("{set}{mark}"))
            .expression_attribute_names("#events", SHOWN_EVENTS)
            .expression_attribute_names("#at", WRITTEN_AT)
            .expression_attribute_names("#record", RECORD)
            .expression_attribute_names("#change", CAN_CHANGE)
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":events", AttributeValue::N(events.to_string()))
            .expression_attribute_values(":at", keys::text(&at.to_string()))
            .expression_attribute_values(":record", keys::text(record.as_str()))
            .expression_attribute_values(":change", AttributeValue::Bool(*open));
        // DynamoDB refuses a value that the expression does not use.
        let request = if *open {
            request.expression_attribute_values(":yes", keys::text(OPEN_YES))
        } else {
            request
        };
        request.send().await.map_err(|error| failure(&error))?;
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        let items: Vec<Item> = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OPEN_RUNS)
            .key_condition_expression("#open = :yes")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":yes", keys::text(OPEN_YES))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failure(&error))?;
        items.iter().map(items::run).collect()
    }
}

fn failure<E>(error: &SdkError<E>) -> LogError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    LogError { reason: describe(error) }
}

#[cfg(test)]
mod tests;
