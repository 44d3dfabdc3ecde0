//! The upsert of run records.

use super::compare::CellDigests;
use super::field_note::FieldNote;
use super::shape::Shape;
use super::table::{Recency, Table, refused_field, refused_value};
use super::trial::Trial;
use crate::core::clock::Clock;
use crate::core::ids::{BaseId, RecordId, RunId};
use crate::fold::Summary;
use crate::ports::Transport;
use crate::schema::run_record as schema;
use crate::schema::{FieldType, run_record};
use crate::services::airtable::{
    Airtable, AirtableError, ListQuery, Row, Update, Upserted, oldest_first,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most runs in one request (Airtable's limit).
pub const MAX_RUNS: usize = crate::services::airtable::MAX_RECORDS;

/// The row that now shows a run, and the digests of what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub run: RunId,
    pub record: RecordId,
    pub created: bool,
    /// Other records with the run's identity, which are now marked as duplicates.
    pub duplicates: Vec<RecordId>,
    pub shown: CellDigests,
}

/// Reads and writes the table `Client Run Results` of the master base.
pub struct RunRecords {
    pub(super) table: Table,
}

impl RunRecords {
    pub fn new(base: BaseId, clock: Clock) -> Self {
        Self { table: Table::new(base, clock) }
    }

    /// Creates or updates the records of up to 10 runs. If the table is intact, this takes one
    /// request.
    ///
    /// A field that is missing or locked is left out. A renamed field is written under its new
    /// name. A cell whose choice is missing is cleared. The record's notes report all of this. If
    /// records share an identity, the oldest stays and the others are marked as duplicates.
    ///
    /// # Errors
    /// [`AirtableError`] if the records could not be written. You can repeat the call: it gives the
    /// same records.
    pub async fn write(
        &self,
        airtable: &Airtable<impl Transport>,
        runs: &[Summary],
    ) -> Result<Vec<Written>, AirtableError> {
        let mut shape = self.table.shape(airtable, Recency::Recent).await;
        let mut duplicates: BTreeMap<RunId, Vec<RecordId>> = BTreeMap::new();
        let mut is_looked_for = false;
        // A value that was refused concerns only these runs, so the refusal is not remembered.
        let mut refused: Vec<FieldNote> = Vec::new();
        loop {
            let rows: Vec<_> = runs.iter().map(|run| shape.cells_with(run, &refused)).collect();
            let sent: Vec<_> = rows.iter().map(|row| shape.to_table(row.clone())).collect();
            let merge_on: Vec<&str> = shape.merge_on().map(|field| shape.name(field)).collect();
            let upserted = airtable.upsert(&self.table.base, schema::TABLE, &merge_on, &sent).await;
            let error = match upserted {
                Ok(upserted) => {
                    let Upserted { records, created } = upserted;
                    let records: Vec<Row> =
                        records.into_iter().map(|row| as_ours(row, &shape)).collect();
                    let mut short = shape.shortcomings();
                    short.extend(refused.iter().map(|note| note.field.to_owned()));
                    return Ok(written(runs, (&records, &created), duplicates, &short));
                }
                Err(error) => error,
            };
            if let Some(note) = missing_choice(&error, &rows, &refused) {
                refused.push(note);
            } else if let Some(field) =
                refused_field(&error, &shape).filter(|_| error.is_about_the_table())
            {
                shape = self.table.refuse(field, &error);
            } else if let Some(field) = refused_field(&error, &shape)
                .filter(|field| runs.len() == 1 && !refused.iter().any(|n| n.field == *field))
            {
                refused.push(refused_value(field, &error));
            } else if refused_field(&error, &shape).is_some() {
                // One of these records has a value that is refused: the caller writes each record
                // alone.
                return Err(error);
            } else if !matches!(error, AirtableError::Refused { .. }) {
                return Err(error);
            } else if !std::mem::replace(&mut is_looked_for, true) {
                for run in runs {
                    let marked = self.mark_duplicates(airtable, run).await?;
                    duplicates.insert(run.run.clone(), marked);
                }
                if duplicates.values().all(Vec::is_empty) && runs.len() > 1 {
                    return Err(error);
                }
            } else if let ([row], [_]) = (&rows[..], runs) {
                let trial = Trial { base: &self.table.base, shape: &shape, row };
                let Some(field) = trial.refused_cell(airtable).await? else { return Err(error) };
                refused.push(refused_value(field, &error));
            } else {
                return Err(error);
            }
        }
    }

    /// Looks for records with the run's identity, and marks all but the oldest as duplicates.
    async fn mark_duplicates(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &Summary,
    ) -> Result<Vec<RecordId>, AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        let formula = Some(shape.identity(&run.run));
        let query = ListQuery { fields: &[shape.name(schema::RUN_ID)], formula };
        let mut rows: Vec<Row> = airtable.list(&self.table.base, schema::TABLE, &query).await?;
        oldest_first(&mut rows);
        let Some((kept, others)) = rows.split_first() else { return Ok(Vec::new()) };
        let others: Vec<RecordId> = others.iter().map(|row| row.id.clone()).collect();
        self.mark(airtable, &run.run, &kept.id, &others).await?;
        Ok(others)
    }

    /// Marks records as duplicates of `kept`. They are not deleted, because people may have written
    /// on them.
    ///
    /// # Errors
    /// [`AirtableError`]; some records may be marked then. You can repeat the call.
    pub async fn mark(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &RunId,
        kept: &RecordId,
        others: &[RecordId],
    ) -> Result<(), AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        for others in others.chunks(MAX_RUNS) {
            // With this Run ID, the record no longer matches a run.
            let marked = json!(schema::duplicate_run_id(run, kept));
            let mark = |id| update(id, [(shape.name(schema::RUN_ID), marked.clone())]);
            let updates: Vec<Update> = others.iter().map(mark).collect();
            airtable.update(&self.table.base, schema::TABLE, &updates).await?;
        }
        Ok(())
    }

    /// Restores the identity of a run on its record.
    ///
    /// # Errors
    /// [`AirtableError`]; you can repeat the call.
    pub async fn restore_identity(
        &self,
        airtable: &Airtable<impl Transport>,
        run: &RunId,
        record: &RecordId,
    ) -> Result<(), AirtableError> {
        let shape = self.table.shape(airtable, Recency::Recent).await;
        let identity = shape.identity_cells(run).into_iter();
        let identity = identity.map(|(field, id)| (shape.name(field), json!(id)));
        let update = update(record, identity);
        airtable.update(&self.table.base, schema::TABLE, &[update]).await
    }
}

