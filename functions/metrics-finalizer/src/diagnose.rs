//! Why a record was missing that should have been there: looked into only when one has to be
//! created without its run having been opened, or created again.

use crate::Finalizer;
use crate::project::{self, Folded};
use shared::core::ids::RecordId;
use shared::messages::NoteKind;
use shared::ports::{Env, LogError};
use shared::run_records::{Lookalike, Written};

/// Why a record was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Diagnosis {
    /// The events of a run came whose first event never did.
    NeverOpened,
    /// It was there, and somebody deleted it.
    Deleted,
    /// It is there, and somebody edited its Run ID or Client ID.
    RunIdEdited { record: RecordId, run_id: String },
    /// The same harvest is on the record of another run.
    SameHarvest { record: RecordId, run_id: String },
}

impl Diagnosis {
    /// The word in logs.
    fn name(&self) -> &'static str {
        match self {
            Self::NeverOpened => "never opened",
            Self::Deleted => "deleted",
            Self::RunIdEdited { .. } => "run id edited",
            Self::SameHarvest { .. } => "same Apify run under another id",
        }
    }

    /// The record that is like the missing one.
    fn near(&self) -> Option<(&RecordId, &str)> {
        match self {
            Self::NeverOpened | Self::Deleted => None,
            Self::RunIdEdited { record, run_id } | Self::SameHarvest { record, run_id } => {
                Some((record, run_id))
            }
        }
    }

    /// What it means and what to do, after the words on what was done.
    fn in_words(&self) -> String {
        match self {
            Self::NeverOpened => {
                "the run was never opened here; runtally redrive finds its first messages"
                    .to_owned()
            }
            Self::Deleted => "somebody deleted it".to_owned(),
            Self::RunIdEdited { run_id, .. } => {
                format!(
                    "its Run ID or Client ID was edited (Run ID {run_id:?}); leave them as they are"
                )
            }
            Self::SameHarvest { record, run_id } => format!(
                "the same Apify run is on record {record} under the Run ID {run_id:?}: the webhook \
                 names another run now; give it the same run id every time"
            ),
        }
    }
}

/// Looks for the cause when the record of a run is to be created that no event opened, and notes
/// it before the record is written, so that it is on it from the start.
pub(crate) async fn before_creation<E: Env>(
    app: &Finalizer<E>,
    folded: Folded,
) -> Result<Folded, LogError> {
    if folded.known.is_some() || !folded.summary.opened.is_empty() {
        return Ok(folded);
    }
    let summary = &folded.summary;
    let diagnosis = match app.records.find_lookalike(&app.airtable, summary, None).await {
        Ok(Lookalike::Itself) => return Ok(folded),
        Ok(near) => of_near(near, Diagnosis::NeverOpened),
        Err(error) => {
            tracing::warn!(%error, run.id = %summary.run, "records like it could not be looked for");
            Diagnosis::NeverOpened
        }
    };
    log(&folded, None, &diagnosis);
    let text = format!("record created without its run being opened: {}", diagnosis.in_words());
    project::note(app, summary, NoteKind::Record, text).await?;
    let run = summary.run.clone();
    Ok(project::fold(app, &run).await?.unwrap_or(folded))
}

/// Looks for the cause when a record was created again; returns the note. A record whose Run ID
/// was edited gets it back, and the one that was just created is marked as its duplicate.
pub(crate) async fn after_creation<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    before: &RecordId,
    written: &mut Written,
) -> String {
    let summary = &folded.summary;
    let diagnosis = match app.records.find_lookalike(&app.airtable, summary, Some(before)).await {
        Ok(near) => of_near(near, Diagnosis::Deleted),
        Err(error) => {
            tracing::warn!(%error, run.id = %summary.run, "records like it could not be looked for");
            Diagnosis::Deleted
        }
    };
    log(folded, Some(before), &diagnosis);
    if let Diagnosis::RunIdEdited { record, .. } = &diagnosis {
        match give_back(app, folded, record, &written.record).await {
            Ok(()) => {
                let created = std::mem::replace(&mut written.record, record.clone());
                return format!(
                    "record {record} was not found; {}; restored, and {created} marked as its \
                     duplicate",
                    diagnosis.in_words()
                );
            }
            Err(error) => {
                tracing::error!(%error, run.id = %summary.run, "the edited record is left as it is");
            }
        }
    }
    format!(
        "record {before} was gone; created again as {} from the log: {}",
        written.record,
        diagnosis.in_words()
    )
}

async fn give_back<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    record: &RecordId,
    created: &RecordId,
) -> Result<(), shared::services::airtable::AirtableError> {
    let run = &folded.summary.run;
    app.records.mark(&app.airtable, run, record, std::slice::from_ref(created)).await?;
    app.records.restore_identity(&app.airtable, run, record).await
}

fn of_near(near: Lookalike, otherwise: Diagnosis) -> Diagnosis {
    match near {
        Lookalike::Nothing | Lookalike::Itself => otherwise,
        Lookalike::Edited { record, run_id } => Diagnosis::RunIdEdited { record, run_id },
        Lookalike::SameHarvest { record, run_id } => Diagnosis::SameHarvest { record, run_id },
    }
}

/// The line with everything that a person needs to find the cause.
fn log(folded: &Folded, before: Option<&RecordId>, diagnosis: &Diagnosis) {
    let summary = &folded.summary;
    let harvests: Vec<&str> =
        summary.harvests.iter().map(|(_, harvest)| harvest.apify_run.as_str()).collect();
    let near = diagnosis.near();
    tracing::warn!(
        run.id = %summary.run,
        client.id = %summary.header.client,
        run.r#type = ?summary.header.run_type,
        run.started_at = %summary.started_at,
        run.last_progress = %summary.last_progress,
        run.events = folded.events,
        run.opened_by = ?summary.opened,
        apify.runs = harvests.join(" "),
        diagnosis = diagnosis.name(),
        airtable.record_before = before.map(tracing::field::display),
        near.record = near.map(|(record, _)| tracing::field::display(record)),
        near.run_id = near.map(|(_, run_id)| run_id),
        "a run record was missing"
    );
}
