//! The tick: keeps every run right for which no event comes.

use crate::finalizer::Finalizer;
use crate::folded::{self, Folded};
use crate::{missed, project, retry, verify};
use shared::core::ids::RunId;
use shared::fold::Status;
use shared::messages::NoteKind;
use shared::ports::{Env, EventLog, LogError, Projection};
use shared::run_records::MAX_RUNS;

/// Projects what is unprojected, marks stalled runs, repairs records that were edited, duplicated
/// or deleted, replays what people ask for, and finds harvests whose webhook was missed. What
/// fails is repeated by the next tick.
pub(crate) async fn tick<E: Env>(app: &Finalizer<E>) {
    // Neither waits for the other's service during an outage.
    tokio::join!(missed::find(app), check_records(app));
}

async fn check_records<E: Env>(app: &Finalizer<E>) {
    app.records.refresh(&app.airtable).await;
    let open = match app.log.open_runs().await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(%error, "the tick could not read the open runs; the next one will");
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
        // A record that was written just now needs no look.
        Ok(finished) => {
            up_to_date.extend(finished.into_iter().filter(|(run, _)| !open.contains(run)));
        }
        Err(error) => tracing::error!(%error, "the tick could not read the finished runs"),
    }
    verify::verify(app, &up_to_date).await;
    retry::retry(app).await;
}

/// What a look at an open run shows.
enum OpenRunState {
    /// Its record is behind the log.
    Due(Box<Folded>),
    /// Its record shows the whole log.
    UpToDate(Projection),
    /// The log has no event of it.
    Unknown,
}

/// Folds an open run and notes when it stalled.
async fn look_at<E: Env>(app: &Finalizer<E>, run: &RunId) -> Result<OpenRunState, LogError> {
    let Some(mut folded) = folded::read(app, run).await? else { return Ok(OpenRunState::Unknown) };
    let waits = app.clock.now().duration_since(folded.summary.last_progress);
    if folded.summary.status == Status::Running && waits >= app.config.stall_after {
        // Counted here and not with its record: the record may be what cannot be written.
        shared::telemetry::metrics::run_stalled();
        let text = format!("no progress for {} minutes", waits.as_mins());
        folded.note(app, NoteKind::Stalled, text).await?;
    }
    let Some(shown) = folded.shown() else { return Ok(OpenRunState::Due(Box::new(folded))) };
    if !shown.open {
        // It has ended, and only a repeated append opened it again.
        app.log.save_projection(run, &shown).await?;
    }
    Ok(OpenRunState::UpToDate(shown))
}
