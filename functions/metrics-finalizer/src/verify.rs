//! Repairs records of runs that receive no more events: deleted records are created again, edited
//! cells are restored, and duplicates are marked.
//!
//! One listing reads the records of 50 runs. If a record still shows what was written to it, its
//! log is not read. Any other run is folded, and its record is compared cell by cell. This also
//! repairs what two finalizers at the same time can cause: an older state written over a newer one.

use crate::error::TickError;
use crate::finalizer::Finalizer;
use crate::folded::{self, Folded};
use crate::project::{self, duplicates_in_words};
use shared::core::ids::RunId;
use shared::messages::NoteKind;
use shared::ports::{Env, EventLog, Projection};
use shared::run_records::{
    CellDigests, MAX_RUNS, ObservedRecord, ObservedRow, RecordRef, differences,
};
use shared::schema::run_record;

/// Most runs in one listing.
const LISTED_RUNS: usize = 50;

/// Checks the records of runs, and repairs them.
pub(crate) async fn verify<E: Env>(app: &Finalizer<E>, runs: &[(RunId, Projection)]) {
    for runs in runs.chunks(LISTED_RUNS) {
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
                tracing::error!(%error, "run records are not verified; the next tick tries again");
                return;
            }
        };
        let mut due = Vec::new();
        for (seen, (run, projection)) in seen.iter().zip(runs) {
            match look_at(app, seen, projection).await {
                Ok(folded) => due.extend(folded),
                Err(error) => tracing::error!(%error, run.id = %run, "run record is not right yet"),
            }
            if due.len() == MAX_RUNS {
                project::write(app, std::mem::take(&mut due)).await;
            }
        }
        project::write(app, due).await;
    }
}

/// Before records are rewritten on an operator's request, notes which cells are restored. If
/// Airtable does not answer, the records are written anyway.
pub(crate) async fn note_restored<E: Env>(app: &Finalizer<E>, due: &mut [Folded]) {
    let known = |folded: &Folded| {
        let known = folded.known.as_ref().filter(|known| known.events == 0)?;
        Some(RecordRef { run: folded.summary.run.clone(), record: known.record.clone() })
    };
    let asked: Vec<RecordRef> = due.iter().filter_map(known).collect();
    if asked.is_empty() {
        return;
    }
    let seen = match app.records.look(&app.airtable, &asked).await {
        Ok(seen) => seen,
        Err(error) => {
            tracing::warn!(%error, "what the rewrite restores is not noted");
            return;
        }
    };
    for ObservedRecord { run, kept, .. } in &seen {
        let folded = due.iter_mut().find(|folded| folded.summary.run == *run);
        let Some((folded, row)) = folded.zip(kept.as_ref()) else { continue };
        let differing = differing(app, folded, row).await;
        let Some(text) = restored(&differing) else { continue };
        if let Err(error) = folded.note(app, NoteKind::Record, text).await {
            tracing::warn!(%error, run.id = %run, "what the rewrite restores is not noted");
        }
    }
}

/// The note about cells that were restored on request.
fn restored(differing: &[&str]) -> Option<String> {
    let fields: Vec<String> = differing.iter().map(|field| format!("{field:?}")).collect();
    (!fields.is_empty()).then(|| {
        format!(
            "rewritten on request: {} did not say what the log says; restored",
            fields.join(", ")
        )
    })
}

/// Checks one record. Returns its run if the record must be written.
async fn look_at<E: Env>(
    app: &Finalizer<E>,
    seen: &ObservedRecord,
    known: &Projection,
) -> Result<Option<Folded>, TickError> {
    let run = &seen.run;
    // The record is gone: the write creates it again.
    let Some(row) = &seen.kept else { return Ok(folded::read(app, run).await?) };
    let is_known = row.record == known.record;
    let written = CellDigests::from_text(&known.shown);
    let is_alone = row.has_identity && seen.duplicates.is_empty();
    if is_alone && is_known && written.as_ref() == Some(&row.shown) {
        return Ok(None);
    }
    let Some(mut folded) = folded::read(app, run).await? else { return Ok(None) };
    let differing = differing(app, &folded, row).await;
    let mut repairs = restore(app, seen, row).await?;
    if let Some(written) = written.filter(|_| is_known) {
        repairs.extend(edited(&differing, &written.changed(&row.shown)));
    }
    if repairs.is_empty() && differing.is_empty() {
        // Airtable shows the same values in another format.
        let shown = row.shown.to_text();
        let projection = Projection { shown, record: row.record.clone(), ..known.clone() };
        app.log.save_projection(run, &projection).await?;
        return Ok(None);
    }
    for text in repairs {
        folded.note(app, NoteKind::Record, text).await?;
    }
    if let Some(known) = &mut folded.known {
        known.record = row.record.clone();
    }
    Ok(Some(folded))
}

/// The fields that differ from what the log says.
async fn differing<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    row: &ObservedRow,
) -> Vec<&'static str> {
    let wanted = app.records.cells(&app.airtable, &folded.summary).await;
    differences(&wanted, &row.fields)
}

/// Restores the identity of a row and marks its duplicates. Returns a note for each repair.
async fn restore<E: Env>(
    app: &Finalizer<E>,
    seen: &ObservedRecord,
    row: &ObservedRow,
) -> Result<Vec<String>, TickError> {
    let mut repairs = Vec::new();
    if !row.has_identity {
        app.records.restore_identity(&app.airtable, &seen.run, &row.record).await?;
        repairs.push(identity_in_words(row));
    }
    if !seen.duplicates.is_empty() {
        app.records.mark(&app.airtable, &seen.run, &row.record, &seen.duplicates).await?;
        repairs.push(duplicates_in_words(&row.record, &seen.duplicates));
    }
    Ok(repairs)
}

/// The note about cells that somebody changed, except identity cells, which have a separate note.
fn edited(differing: &[&str], changed: &[&str]) -> Option<String> {
    let is_identity = |field: &str| field == run_record::RUN_ID || field == run_record::CLIENT_ID;
    let edited: Vec<String> = differing
        .iter()
        .filter(|field| changed.contains(field) && !is_identity(field))
        .map(|field| format!("{field:?}"))
        .collect();
    (!edited.is_empty()).then(|| {
        format!(
            "{} did not show what was written (edited by hand, or overwritten); restored from the log",
            edited.join(", ")
        )
    })
}

fn identity_in_words(row: &ObservedRow) -> String {
    let cell = |field: &str| {
        let value = row.fields.get(field).and_then(|value| value.as_str());
        value.unwrap_or_default().chars().take(60).collect::<String>()
    };
    format!(
        "record {} had its identity edited (Run ID {:?}, Client ID {:?}); restored",
        row.record,
        cell(run_record::RUN_ID),
        cell(run_record::CLIENT_ID)
    )
}
