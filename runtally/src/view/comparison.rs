//! Compares a run's record with its events, cell by cell.

use serde_json::{Map, Value};
use shared::core::counted::counted;
use shared::core::ids::{BaseId, RunId};
use shared::fold::Summary;
use shared::ports::Transport;
use shared::run_records::{Shape, differences};
use shared::schema::run_record;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row, oldest_first};

/// What Airtable shows of a run, and what the events say.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Every cell that the record should have.
    pub(crate) expected: Map<String, Value>,
    /// The rows with the run's identity, oldest first; there should be one.
    pub(crate) records: Vec<Row>,
    /// Fields whose cell on the record differs from the expected one.
    pub(crate) differences: Vec<&'static str>,
}

/// Reads the run's record, and compares it with the result of its events.
///
/// # Errors
/// When Airtable cannot be read.
pub(crate) async fn compare(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    summary: &Summary,
) -> Result<Comparison, AirtableError> {
    let tables = airtable.tables(master).await?;
    let records_table = tables.iter().find(|table| table.name == run_record::TABLE);
    let shape = records_table.map(Shape::of_table).unwrap_or_default();
    let formula = Some(shape.identity(&summary.run));
    let query = ListQuery { formula, ..ListQuery::default() };
    let records: Vec<Row> = airtable.list(master, run_record::TABLE, &query).await?;
    let as_ours = |row: Row| Row { fields: shape.in_our_names(row.fields), ..row };
    let records = records.into_iter().map(as_ours).collect();
    Ok(Comparison::of(&shape, records, summary))
}

impl Comparison {
    /// Compares these rows of a table of this shape with the result of the events.
    pub(crate) fn of(shape: &Shape, mut records: Vec<Row>, summary: &Summary) -> Self {
        let expected = shape.cells(summary);
        oldest_first(&mut records);
        let differences = records
            .first()
            .map(|record| differences(&expected, &record.fields))
            .unwrap_or_default();
        Self { expected, records, differences }
    }

    /// Whether there is one record and it says what the events say.
    pub(crate) fn is_right(&self) -> bool {
        self.records.len() == 1 && self.differences.is_empty()
    }

    /// The result of the comparison, in one sentence. `behind` is the number of events that are not
    /// on the record yet.
    pub(crate) fn verdict(&self, run: &RunId, behind: usize) -> String {
        match (self.records.as_slice(), self.differences.len()) {
            ([], _) => "There is no record; the next event or tick writes it.".to_owned(),
            ([_], 0) => "The record says what the events say.".to_owned(),
            ([_], count) if behind > 0 => format!(
                "{}: the record does not show the last {} yet; the next tick writes what is missing.",
                differing(count),
                counted(behind as u64, "event"),
            ),
            ([_], count) => format!(
                "{}: somebody changed the record, or it could not be written; \
                 `runtally reproject {run}` rewrites it.",
                differing(count),
            ),
            (records, _) => format!(
                "There are {} records of this run; the next write keeps the oldest and marks the others.",
                records.len()
            ),
        }
    }
}

fn differing(fields: usize) -> String {
    if fields == 1 { "1 field differs".to_owned() } else { format!("{fields} fields differ") }
}
