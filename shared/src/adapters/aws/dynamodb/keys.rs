//! The table's keys and attributes. They are spelled only here; `template.yaml` defines the table
//! and its two indexes to match.

use crate::core::ids::{ApifyRunId, RunId};
use crate::ports::HarvestKey;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// Partition key (string): the run id. Also the range key of [`OPEN_RUNS`].
pub const PK: &str = "pk";
/// Sort key (string): see `Key`.
pub const SK: &str = "sk";
pub(super) const BODY: &str = "body";
/// When DynamoDB deletes an event (number): seconds since 1970. Set only with a retention.
pub const EXPIRES_AT: &str = "expires_at";
/// On the state item: when the first of the run's events is deleted (number), in the same unit as
/// [`EXPIRES_AT`].
pub(super) const FORGETS_FROM: &str = "forgets_from";
/// Set only on the state item of an open run (string, always [`OPEN_YES`]).
pub(super) const OPEN: &str = "open";
pub(super) const OPEN_YES: &str = "y";
/// How many events the record shows (number).
pub(super) const SHOWN_EVENTS: &str = "shown_events";
/// How many appends the run had when the record was last written (number).
pub(super) const SHOWN_APPENDS: &str = "shown_appends";
/// When the record was last written (string): RFC 3339.
pub(super) const WRITTEN_AT: &str = "written_at";
/// The record's id in Airtable (string).
pub(super) const RECORD: &str = "record";
/// Whether the run could still change without a new request when the record was written (boolean).
pub(super) const CAN_CHANGE: &str = "can_change";

/// What Airtable showed of the record after it was written (string).
pub(super) const SHOWN: &str = "shown";
/// Whether the record must show the next event at once (boolean). Items from earlier releases do
/// not have it.
pub(super) const URGENT: &str = "urgent";
/// How many appends were made to the run (number).
pub(super) const APPENDS: &str = "appends";
/// Set only on the state item of a run that is not open (string, always [`FINISHED_YES`]).
pub(super) const FINISHED: &str = "finished";
pub(super) const FINISHED_YES: &str = "y";

/// An index of the table. It is sparse: it contains only items that have its hash key. All keys are
/// strings.
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
/// The runs that a tick must check. A run leaves the index when it is finished.
pub const OPEN_RUNS: Index = Index { name: "open-runs", hash: OPEN, range: PK, keys_only: true };

/// The run that counts the cost of a harvest (string).
pub(super) const COST_OF: &str = "cost_of";
/// Prefix of the key for a harvest that was seen.
const HEARD: &str = "apify#";
const EVENT: &str = "E#";
const STATE: &str = "M";

/// What an item is, by its sort key. Events expire only if the operator chose a retention: runs are
/// few, and their events are the only proof of what was billed. A state never expires, because it
/// says that the events are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// `E#<event id>` → the event's body. Written once; writing it again writes the same content.
    Event(&'a str),
    /// `M` → whether the run is open and what its record shows. The first append creates it; each
    /// append and each projection changes it. It sorts after the events.
    State,
}

/// The key of the item that says that a harvest was seen: `apify#<key>`, `H`. No run id starts with
/// `apify#`.
pub(super) fn heard(harvest: &HarvestKey) -> Item {
    let pk = format!("{HEARD}{}", harvest.as_str());
    [(PK.to_owned(), text(&pk)), (SK.to_owned(), text("H"))].into()
}

/// The key of the item that says which run counts a harvest's cost: `apify#<id>`, `C`.
pub(super) fn cost(harvest: &ApifyRunId) -> Item {
    let pk = format!("{HEARD}{harvest}");
    [(PK.to_owned(), text(&pk)), (SK.to_owned(), text("C"))].into()
}

/// The harvest that such an item names.
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
