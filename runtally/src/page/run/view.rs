//! The data of a run's page, besides its events.

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

/// The request for a run, and what was read before its events.
pub(super) struct View<'a> {
    pub(super) run: &'a RunId,
    pub(super) query: &'a Query,
    pub(super) wanted: &'a Wanted,
    pub(super) now: Timestamp,
    pub(super) waits: Option<WaitsFor>,
    /// The dead letters of all runs; `None` if they are not shown.
    pub(super) given_up: Option<Arc<GivenUp>>,
    pub(super) record: Option<ReadRecord>,
    pub(super) bill: Option<Bill>,
    pub(super) source: &'a Source,
}

/// The result of reading the record.
pub(super) enum ReadRecord {
    Read(Timestamp, Arc<Comparison>),
    /// Rows of a record that is behind its events, not compared with them.
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
    /// Tokens that the log has for that time.
    pub(super) logged: u64,
    /// Other runs that made calls at the same time. The bill does not distinguish them.
    pub(super) others: Vec<RunId>,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}
