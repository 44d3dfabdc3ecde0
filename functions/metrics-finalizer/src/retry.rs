//! The checkbox with which a person requests a replay, without any command.

use crate::error::TickError;
use crate::finalizer::Finalizer;
use crate::folded::{self, Folded};
use crate::project;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::fold::Status;
use shared::messages::{NoteKind, routes};
use shared::ports::{Env, Queue, QueueError, QueueName};
use shared::run_records::{RetryRequest, in_utc};
use std::collections::BTreeSet;

/// For every run whose record has the checkbox set: queues again what failed or is missing, clears
/// the checkbox, and adds a note.
pub(crate) async fn retry<E: Env>(app: &Finalizer<E>) {
    let requests = match app.records.retry_requests(&app.airtable).await {
        Ok(requests) => requests,
        Err(error) => {
            tracing::error!(%error, "the search for ticked records failed; the next tick repeats it");
            return;
        }
    };
    let mut asked: BTreeSet<RunId> = BTreeSet::new();
    for request in requests {
        // A record and its copy may both be ticked.
        let is_again = request.run.as_ref().is_some_and(|run| !asked.insert(run.clone()));
        let done = if is_again {
            app.records.clear_retry(&app.airtable, &request.record).await.map_err(Into::into)
        } else {
            replay(app, &request).await
        };
        if let Err(error) = done {
            tracing::error!(
                %error,
                airtable.record = %request.record,
                "a ticked record was not replayed; the next tick repeats it"
            );
        }
    }
}

/// Queues first and clears the checkbox last. After a crash in between, the leads are queued twice.
/// That costs nothing for leads with a score by then, and nothing is lost.
async fn replay<E: Env>(app: &Finalizer<E>, request: &RetryRequest) -> Result<(), TickError> {
    let folded = match &request.run {
        Some(run) => folded::read(app, run).await?,
        None => None,
    };
    let Some(mut folded) = folded else {
        tracing::error!(
            airtable.record = %request.record,
            run.id = ?request.run,
            "the run of a ticked record is not in the log; there is nothing to queue again"
        );
        return Ok(app.records.clear_retry(&app.airtable, &request.record).await?);
    };
    if let Err(error) = app.records.confirm_retry(&app.airtable, &request.record).await {
        // If it were queued now, every tick would queue it again.
        let text = format!(
            "Retry is ticked, but nothing is queued, because the tick cannot be cleared: {error}"
        );
        if error.is_about_a_field() && !folded.summary.notes.iter().any(|(_, n)| n.text == text) {
            folded.note(app, NoteKind::Record, text).await?;
            project::write(app, vec![folded]).await;
        }
        return Err(error.into());
    }
    let at = in_utc(app.clock.now());
    let text = format!("Retry was ticked ({at}): {}", queue_again(app, &folded).await?);
    folded.note(app, NoteKind::Record, text).await?;
    app.records.clear_retry(&app.airtable, &request.record).await?;
    project::write(app, vec![folded]).await;
    Ok(())
}

/// Queues what failed or is missing in a run. Returns the result as text for a note.
async fn queue_again<E: Env>(app: &Finalizer<E>, folded: &Folded) -> Result<String, QueueError> {
    if folded.summary.status == Status::Running {
        return Ok("the run is in progress; tick it again when it has ended or stalled".to_owned());
    }
    let replays = folded.state.replays(app.clock.now());
    if replays.is_empty() {
        return Ok("nothing failed or is missing".to_owned());
    }
    let leads: usize = replays.iter().map(|replay| replay.leads()).sum();
    let harvests: usize = replays.iter().map(|replay| replay.unplanned.len()).sum();
    let messages = replays.into_iter().map(routes::replay).collect();
    app.queue.send(QueueName::Scoring, messages).await?;
    let parts = [(leads, "lead"), (harvests, "harvest")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, noun)| counted(count, noun)).collect();
    Ok(format!("queued again: {}", parts.join(" and ")))
}
