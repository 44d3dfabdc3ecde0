//! The tick: looks after all runs that no event looks after.

use crate::project::{self, Folded};
use crate::{Finalizer, missed, retry, verify};
use shared::core::ids::RunId;
use shared::fold::Status;
use shared::messages::NoteKind;
use shared::ports::{Env, EventLog, LogError, Projection};
use shared::run_records::MAX_RUNS;

/// Projects what is unprojected, marks what no longer moves, puts records right that were edited,
/// duplicated or deleted, replays what people ask for, and finds harvests whose webhook was
/// missed. What fails here is done by the next tick.
pub(crate) async fn tick<E: Env>(app: &Finalizer<E>) {
    // Neither waits for the other's service when that is away.
    tokio::join!(missed::find(app), look_after_records(app));
}

async fn look_after_records<E: Env>(app: &Finalizer<E>) {
    app.records.refresh(&app.airtable).await;
    let open = match app.log.open_runs().await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(%error, "the tick could not read the open runs; the next one will");
            return;
        }
    };
    shared::telemetry::metrics::tick();
    let mut quiet: Vec<(RunId, Projection)> = Vec::new();
    for runs in open.chunks(MAX_RUNS) {
        let mut due = Vec::new();
        for run in runs {
            match look_at(app, run).await {
                Ok(Looked::Due(folded)) => due.push(*folded),
                Ok(Looked::Quiet(projection)) => quiet.push((run.clone(), projection)),
                Ok(Looked::Nothing) => {}
                Err(error) => project::unprojected(run, &error),
            }
        }
        project::write(app, due).await;
    }
    let since = app.clock.now() - app.config.verify_for;
    match app.log.finished_runs(since).await {
        // One that was written just now needs no look.
        Ok(finished) => {
            quiet.extend(finished.into_iter().filter(|(run, _)| !open.contains(run)));
        }
        Err(error) => tracing::error!(%error, "the tick could not read the finished runs"),
    }
    verify::verify(app, &quiet).await;
    retry::retry(app).await;
}

/// What a look at an open run shows.
enum Looked {
    /// Its record is behind.
    Due(Box<Folded>),
    /// Its record shows all of the log.
    Quiet(Projection),
    /// The log has nothing of it.
    Nothing,
}

/// Folds an open run and notes when it stalled.
async fn look_at<E: Env>(app: &Finalizer<E>, run: &RunId) -> Result<Looked, LogError> {
    let due = |folded: Folded| Looked::Due(Box::new(folded));
    let Some(folded) = project::fold(app, run).await? else { return Ok(Looked::Nothing) };
    let waits = app.clock.now().duration_since(folded.summary.last_progress);
    if folded.summary.status == Status::Running && waits >= app.config.stall_after {
        // Counted here and not by its record, which may be what cannot be written.
        shared::telemetry::metrics::run_stalled();
        let text = format!("no progress for {} minutes", waits.as_mins());
        project::note(app, &folded.summary, NoteKind::Stalled, text).await?;
        return Ok(project::fold(app, run).await?.map_or(Looked::Nothing, due));
    }
    Ok(match &folded.known {
        Some(known) if known.events == folded.events => Looked::Quiet(known.clone()),
        Some(_) | None => due(folded),
    })
}
