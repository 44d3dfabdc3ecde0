//! `EventLog` on one DynamoDB table.

mod items;
mod keys;
mod operator;

pub use keys::{EXPIRES_AT, FINISHED_RUNS, Index, OPEN_RUNS, PK, SK};

use super::lambda::{attempts, describe};
use crate::core::clock::Clock;
use crate::core::ids::{ApifyRunId, RunId};
use crate::ports::limits::check_events;
use crate::ports::{
    EventLog, HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent, readable,
};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, WriteRequest};
use jiff::{SignedDuration, Timestamp};
use keys::{
    APPENDS, CAN_CHANGE, COST_OF, FINISHED, FINISHED_YES, FORGETS_FROM, Item, Key, OPEN, OPEN_YES,
    RECORD, SHOWN, SHOWN_APPENDS, SHOWN_EVENTS, URGENT, WRITTEN_AT,
};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

/// Most items in one write.
const MAX_WRITES: usize = 25;
/// Most items in one read by keys.
const MAX_READS: usize = 100;

/// The event log in one table.
///
/// Two processes can work on one run at the same time: a projection that is saved late neither
/// replaces a newer one nor closes a run that was appended to in between.
#[derive(Debug, Clone)]
pub struct DynamoEventLog {
    client: Client,
    table: String,
    clock: Clock,
    /// How long events are kept; `None` to keep them forever.
    retention: Option<SignedDuration>,
}

impl DynamoEventLog {
    /// The log in `table`. Its events are kept forever.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table, clock: Clock::system(), retention: None }
    }

    /// The same log, but DynamoDB deletes its events after `retention`.
    #[must_use]
    pub fn forgetting_after(self, retention: Option<SignedDuration>) -> Self {
        Self { retention, ..self }
    }

    /// When an event written now will be deleted, in seconds since 1970.
    fn expiry(&self) -> Option<i64> {
        self.retention.map(|retention| (self.clock.now() + retention).as_second())
    }

    async fn open(&self, run: &RunId) -> Result<(), LogError> {
        let request = self.marking(run).update_expression("SET #open = :yes REMOVE #finished");
        request.send().await.map_err(|error| failure(&error))?;
        Ok(())
    }

    async fn count(&self, run: &RunId, expires_at: Option<i64>) -> Result<(), LogError> {
        let mut request = self
            .marking(run)
            .expression_attribute_names("#appends", APPENDS)
            .expression_attribute_values(":one", keys::number(1));
        let mut set = "SET #open = :yes".to_owned();
        if let Some(at) = expires_at {
            set += ", #forgets = if_not_exists(#forgets, :expires)";
            request = request
                .expression_attribute_names("#forgets", FORGETS_FROM)
                .expression_attribute_values(":expires", keys::number(at));
        }
        request
            .update_expression(format!("{set} REMOVE #finished ADD #appends :one"))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        Ok(())
    }

    async fn all_pages(&self, query: QueryFluentBuilder) -> Result<Vec<Item>, LogError> {
        let pages = query.table_name(&self.table).into_paginator().items().send();
        pages.collect::<Result<_, _>>().await.map_err(|error| failure(&error))
    }

    fn marking(&self, run: &RunId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State.of(run)))
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#finished", FINISHED)
            .expression_attribute_values(":yes", keys::text(OPEN_YES))
    }

    /// Saves a projection, and closes the run if `close` is set. Returns whether the conditions
    /// were met.
    async fn save(
        &self,
        run: &RunId,
        projection: &Projection,
        close: bool,
    ) -> Result<bool, LogError> {
        let Projection { events, at, record, open, appends, shown, urgent } = projection;
        let set = "SET #events = :events, #at = :at, #record = :record, #change = :change, \
                   #shown = :shown, #shown_appends = :appends, #urgent = :urgent";
        let is_newer = "(attribute_not_exists(#events) OR #events <= :events)";
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State.of(run)))
            .expression_attribute_names("#events", SHOWN_EVENTS)
            .expression_attribute_names("#at", WRITTEN_AT)
            .expression_attribute_names("#record", RECORD)
            .expression_attribute_names("#change", CAN_CHANGE)
            .expression_attribute_names("#shown", SHOWN)
            .expression_attribute_names("#shown_appends", SHOWN_APPENDS)
            .expression_attribute_names("#urgent", URGENT)
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#finished", FINISHED)
            .expression_attribute_values(":events", AttributeValue::N(events.to_string()))
            .expression_attribute_values(":at", keys::text(&at.to_string()))
            .expression_attribute_values(":record", keys::text(record.as_str()))
            .expression_attribute_values(":change", AttributeValue::Bool(*open))
            .expression_attribute_values(":shown", keys::text(shown))
            .expression_attribute_values(":urgent", AttributeValue::Bool(*urgent))
            .expression_attribute_values(":appends", AttributeValue::N(appends.to_string()));
        // DynamoDB refuses a value that no expression uses.
        let request = if close {
            let is_unchanged = "(attribute_not_exists(#appends) OR #appends = :appends)";
            request
                .update_expression(format!("{set}, #finished = :yes REMOVE #open"))
                .condition_expression(format!("{is_newer} AND {is_unchanged}"))
                .expression_attribute_names("#appends", APPENDS)
                .expression_attribute_values(":yes", keys::text(FINISHED_YES))
        } else {
            request
                .update_expression(format!("{set}, #open = :yes REMOVE #finished"))
                .condition_expression(is_newer)
                .expression_attribute_values(":yes", keys::text(OPEN_YES))
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Which of at most [`MAX_READS`] harvests have an item.
    async fn heard_of(&self, harvests: &[HarvestKey]) -> Result<Vec<HarvestKey>, LogError> {
        let keys = harvests.iter().map(keys::heard).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build();
        let mut left = Some(keys.expect("the keys are given"));
        let mut heard = Vec::new();
        let mut attempts = attempts();
        while let Some(keys) = left {
            let request = self.client.batch_get_item().request_items(&self.table, keys);
            let answer = request.send().await.map_err(|error| failure(&error))?;
            let items = answer.responses.into_iter().flatten().flat_map(|(_, items)| items);
            heard.extend(items.filter_map(|item| keys::harvest_of(&item)));
            left = answer.unprocessed_keys.and_then(|left| left.into_values().next());
            if left.is_some() {
                let error = LogError { reason: "not all harvests were read".to_owned() };
                attempts.wait_after(error, true, "reading harvests").await?;
            }
        }
        Ok(heard)
    }

    /// Writes at most [`MAX_WRITES`] items, and retries the items that DynamoDB did not accept.
    async fn write(&self, mut writes: Vec<WriteRequest>) -> Result<(), LogError> {
        let mut attempts = attempts();
        loop {
            let request = self.client.batch_write_item().request_items(&self.table, writes);
            let answer = request.send().await.map_err(|error| failure(&error))?;
            writes = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, w)| w).collect();
            if writes.is_empty() {
                return Ok(());
            }
            let reason = format!("{} events were not accepted", writes.len());
            attempts.wait_after(LogError { reason }, true, "writing events").await?;
        }
    }
}

