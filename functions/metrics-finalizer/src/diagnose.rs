//! Finds out why a record was missing. Asked only when a record must be created although no event
//! opened its run, or created again.

use crate::finalizer::Finalizer;
use crate::folded::Folded;
use shared::core::ids::RecordId;
use shared::messages::NoteKind;
use shared::ports::{Env, LogError};
use shared::run_records::Lookalike;
use shared::services::airtable::AirtableError;

/// Why a record was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Diagnosis {
    /// Events of a run came, but never the one that opens it.
    NeverOpened,
    /// Somebody deleted it.
    Deleted,
    /// Somebody edited its Run ID or Client ID.
    RunIdEdited { record: RecordId, run_id: String },
    /// The same harvest is on the record of another run.
    SameHarvest { record: RecordId, run_id: String },
}

impl Diagnosis {
    /// The name in logs.
    fn name(&self) -> &'static str {
        match self {
            Self::NeverOpened => "never opened",
            Self::Deleted => "deleted",
            Self::RunIdEdited { .. } => "run id edited",
            Self::SameHarvest { .. } => "same Apify run under another id",
        }
    }

    /// The record that is like the missing one, with its Run ID.
    fn lookalike(&self) -> Option<(&RecordId, &str)> {
        match self {
            Self::NeverOpened | Self::Deleted => None,
            Self::RunIdEdited { record, run_id } | Self::SameHarvest { record, run_id } => {
                Some((record, run_id))
            }
        }
    }

    /// What it means and what to do: the second half of a note.
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

/// Notes why the record of a run must be created although no event opened the run. Called before
/// the record is written, so that the note is on it from the start.
pub(crate) async fn before_creation<E: Env>(
    app: &Finalizer<E>,
    folded: &mut Folded,
) -> Result<(), LogError> {
    if folded.known.is_some() || !folded.summary.opened.is_empty() {
        return Ok(());
    }
    let Some(diagnosis) = diagnose(app, folded, None).await else { return Ok(()) };
    let text = format!("record created without its run being opened: {}", diagnosis.in_words());
    folded.note(app, NoteKind::Record, text).await
}

/// Finds out why the record `created` had to take the place of `before`. Returns the record that
/// the run has now, and a note: a record whose Run ID was edited gets it back, and `created` is
/// marked as its duplicate.
pub(crate) async fn after_creation<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    before: &RecordId,
    created: RecordId,
) -> (RecordId, String) {
    let diagnosis = diagnose(app, folded, Some(before)).await.unwrap_or(Diagnosis::Deleted);
    let cause = diagnosis.in_words();
    if let Diagnosis::RunIdEdited { record, .. } = diagnosis {
        match restore(app, folded, &record, &created).await {
            Ok(()) => {
                let note = format!(
                    "record {record} was not found; {cause}; restored, and {created} marked as \
                     its duplicate"
                );
                return (record, note);
            }
            Err(error) => {
                tracing::error!(%error, run.id = %folded.summary.run, "the edited record stays as it is");
            }
        }
    }
    let note =
        format!("record {before} was gone; created again as {created} from the log: {cause}");
    (created, note)
}

/// The cause, also logged; `None` when the record is there after all. `before` is the record that
/// the run had.
async fn diagnose<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    before: Option<&RecordId>,
) -> Option<Diagnosis> {
    let summary = &folded.summary;
    let unexplained = if before.is_some() { Diagnosis::Deleted } else { Diagnosis::NeverOpened };
    let diagnosis = match app.records.find_lookalike(&app.airtable, summary, before).await {
        Ok(Lookalike::Itself) => return None,
        Ok(Lookalike::Nothing) => unexplained,
        Ok(Lookalike::Edited { record, run_id }) => Diagnosis::RunIdEdited { record, run_id },
        Ok(Lookalike::SameHarvest { record, run_id }) => Diagnosis::SameHarvest { record, run_id },
        Err(error) => {
            tracing::warn!(%error, run.id = %summary.run, "the search for similar records failed");
            unexplained
        }
    };
    log(folded, before, &diagnosis);
    Some(diagnosis)
}

async fn restore<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    record: &RecordId,
    created: &RecordId,
) -> Result<(), AirtableError> {
    let run = &folded.summary.run;
    app.records.mark(&app.airtable, run, record, std::slice::from_ref(created)).await?;
    app.records.restore_identity(&app.airtable, run, record).await
}

/// Logs everything that a person needs to find the cause.
fn log(folded: &Folded, before: Option<&RecordId>, diagnosis: &Diagnosis) {
    let summary = &folded.summary;
    let harvests: Vec<&str> =
        summary.harvests.iter().map(|(_, harvest)| harvest.apify_run.as_str()).collect();
    let lookalike = diagnosis.lookalike();
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
        near.record = lookalike.map(|(record, _)| tracing::field::display(record)),
        near.run_id = lookalike.map(|(_, run_id)| run_id),
        "a run record was missing"
    );
}
