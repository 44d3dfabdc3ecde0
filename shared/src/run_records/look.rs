//! Reads the existing run records: unchanged, edited, duplicated, deleted, or with the checkbox
//! `Retry` set.

use super::compare::CellDigests;
use super::shape::Shape;
use super::table::Recency;
use super::writer::{RunRecords, as_ours, update};
use crate::core::ids::{RecordId, RunId};
use crate::fold::Summary;
use crate::ports::Transport;
use crate::schema::run_record as schema;
use crate::services::airtable::formula::Formula;
use crate::services::airtable::{Airtable, AirtableError, ListQuery, Row, oldest_first};
use serde_json::{Map, Value, json};

/// A run, and the row that was last written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRef {
    pub run: RunId,
    pub record: RecordId,
}

/// What the table contains for a run now. People may have edited it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedRecord {
    pub run: RunId,
    /// The oldest row, which is the one that counts; `None` if there is none.
    pub kept: Option<ObservedRow>,
    pub duplicates: Vec<RecordId>,
}

/// A row as it was read. `has_identity` says whether an upsert would find it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedRow {
    pub record: RecordId,
    pub fields: Map<String, Value>,
    pub has_identity: bool,
    pub shown: CellDigests,
}

/// What was found where a record should have existed but had to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookalike {
    /// The run's own record. It exists after all.
    Itself,
    Nothing,
    /// The run's earlier record is still there, under another Run ID or Client ID.
    Edited {
        record: RecordId,
        /// The content of its Run ID.
        run_id: String,
    },
    /// A record of another run names the same harvest.
    SameHarvest {
        record: RecordId,
        run_id: String,
    },
}

/// A row with the checkbox `Retry` set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    pub record: RecordId,
    /// Its run; `None` when its Run ID is malformed.
    pub run: Option<RunId>,
}

