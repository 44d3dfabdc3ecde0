//! The checkbox by which a person asks for a replay, without any command.

use crate::Finalizer;
use crate::project;
use shared::fold::Status;
use shared::messages::NoteKind;
use shared::ports::{Env, LogError, Queue, QueueError, QueueName};
use shared::run_records::RetryRequest;
use shared::services::airtable::AirtableError;

/// Why a replay could not be queued or said so.
#[derive(Debug, thiserror::Error)]
enum NotQueued {
    #[error(transparent)]
    Airtable(#[from] AirtableError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Queues again what failed or is missing of every run whose record is ticked, takes the tick off
/// and says so in the notes.
pub(crate) async fn retry<E: Env>(app: &Finalizer<E>) {
    let ticked = match app.records.retry_requests(&app.airtable).await {
        Ok(ticked) => ticked,
        Err(error) => {
            tracing::error!(%error, "ticked records could not be looked for; the next tick will");
            return;
        }
    };
    for ticked in ticked {
        if let Err(error) = replay(app, &ticked).await {
            tracing::error!(
                %error,
                airtable.record = %ticked.record,
                "a ticked record is looked at again by the next tick"
            );
        }
    }
}

/// Queues first and takes the tick off last: dying in between queues twice, which costs nothing
/// for what is scored by then, and loses nothing.
async fn replay<E: Env>(app: &Finalizer<E>, ticked: &RetryRequest) -> Result<(), NotQueued> {
    let folded = match &ticked.run {
        Some(run) => project::fold(app, run).await?,
        None => None,
    };
    let Some(folded) = folded else {
        tracing::error!(
            airtable.record = %ticked.record,
            run.id = ?ticked.run,
            "a record was ticked whose run is not in the log; there is nothing to queue again"
        );
        app.records.clear_retry(&app.airtable, &ticked.record).await?;
        return Ok(());
    };
    let now = app.clock.now();
    let replays = folded.state.replays(now);
    let what = if folded.summary.status == Status::Running {
        "the run is going on; tick it again when it has ended or stalled".to_owned()
    } else if replays.is_empty() {
        "nothing failed or is missing".to_owned()
    } else {
        let leads: usize = replays.iter().map(|replay| replay.leads()).sum();
        let harvests: usize = replays.iter().map(|replay| replay.unplanned.len()).sum();
        let messages = replays.into_iter().map(|replay| replay.into_message()).collect();
        app.queue.send(QueueName::Scoring, messages).await?;
        format!("queued again: {leads} lead(s) and {harvests} harvest(s)")
    };
    let text = format!("Retry ticked ({}): {what}", now.strftime("%Y-%m-%d %H:%M:%SZ"));
    project::note(app, &folded.summary, NoteKind::Record, text).await?;
    app.records.clear_retry(&app.airtable, &ticked.record).await?;
    if let Some(folded) = project::fold(app, &folded.summary.run).await? {
        project::write(app, vec![folded]).await;
    }
    Ok(())
}
