//! Reads the run records that exist: as written, edited, duplicated, gone or ticked.

use super::compare::CellDigests;
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

/// What the table holds of a run now, after people may have edited it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedRecord {
    pub run: RunId,
    /// The row that counts, the oldest; `None` when there is none.
    pub kept: Option<ObservedRow>,
    pub duplicates: Vec<RecordId>,
}

/// A row as it was read. `has_identity` tells whether an upsert would find it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedRow {
    pub record: RecordId,
    pub fields: Map<String, Value>,
    pub has_identity: bool,
    pub shown: CellDigests,
}

/// What was found in place of a record that should have existed and had to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookalike {
    /// The run's own record: it exists after all.
    Itself,
    Nothing,
    /// The run's earlier record is still there, under another Run ID or Client ID.
    Edited {
        record: RecordId,
        /// What stands in its Run ID.
        run_id: String,
    },
    /// A record of another run names the same harvest.
    SameHarvest {
        record: RecordId,
        run_id: String,
    },
}

/// A row whose checkbox `Retry` is ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    pub record: RecordId,
    /// Its run; `None` when its Run ID is malformed.
    pub run: Option<RunId>,
}

impl RunRecords {
    /// Reads the rows of runs, in one request for up to 100 rows, and which fields the table has.
    /// It reads all cells: Airtable refuses a request that names a field which is gone.
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
                // A row that was written for a run is its own, whatever identity it carries now.
                let mut of_run = rows.iter().filter(|row| {
                    row.id == one.record
                        || (has_identity(row, &one.run)
                            && !known.iter().any(|other| other.record == row.id))
                });
                let kept = of_run.next().map(|row| ObservedRow {
                    record: row.id.clone(),
                    fields: row.fields.clone(),
                    has_identity: has_identity(row, &one.run),
                    shown: CellDigests::of(&row.fields, short.clone()),
                });
                let duplicates = of_run.map(|row| row.id.clone()).collect();
                ObservedRecord { run: one.run.clone(), kept, duplicates }
            })
            .collect())
    }

    /// Reads the table's fields now, so that one that came back is written again.
    pub async fn refresh(&self, airtable: &Airtable<impl Transport>) {
        self.table.shape(airtable, Recency::Now).await;
    }

    /// Every cell that the run's record should have, as far as the table is known.
    pub async fn cells(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &Summary,
    ) -> Map<String, Value> {
        self.table.shape(airtable, Recency::Recent).await.cells(run)
    }

    /// Looks for a record that is like that of `run`, which had to be created though it should
    /// have been there. `before` is the record it had.
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
            rows.into_iter().partition(|row| has_identity(row, &run.run));
        if before.is_none() && !own.is_empty() {
            return Ok(Lookalike::Itself);
        }
        let run_id = |row: &Row| row.text(schema::RUN_ID);
        if let Some(row) = rows.iter().find(|row| Some(&row.id) == before) {
            return Ok(Lookalike::Edited { record: row.id.clone(), run_id: run_id(row) });
        }
        Ok(rows.first().map_or(Lookalike::Nothing, |row| Lookalike::SameHarvest {
            record: row.id.clone(),
            run_id: run_id(row),
        }))
    }

    /// The records on which somebody ticked the checkbox for a replay. Empty where the table has no
    /// such field.
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
            // A token that may not read the schema learns it from the refusal.
            Err(AirtableError::Refused { .. }) if has_retry.is_none() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(rows
            .into_iter()
            .map(|row| as_ours(row, &shape))
            .map(|row| RetryRequest {
                record: row.id.clone(),
                run: row.text(schema::RUN_ID).parse().ok(),
            })
            .collect())
    }

    /// Ticks the checkbox that is ticked: a write that changes nothing, and shows whether it can be
    /// cleared.
    ///
    /// # Errors
    /// [`AirtableError`]; one of a locked field names it.
    pub async fn confirm_retry(
        &self,
        airtable: &Airtable<impl Transport>,
        record: &RecordId,
    ) -> Result<(), AirtableError> {
        let update = update(record, [(schema::RETRY, json!(true))]);
        airtable.update(&self.table.base, schema::TABLE, &[update]).await
    }

    /// Clears the checkbox of a [`RetryRequest`]. After an error it may be repeated.
    pub async fn clear_retry(
        &self,
        airtable: &Airtable<impl Transport>,
        record: &RecordId,
    ) -> Result<(), AirtableError> {
        let update = update(record, [(schema::RETRY, json!(false))]);
        airtable.update(&self.table.base, schema::TABLE, &[update]).await
    }
}

fn has_identity(row: &Row, run: &RunId) -> bool {
    // To the letter: an upsert finds a record only by exactly these cells.
    row.fields.get(schema::RUN_ID) == Some(&json!(run))
        && row.fields.get(schema::CLIENT_ID) == Some(&json!(run.client()))
}