pub(super) fn update<'a>(
    id: &RecordId,
    cells: impl IntoIterator<Item = (&'a str, Value)>,
) -> Update {
    let fields = cells.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
    Update { id: id.clone(), fields }
}

/// The select field without the choice that the refusal quotes. Its cells are then cleared.
fn missing_choice(
    error: &AirtableError,
    rows: &[Map<String, Value>],
    cleared: &[FieldNote],
) -> Option<FieldNote> {
    if !matches!(error, AirtableError::Refused { .. }) {
        return None;
    }
    run_record::FIELDS
        .iter()
        .filter(|field| matches!(field.field_type, FieldType::SingleSelect(_)))
        .map(|field| field.name)
        .filter(|name| !cleared.iter().any(|known| known.field == *name))
        .find_map(|name| {
            let mut values = rows.iter().filter_map(|row| row.get(name)?.as_str());
            let choice = values.find(|value| error.names(value))?;
            Some(FieldNote::missing_choice(name, choice))
        })
}

/// A row with its cells by schema name.
pub(super) fn as_ours(row: Row, shape: &Shape) -> Row {
    Row { fields: shape.in_our_names(row.fields), ..row }
}

fn written(
    runs: &[Summary],
    (records, created): (&[Row], &[RecordId]),
    mut duplicates: BTreeMap<RunId, Vec<RecordId>>,
    short: &BTreeSet<String>,
) -> Vec<Written> {
    runs.iter()
        .enumerate()
        .filter_map(|(at, run)| {
            // Found by the Run ID in the reply, or by position if the reply does not contain it.
            let says = |record: &&Row| record.text(schema::RUN_ID) == run.run.as_str();
            let record = records.iter().find(says).or_else(|| records.get(at))?;
            Some(Written {
                run: run.run.clone(),
                record: record.id.clone(),
                created: created.contains(&record.id),
                duplicates: duplicates.remove(&run.run).unwrap_or_default(),
                shown: CellDigests::of(&record.fields, short.clone()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::story::{Story, run_failed};

    /// A run that failed.
    fn run_of(client: &str) -> Summary {
        story(client).tell(run_failed(None, "told")).summary()
    }

    fn story(client: &str) -> Story {
        let mut story = Story::new();
        story.header.client = client.parse().unwrap();
        story
    }

    fn record(id: &str, run: &Summary) -> Row {
        let fields = json!({schema::RUN_ID: run.run}).as_object().unwrap().clone();
        let created_time = "2026-11-23T10:00:00Z".parse().unwrap();
        Row { id: id.parse().unwrap(), created_time, fields }
    }

    fn refused(message: &str) -> AirtableError {
        let (what, error_type) = ("upserting".to_owned(), "INVALID".to_owned());
        AirtableError::Refused { what, error_type, message: message.to_owned() }
    }

    #[test]
    fn a_choice_that_a_select_lacks_names_that_select_and_no_other() {
        let running = story("Ada-Park").opened().summary();
        let rows = [running, run_of("Guy-Wilson")].map(|run| Shape::default().cells(&run));
        let cleared = |choice: &str, known: &[FieldNote]| {
            let message = format!("Insufficient permissions to create select option \"{choice}\"");
            missing_choice(&refused(&message), &rows, known).map(|note| note.field)
        };
        assert_eq!(cleared("Failed", &[]), Some(schema::STATUS));
        assert_eq!(cleared("Standalone", &[]), Some(schema::RUN_TYPE));
        let status = [FieldNote::missing_choice(schema::STATUS, "Failed")];
        assert_eq!(cleared("Standalone", &status), Some(schema::RUN_TYPE));
        assert_eq!(cleared("Failed", &status), None, "it was not written again");
        assert_eq!(cleared("Paused", &[]), None, "no row says so");
    }

    #[test]
    fn records_are_found_by_the_run_they_name_in_whatever_order_the_reply_has_them() {
        let runs = [run_of("Ada-Park"), run_of("Guy-Wilson")];
        let (ada, guy) =
            (record("rec0000000000Ada1", &runs[0]), record("rec0000000000Guy1", &runs[1]));
        let created = [guy.id.clone()];
        let written = written(&runs, (&[guy, ada], &created), BTreeMap::new(), &BTreeSet::new());
        let found: Vec<_> =
            written.iter().map(|w| (&w.run, w.record.as_str(), w.created)).collect();
        assert_eq!(
            found,
            [(&runs[0].run, "rec0000000000Ada1", false), (&runs[1].run, "rec0000000000Guy1", true)]
        );
    }

    #[test]
    fn a_reply_that_leaves_the_run_id_out_is_taken_in_order() {
        let runs = [run_of("Ada-Park")];
        let mut unnamed = record("rec0000000000Ada1", &runs[0]);
        unnamed.fields.clear();
        let written = written(&runs, (&[unnamed], &[]), BTreeMap::new(), &BTreeSet::new());
        assert_eq!(written[0].record.as_str(), "rec0000000000Ada1");
    }
}
