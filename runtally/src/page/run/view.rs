//! What a run's page is made of, besides its events.

use crate::page::last_read::GivenUp;
use crate::page::query::Query;
use crate::page::source::Source;
use crate::page::waits::WaitsFor;
use crate::page::wanted::Wanted;
use crate::view::Comparison;
use jiff::Timestamp;
use shared::core::ids::RunId;
use shared::services::airtable::Row;
use std::sync::Arc;

/// What is asked of a run, and what was found out before its events are looked at.
pub(super) struct View<'a> {
    pub(super) run: &'a RunId,
    pub(super) query: &'a Query,
    pub(super) wanted: &'a Wanted,
    pub(super) now: Timestamp,
    pub(super) waits: Option<WaitsFor>,
    /// What was given up, of whichever run; `None` where it is not shown.
    pub(super) given_up: Option<Arc<GivenUp>>,
    pub(super) record: Option<ReadRecord>,
    pub(super) bill: Option<Bill>,
    pub(super) source: &'a Source,
}

/// What came of reading the record.
pub(super) enum ReadRecord {
    Read(Timestamp, Arc<Comparison>),
    /// Rows of a record that does not show the last events yet, not compared with them.
    Behind(Vec<Row>),
    Unreadable(String),
}

impl ReadRecord {
    /// The record's row, if there is one.
    pub(super) fn row(&self) -> Option<&Row> {
        match self {
            Self::Read(_, comparison) => comparison.records.first(),
            Self::Behind(rows) => rows.first(),
            Self::Unreadable(_) => None,
        }
    }
}

/// The model's own bill for the time in which a run made its calls.
pub(super) struct Bill {
    /// Tokens that the model billed in that time.
    pub(super) billed: u64,
    /// Tokens that the log has of it.
    pub(super) logged: u64,
    /// Other runs that made calls in the same time: the bill does not tell them apart.
    pub(super) others: Vec<RunId>,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}
