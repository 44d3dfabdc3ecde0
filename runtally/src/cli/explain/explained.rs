//! A run as its events and its record tell it.

use crate::cli::operator::{Operator, events_of};
use crate::result::Fault;
use serde_json::{Map, Value};
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary};
use shared::messages::MetricsEvent;
use shared::run_records::{Shape, differences};
use shared::schema::run_record;
use shared::services::airtable::{ListQuery, Row, identity, oldest_first};

pub(super) struct Explained {
    pub(super) summary: Summary,
    pub(super) events: Vec<MetricsEvent>,
    /// Events of the log that this release cannot read.
    pub(super) unreadable: usize,
    /// Events that the record was last written with.
    pub(super) shown: usize,
    pub(super) expected: Map<String, Value>,
    /// The rows with the run's identity; there should be one.
    pub(super) records: Vec<Row>,
    /// Fields whose cell on the record is not the expected one.
    pub(super) differences: Vec<&'static str>,
}

/// Folds the log and compares it with the record.
pub(super) async fn explain(operator: &Operator, run: &RunId) -> Result<Explained, Fault> {
    let log = operator.log_of(run).await?;
    let (events, unreadable) = events_of(&log);
    let state = RunState::fold(&events).ok_or("no event of the run can be read by this release")?;
    let summary = state.summary();

    let tables = operator.airtable.tables(&operator.master).await?;
    let records_table = tables.iter().find(|table| table.name == run_record::TABLE);
    let shape = records_table.map(Shape::of_table).unwrap_or_default();
    let expected = shape.cells(&summary);
    let query = ListQuery { formula: Some(identity(run)), ..ListQuery::default() };
    let mut records: Vec<Row> =
        operator.airtable.list(&operator.master, run_record::TABLE, &query).await?;
    oldest_first(&mut records);
    let differences =
        records.first().map(|record| differences(&expected, &record.fields)).unwrap_or_default();
    let shown = log.projection.map_or(0, |projection| projection.events);
    Ok(Explained { summary, events, unreadable, shown, expected, records, differences })
}
