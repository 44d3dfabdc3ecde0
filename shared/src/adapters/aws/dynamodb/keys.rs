//! The table's keys and attributes. Nothing outside this file spells them; `template.yaml` makes
//! the table and its two indexes after them.

use crate::core::ids::{ApifyRunId, RunId};
use crate::ports::HarvestKey;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// Partition key (text): the run id. Also the range key of [`OPEN_RUNS`].
pub const PK: &str = "pk";
/// Sort key (text): see `Key`.
pub const SK: &str = "sk";
pub(super) const BODY: &str = "body";
/// When DynamoDB deletes an event (number): seconds since 1970. Only with a retention.
pub const EXPIRES_AT: &str = "expires_at";
/// On the state item: when the first of the run's events is deleted (number), like [`EXPIRES_AT`].
pub(super) const FORGETS_FROM: &str = "forgets_from";
/// Present on the state item of an open run only (text, always [`OPEN_YES`]).
pub(super) const OPEN: &str = "open";
pub(super) const OPEN_YES: &str = "y";
/// How many events the record shows (number).
pub(super) const SHOWN_EVENTS: &str = "shown_events";
/// How often something was appended to the run when the record was last written (number).
pub(super) const SHOWN_APPENDS: &str = "shown_appends";
/// When the record was last written (text): RFC 3339.
pub(super) const WRITTEN_AT: &str = "written_at";
/// The record's id in Airtable (text).
pub(super) const RECORD: &str = "record";
/// Whether the run could still change by itself when the record was written (boolean).
pub(super) const CAN_CHANGE: &str = "can_change";

/// What Airtable showed of the record once it was written (text).
pub(super) const SHOWN: &str = "shown";
/// Whether the record must show the next event at once (boolean). Items of earlier releases have
/// none.
pub(super) const URGENT: &str = "urgent";
/// How often something was appended to the run (number).
pub(super) const APPENDS: &str = "appends";
/// Present on the state item of a run that is not open (text, always [`FINISHED_YES`]).
pub(super) const FINISHED: &str = "finished";
pub(super) const FINISHED_YES: &str = "y";

/// An index of the table. Sparse: it holds the items that have its hash key. All keys are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    pub name: &'static str,
    pub hash: &'static str,
    pub range: &'static str,
    pub keys_only: bool,
}

/// The finished runs by age, with their state items.
pub const FINISHED_RUNS: Index =
    Index { name: "finished-runs", hash: FINISHED, range: WRITTEN_AT, keys_only: false };
/// The runs that a tick must look at. A run leaves the index when it is finished.
pub const OPEN_RUNS: Index = Index { name: "open-runs", hash: OPEN, range: PK, keys_only: true };

/// The run that counts the cost of a harvest (text).
pub(super) const COST_OF: &str = "cost_of";
/// In front of the id of a harvest that was heard of.
const HEARD: &str = "apify#";
const EVENT: &str = "E#";
const STATE: &str = "M";

/// What an item is, by its sort key. Unless the operator chose a retention nothing expires: runs are few,
/// and their events are the only proof of what was billed. A state never does: it says what is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// `E#<event id>` → the event's body. Written once; writing it again writes the same.
    Event(&'a str),
    /// `M` → whether the run is open and what its record shows. Made by the first append, changed
    /// by each append and each projection. Sorts behind the events.
    State,
}

/// The key of the item that says that a harvest was heard of: `apify#<key>`, `H`. No run id starts
/// like that.
pub(super) fn heard(harvest: &HarvestKey) -> Item {
    let pk = format!("{HEARD}{}", harvest.as_str());
    [(PK.to_owned(), text(&pk)), (SK.to_owned(), text("H"))].into()
}

/// The key of the item that says which run counts a harvest's cost: `apify#<id>`, `C`.
pub(super) fn cost(harvest: &ApifyRunId) -> Item {
    let pk = format!("{HEARD}{harvest}");
    [(PK.to_owned(), text(&pk)), (SK.to_owned(), text("C"))].into()
}

/// The harvest that such an item is about.
pub(super) fn harvest_of(item: &Item) -> Option<HarvestKey> {
    match item.get(PK) {
        Some(AttributeValue::S(pk)) => Some(HarvestKey::of(pk.strip_prefix(HEARD)?)),
        Some(_) | None => None,
    }
}

impl Key<'_> {
    pub(super) fn of(self, run: &RunId) -> Item {
        let sk = match self {
            Self::Event(id) => format!("{EVENT}{id}"),
            Self::State => STATE.to_owned(),
        };
        [(PK.to_owned(), text(run.as_str())), (SK.to_owned(), text(&sk))].into()
    }

    pub(super) fn state() -> AttributeValue {
        text(STATE)
    }

    pub(super) fn is_event(item: &Item) -> bool {
        matches!(item.get(SK), Some(AttributeValue::S(sk)) if sk.starts_with(EVENT))
    }
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
