//! Converts items of the table to the log's types, and back.

use super::keys::{
    self, APPENDS, BODY, CAN_CHANGE, COST_OF, EXPIRES_AT, FORGETS_FROM, Item, Key, PK, RECORD,
    SHOWN, SHOWN_APPENDS, SHOWN_EVENTS, URGENT, WRITTEN_AT, number, text,
};
use crate::core::ids::RunId;
use crate::ports::{HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use jiff::Timestamp;
use std::str::FromStr;

pub(super) fn write_of(run: &RunId, event: &StoredEvent, expires_at: Option<i64>) -> WriteRequest {
    let mut item = Key::Event(&event.id).of(run);
    item.insert(BODY.to_owned(), text(&event.body));
    item.extend(expires_at.map(|at| (EXPIRES_AT.to_owned(), number(at))));
    put(item)
}

pub(super) fn hearing_of(harvest: &HarvestKey) -> WriteRequest {
    put(keys::heard(harvest))
}

fn put(item: Item) -> WriteRequest {
    let put = PutRequest::builder().set_item(Some(item)).build().expect("the item is given");
    WriteRequest::builder().put_request(put).build()
}

/// Converts all items of a run, given in descending order of their sort keys.
///
/// # Errors
/// [`LogError`] also if some of the run's events may be deleted by `now`: then the rest is
/// incomplete.
pub(super) fn run_log(items: Vec<Item>, now: Timestamp) -> Result<RunLog, LogError> {
    let mut log = RunLog::default();
    for item in items {
        if Key::is_event(&item) {
            log.events.push(parsed(&item, BODY)?);
        } else {
            if parsed(&item, FORGETS_FROM).is_ok_and(|from: i64| from <= now.as_second()) {
                let reason =
                    "events of the run are deleted (EVENT_LOG_DAYS); its record stays as it is";
                return Err(LogError { reason: reason.to_owned() });
            }
            log.projection = projection(&item)?;
            log.appends = appends(&item);
        }
    }
    log.events.reverse();
    Ok(log)
}

/// A run's state item.
pub(super) fn head(item: &Item) -> Result<LogHead, LogError> {
    Ok(LogHead { projection: projection(item)?, appends: appends(item) })
}

/// The projection in a run's state item; `None` for a run that was never projected.
pub(super) fn projection(item: &Item) -> Result<Option<Projection>, LogError> {
    let Some(AttributeValue::Bool(open)) = item.get(CAN_CHANGE) else { return Ok(None) };
    Ok(Some(Projection {
        events: parsed(item, SHOWN_EVENTS)?,
        at: parsed(item, WRITTEN_AT)?,
        record: parsed(item, RECORD)?,
        open: *open,
        appends: parsed(item, SHOWN_APPENDS).unwrap_or_default(),
        shown: parsed(item, SHOWN).unwrap_or_default(),
        urgent: matches!(item.get(URGENT), Some(AttributeValue::Bool(true))),
    }))
}

/// How many appends were made to a run; 0 for items from earlier releases.
fn appends(item: &Item) -> u64 {
    parsed(item, APPENDS).unwrap_or_default()
}

/// The run that counts a harvest's cost.
pub(super) fn run_of_cost(item: &Item) -> Result<RunId, LogError> {
    parsed(item, COST_OF)
}

pub(super) fn run(item: &Item) -> Result<RunId, LogError> {
    parsed(item, PK)
}

fn parsed<T: FromStr>(item: &Item, attribute: &str) -> Result<T, LogError> {
    match item.get(attribute) {
        Some(AttributeValue::S(value) | AttributeValue::N(value)) => value.parse().ok(),
        Some(_) | None => None,
    }
    .ok_or_else(|| LogError {
        reason: format!("an item of the table has no readable attribute {attribute}"),
    })
}