impl RunRecords {
    /// Reads the rows of the runs, in one request for up to 100 rows, and the table's fields. It
    /// reads all cells, because Airtable refuses a request that names a deleted field.
    pub async fn look(
        &self,
        airtable: &Airtable<impl Transport>,
        known: &[RecordRef],
    ) -> Result<Vec<ObservedRecord>, AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        let formula = Formula::any(known.iter().flat_map(|known| {
            [
                Formula::record_id(known.record.as_str()),
                Formula::equals(shape.name(schema::RUN_ID), known.run.as_str()),
            ]
        }));
        let query = ListQuery { fields: &[], formula: Some(formula) };
        let rows = airtable.list(&self.table.base, schema::TABLE, &query).await?;
        let mut rows: Vec<Row> = rows.into_iter().map(|row| as_ours(row, &shape)).collect();
        let short = shape.shortcomings();
        oldest_first(&mut rows);
        Ok(known
            .iter()
            .map(|one| {
                // A row that was written for a run belongs to it, even if its identity was changed.
                let mut of_run = rows.iter().filter(|row| {
                    row.id == one.record
                        || (has_identity(row, &one.run, &shape)
                            && !known.iter().any(|other| other.record == row.id))
                });
                let kept = of_run.next().map(|row| ObservedRow {
                    record: row.id.clone(),
                    fields: row.fields.clone(),
                    has_identity: has_identity(row, &one.run, &shape),
                    shown: CellDigests::of(&row.fields, short.clone()),
                });
                let duplicates = of_run.map(|row| row.id.clone()).collect();
                ObservedRecord { run: one.run.clone(), kept, duplicates }
            })
            .collect())
    }

    /// Reads the table's fields now, so that a restored field is written again.
    pub async fn refresh(&self, airtable: &Airtable<impl Transport>) {
        self.table.shape(airtable, Recency::Now).await;
    }

    /// Every cell that the run's record should have, according to what is known about the table.
    pub async fn cells(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &Summary,
    ) -> Map<String, Value> {
        self.table.shape(airtable, Recency::Recent).await.cells(run)
    }

    /// Looks for a record similar to that of `run`, whose record had to be created although it
    /// should have existed. `before` is its earlier record.
    pub async fn find_lookalike(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &Summary,
        before: Option<&RecordId>,
    ) -> Result<Lookalike, AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        let harvests = super::notes::apify_runs(run);
        let mut wanted = vec![Formula::equals(shape.name(schema::RUN_ID), run.run.as_str())];
        let harvests = harvests.lines().take(5);
        let names_it = |harvest| Formula::contains(shape.name(schema::APIFY_RUN_ID), harvest);
        wanted.extend(harvests.map(names_it));
        wanted.extend(before.map(|record| Formula::record_id(record.as_str())));
        let query = ListQuery { fields: &[], formula: Some(Formula::any(wanted)) };
        let mut rows: Vec<Row> = airtable.list(&self.table.base, schema::TABLE, &query).await?;
        rows = rows.into_iter().map(|row| as_ours(row, &shape)).collect();
        oldest_first(&mut rows);
        let (own, rows): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| has_identity(row, &run.run, &shape));
        if before.is_none() && !own.is_empty() {
            return Ok(Lookalike::Itself);
        }
        let run_id = |row: &Row| row.text(schema::RUN_ID);
        if let Some(row) = rows.iter().find(|row| Some(&row.id) == before) {
            return Ok(Lookalike::Edited { record: row.id.clone(), run_id: run_id(row) });
        }
        // A marked copy of the run's record names its harvest too.
        let other = rows.iter().find(|row| !schema::is_duplicate(&run_id(row)));
        Ok(other.map_or(Lookalike::Nothing, |row| Lookalike::SameHarvest {
            record: row.id.clone(),
            run_id: run_id(row),
        }))
    }

    /// The records on which somebody set the checkbox `Retry`. Empty if the table has no such
    /// field.
    pub async fn retry_requests(
        &self,
        airtable: &Airtable<impl Transport>,
    ) -> Result<Vec<RetryRequest>, AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        let has_retry = shape.has_retry;
        if has_retry == Some(false) {
            return Ok(Vec::new());
        }
        let fields = [shape.name(schema::RUN_ID), schema::RETRY];
        let query = ListQuery { fields: &fields, formula: Some(Formula::is_set(schema::RETRY)) };
        let rows: Vec<Row> = match airtable.list(&self.table.base, schema::TABLE, &query).await {
            Ok(rows) => rows,
            // Without access to the schema, only this refusal shows that the field is missing.
            Err(AirtableError::Refused { .. }) if has_retry.is_none() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(rows
            .into_iter()
            .map(|row| as_ours(row, &shape))
            .map(|row| RetryRequest {
                record: row.id.clone(),
                // Who copies a record and ticks the copy means its run.
                run: schema::without_mark(&row.text(schema::RUN_ID)).parse().ok(),
            })
            .collect())
    }

    /// Sets the checkbox that is already set. The write changes nothing, but shows whether the
    /// checkbox can be cleared.
    ///
    /// # Errors
    /// [`AirtableError`]; if the field is locked, the error names it.
    pub async fn confirm_retry(
        &self,
        airtable: &Airtable<impl Transport>,
        record: &RecordId,
    ) -> Result<(), AirtableError> {
        let update = update(record, [(schema::RETRY, json!(true))]);
        airtable.update(&self.table.base, schema::TABLE, &[update]).await
    }

    /// Clears the checkbox of a [`RetryRequest`]. You can repeat it after an error.
    pub async fn clear_retry(
        &self,
        airtable: &Airtable<impl Transport>,
        record: &RecordId,
    ) -> Result<(), AirtableError> {
        let update = update(record, [(schema::RETRY, json!(false))]);
        airtable.update(&self.table.base, schema::TABLE, &[update]).await
    }
}

fn has_identity(row: &Row, run: &RunId, shape: &Shape) -> bool {
    // Compared exactly, because an upsert finds a record only by these exact cells.
    let mut cells = shape.identity_cells(run).into_iter();
    cells.all(|(field, id)| row.fields.get(field) == Some(&json!(id)))
}
