//! The tick: maintains every run that receives no events.

use crate::finalizer::Finalizer;
use crate::folded::{self, Folded};
use crate::{missed, project, retry, verify};
use shared::core::ids::RunId;
use shared::fold::Status;
use shared::messages::NoteKind;
use shared::ports::{Env, EventLog, LogError, Projection};
use shared::run_records::MAX_RUNS;

/// Projects unprojected runs, marks stalled runs, repairs records that were edited, duplicated or
/// deleted, replays runs on request, and finds harvests whose webhook was missed. The next tick
/// repeats whatever fails.
pub(crate) async fn tick<E: Env>(app: &Finalizer<E>) {
    // During an outage, neither waits for the other's service.
    tokio::join!(missed::find(app), check_records(app));
}

async fn check_records<E: Env>(app: &Finalizer<E>) {
    app.records.refresh(&app.airtable).await;
    let open = match app.log.open_runs().await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(
                %error,
                "the tick could not read the open runs; the next tick tries again"
            );
            return;
        }
    };
    shared::telemetry::metrics::tick();
    let mut up_to_date: Vec<(RunId, Projection)> = Vec::new();
    for runs in open.chunks(MAX_RUNS) {
        let mut due = Vec::new();
        for run in runs {
            match look_at(app, run).await {
                Ok(OpenRunState::Due(folded)) => due.push(*folded),
                Ok(OpenRunState::UpToDate(shown)) => up_to_date.push((run.clone(), shown)),
                Ok(OpenRunState::Unknown) => {}
                Err(error) => project::unprojected(run, &error),
            }
        }
        verify::note_restored(app, &mut due).await;
        project::write(app, due).await;
    }
    let since = app.clock.now() - app.config.verify_for;
    match app.log.finished_runs(since).await {
        // A record that was just written does not have to be checked.
        Ok(finished) => {
            up_to_date.extend(finished.into_iter().filter(|(run, _)| !open.contains(run)));
        }
        Err(error) => tracing::error!(%error, "the tick could not read the finished runs"),
    }
    verify::verify(app, &up_to_date).await;
    retry::retry(app).await;
}

/// The result of checking an open run.
enum OpenRunState {
    /// Its record does not show the latest events.
    Due(Box<Folded>),
    /// Its record shows the whole log.
    UpToDate(Projection),
    /// The log has no events of it.
    Unknown,
}

/// Folds an open run, and adds a note if it has stalled.
async fn look_at<E: Env>(app: &Finalizer<E>, run: &RunId) -> Result<OpenRunState, LogError> {
    let Some(mut folded) = folded::read(app, run).await? else { return Ok(OpenRunState::Unknown) };
    let waits = app.clock.now().duration_since(folded.summary.last_progress);
    if folded.summary.status == Status::Running && waits >= app.config.stall_after {
        // Counted here, not when its record is written: the record may be what cannot be written.
        shared::telemetry::metrics::run_stalled();
        let text = format!("no progress for {} minutes", waits.as_mins());
        folded.note(app, NoteKind::Stalled, text).await?;
    }
    let Some(shown) = folded.shown() else { return Ok(OpenRunState::Due(Box::new(folded))) };
    if !shown.open {
        // The run has ended, and only a repeated append reopened it.
        app.log.save_projection(run, &shown).await?;
    }
    Ok(OpenRunState::UpToDate(shown))
}