impl EventLog for DynamoEventLog {
    /// The run is marked open before the events are written. If the writer dies in between, a tick
    /// checks the run needlessly, which is better than events that nobody checks. The append is
    /// counted after the events: a reader that sees the count also sees the events, and a reader
    /// that does not see the count cannot close the run permanently. An event that exists already
    /// is overwritten with the same content, because its id stands for its content.
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.open(run).await?;
        // DynamoDB refuses a write that contains an item twice.
        let distinct: BTreeMap<&str, &StoredEvent> =
            events.iter().rev().map(|event| (event.id.as_str(), event)).collect();
        let distinct: Vec<_> = distinct.into_values().collect();
        let expires_at = self.expiry();
        for some in distinct.chunks(MAX_WRITES) {
            let writes = some.iter().map(|event| items::write_of(run, event, expires_at));
            self.write(writes.collect()).await?;
        }
        self.count(run, expires_at).await
    }

    /// Reads backwards, so that the state comes first. Anything that is appended while the pages
    /// are read is not in that count, so the reader cannot close the run.
    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        let query = self
            .client
            .query()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("#pk = :run")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":run", keys::text(run.as_str()));
        items::run_log(self.all_pages(query).await?, self.clock.now())
    }

    async fn log_head(&self, run: &RunId) -> Result<LogHead, LogError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(Key::State.of(run)))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        answer.item.as_ref().map_or_else(|| Ok(LogHead::default()), items::head)
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        let closed = !projection.open && self.save(run, projection, true).await?;
        if !closed {
            self.save(run, projection, false).await?;
        }
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        let query = self
            .client
            .query()
            .index_name(OPEN_RUNS.name)
            .key_condition_expression("#open = :yes")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":yes", keys::text(OPEN_YES));
        Ok(readable(self.all_pages(query).await?.iter().map(items::run)))
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        let query = self
            .client
            .query()
            .index_name(FINISHED_RUNS.name)
            .key_condition_expression("#finished = :yes AND #at >= :since")
            .expression_attribute_names("#finished", FINISHED)
            .expression_attribute_names("#at", WRITTEN_AT)
            .expression_attribute_values(":yes", keys::text(FINISHED_YES))
            .expression_attribute_values(":since", keys::text(&since.to_string()));
        let items = self.all_pages(query).await?;
        let shown = items.iter().filter_map(|item| {
            let projection = items::projection(item).transpose()?;
            Some(projection.and_then(|projection| Ok((items::run(item)?, projection))))
        });
        Ok(readable(shown))
    }

    async fn hear(&self, harvests: &[HarvestKey]) -> Result<(), LogError> {
        for some in distinct(harvests).chunks(MAX_WRITES) {
            self.write(some.iter().map(items::hearing_of).collect()).await?;
        }
        Ok(())
    }

    async fn heard(&self, harvests: &[HarvestKey]) -> Result<BTreeSet<HarvestKey>, LogError> {
        let mut heard = BTreeSet::new();
        for some in distinct(harvests).chunks(MAX_READS) {
            heard.extend(self.heard_of(some).await?);
        }
        Ok(heard)
    }

    /// One request decides: if several runs claim the cost at the same time, the first one gets it.
    async fn claim_cost(&self, harvest: &ApifyRunId, run: &RunId) -> Result<RunId, LogError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::cost(harvest)))
            .update_expression("SET #run = if_not_exists(#run, :run)")
            .expression_attribute_names("#run", COST_OF)
            .expression_attribute_values(":run", keys::text(run.as_str()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        items::run_of_cost(&answer.attributes.unwrap_or_default())
    }
}

fn distinct(harvests: &[HarvestKey]) -> Vec<HarvestKey> {
    harvests.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn failure<E>(error: &SdkError<E>) -> LogError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    LogError { reason: describe(error) }
}

#[cfg(test)]
mod tests;
