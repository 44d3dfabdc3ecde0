//! Records are put right though no event of their run comes any more: deleted ones return,
//! edited cells are restored, duplicates are marked.
//!
//! One listing looks at the records of 50 runs. A record that shows what it was written to show
//! needs no look at the log; only another one is folded and compared cell by cell. That also
//! heals what two finalizers at once can do, the older state written over the newer one.

use crate::Finalizer;
use crate::project::{self, Folded, duplicates_in_words};
use shared::core::ids::RunId;
use shared::messages::NoteKind;
use shared::ports::{Env, EventLog, LogError, Projection};
use shared::run_records::{
    CellDigests, MAX_RUNS, ObservedRecord, ObservedRow, RecordRef, cells, differences,
};
use shared::schema::run_record;
use shared::services::airtable::AirtableError;

/// Runs of one listing.
const LOOK_RUNS: usize = 50;

/// Why a record could not be put right.
#[derive(Debug, thiserror::Error)]
enum NotRight {
    #[error(transparent)]
    Airtable(#[from] AirtableError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Looks at the records of runs and puts right what is wrong.
pub(crate) async fn verify<E: Env>(app: &Finalizer<E>, runs: &[(RunId, Projection)]) {
    for runs in runs.chunks(LOOK_RUNS) {
        let known: Vec<RecordRef> = runs
            .iter()
            .map(|(run, projection)| RecordRef {
                run: run.clone(),
                record: projection.record.clone(),
            })
            .collect();
        let seen = match app.records.look(&app.airtable, &known).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(%error, "run records are not verified; the next tick will");
                return;
            }
        };
        let mut due = Vec::new();
        for (seen, (run, projection)) in seen.iter().zip(runs) {
            match look_at(app, seen, projection).await {
                Ok(Some(folded)) => due.push(folded),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, run.id = %run, "run record is not right yet"),
            }
        }
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(MAX_RUNS));
            project::write(app, due).await;
            due = rest;
        }
    }
}

/// Looks at one record; returns its run if it has to be written.
async fn look_at<E: Env>(
    app: &Finalizer<E>,
    seen: &ObservedRecord,
    known: &Projection,
) -> Result<Option<Folded>, NotRight> {
    let run = &seen.run;
    // Gone: writing it creates it again.
    let Some(row) = &seen.kept else { return Ok(project::fold(app, run).await?) };
    let written = CellDigests::from_text(&known.shown);
    let is_alone = row.has_identity && seen.duplicates.is_empty();
    if is_alone && row.record == known.record && written.as_ref() == Some(&row.shown) {
        return Ok(None);
    }
    let Some(folded) = project::fold(app, run).await? else { return Ok(None) };
    let left_out = app.records.left_out(&app.airtable).await;
    let left_out: Vec<(&str, &str)> =
        left_out.iter().map(|(field, why)| (*field, why.as_str())).collect();
    let differing = differences(&cells(&folded.summary, &left_out), &row.fields);
    let changed = written.map(|written| written.changed(&row.shown)).unwrap_or_default();
    let mut repairs = Vec::new();
    if !row.has_identity {
        app.records.restore_identity(&app.airtable, run, &row.record).await?;
        repairs.push(identity_in_words(row));
    }
    if !seen.duplicates.is_empty() {
        app.records.mark(&app.airtable, run, &row.record, &seen.duplicates).await?;
        repairs.push(duplicates_in_words(&row.record, &seen.duplicates));
    }
    let edited: Vec<String> = differing
        .iter()
        .filter(|field| changed.contains(field) && !is_identity(field))
        .map(|field| format!("{field:?}"))
        .collect();
    if !edited.is_empty() && row.record == known.record {
        repairs.push(format!(
            "{} did not show what was written (edited by hand, or overwritten); restored from the log",
            edited.join(", ")
        ));
    }
    if repairs.is_empty() && differing.is_empty() {
        // Airtable says the same in another way.
        let shown = row.shown.to_text();
        let projection = Projection { shown, record: row.record.clone(), ..known.clone() };
        app.log.save_projection(run, &projection).await?;
        return Ok(None);
    }
    for text in repairs {
        project::note(app, &folded.summary, NoteKind::Record, text).await?;
    }
    Ok(project::fold(app, run).await?.map(|mut folded| {
        if let Some(known) = &mut folded.known {
            known.record = row.record.clone();
        }
        folded
    }))
}

fn is_identity(field: &str) -> bool {
    field == run_record::RUN_ID || field == run_record::CLIENT_ID
}

fn identity_in_words(row: &ObservedRow) -> String {
    let cell = |field: &str| {
        let value = row.fields.get(field).and_then(|value| value.as_str());
        let value = value.unwrap_or_default();
        value.chars().take(60).collect::<String>()
    };
    format!(
        "record {} had its identity edited (Run ID {:?}, Client ID {:?}); restored",
        row.record,
        cell(run_record::RUN_ID),
        cell(run_record::CLIENT_ID)
    )
}
