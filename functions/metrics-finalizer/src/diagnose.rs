//! Finds out why a record was missing. Used only if a record is created for a run that no event
//! opened, or is created again.

use crate::finalizer::Finalizer;
use crate::folded::Folded;
use shared::core::ids::RecordId;
use shared::messages::NoteKind;
use shared::ports::{Env, LogError};
use shared::run_records::Lookalike;
use shared::services::airtable::AirtableError;

/// Notes why the record of a run must be created although no event opened the run. Call it before
/// the record is written, so that the note is on it from the start.
pub(crate) async fn before_creation<E: Env>(
    app: &Finalizer<E>,
    folded: &mut Folded,
) -> Result<(), LogError> {
    if folded.known.is_some() || !folded.summary.opened.is_empty() {
        return Ok(());
    }
    let lookalike = diagnose(app, folded, None).await;
    if lookalike == Lookalike::Itself {
        return Ok(());
    }
    let (_, cause) = cause(&lookalike, false);
    let text = format!("record created without its run being opened: {cause}");
    folded.note(app, NoteKind::Record, text).await
}

/// Finds out why the record `created` had to replace `before`. Returns the run's record and a note.
/// If the Run ID of the earlier record was edited, that record gets it back, and `created` is
/// marked as its duplicate.
pub(crate) async fn after_creation<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    before: &RecordId,
    created: RecordId,
) -> (RecordId, String) {
    let lookalike = diagnose(app, folded, Some(before)).await;
    let (_, cause) = cause(&lookalike, true);
    if let Lookalike::Edited { record, .. } = lookalike {
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

/// What was found instead of the missing record; also logged. `before` is the run's earlier record.
async fn diagnose<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    before: Option<&RecordId>,
) -> Lookalike {
    let summary = &folded.summary;
    let found = app.records.find_lookalike(&app.airtable, summary, before).await;
    let lookalike = found.unwrap_or_else(|error| {
        tracing::warn!(%error, run.id = %summary.run, "the search for similar records failed");
        Lookalike::Nothing
    });
    if lookalike != Lookalike::Itself {
        log(folded, before, &lookalike);
    }
    lookalike
}

/// Why the record was missing: a name for logs, and the cause with advice for a note.
fn cause(lookalike: &Lookalike, had_record: bool) -> (&'static str, String) {
    match lookalike {
        Lookalike::Edited { run_id, .. } => (
            "run id edited",
            format!(
                "its Run ID or Client ID was edited (Run ID {run_id:?}); leave them as they are"
            ),
        ),
        Lookalike::SameHarvest { record, run_id } => (
            "same Apify run under another id",
            format!(
                "the same Apify run is on record {record} under the Run ID {run_id:?}: the webhook \
                 names another run now; give it the same run id every time"
            ),
        ),
        Lookalike::Nothing | Lookalike::Itself if had_record => {
            ("deleted", "somebody deleted it".to_owned())
        }
        Lookalike::Nothing | Lookalike::Itself => (
            "never opened",
            "the run was never opened here; runtally redrive finds its first messages".to_owned(),
        ),
    }
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

/// Logs everything that a person needs in order to find the cause.
fn log(folded: &Folded, before: Option<&RecordId>, lookalike: &Lookalike) {
    let summary = &folded.summary;
    let harvests: Vec<&str> =
        summary.harvests.iter().map(|(_, harvest)| harvest.apify_run.as_str()).collect();
    let near = match lookalike {
        Lookalike::Itself | Lookalike::Nothing => None,
        Lookalike::Edited { record, run_id } | Lookalike::SameHarvest { record, run_id } => {
            Some((record, run_id))
        }
    };
    tracing::warn!(
        run.id = %summary.run,
        client.id = %summary.header.client,
        run.r#type = ?summary.header.run_type,
        run.started_at = %summary.started_at,
        run.last_progress = %summary.last_progress,
        run.events = folded.events,
        run.opened_by = ?summary.opened,
        apify.runs = harvests.join(" "),
        diagnosis = cause(lookalike, before.is_some()).0,
        airtable.record_before = before.map(tracing::field::display),
        near.record = near.map(|(record, _)| tracing::field::display(record)),
        near.run_id = near.map(|(_, run_id)| run_id),
        "a run record was missing"
    );
}
