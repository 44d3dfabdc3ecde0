//! Harvests whose webhook was missed: asks Apify what it finished, and queues what was never heard
//! of. The event log remembers what was heard of, from the moment the webhook was accepted; the
//! clock does not decide it.

use crate::error::TickError;
use crate::finalizer::Finalizer;
use jiff::{SignedDuration, Timestamp};
use shared::core::ids::ApifyRunId;
use shared::messages::{Hints, Ingest, routes};
use shared::ports::{Env, EventLog, OutgoingMessage, Queue, QueueName};
use shared::services::apify::{Apify, ApifyRun};

/// How far back to look for harvests, by their end.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(48);
/// The longest that a harvest takes: Apify lists runs by their start.
const LONGEST_HARVEST: SignedDuration = SignedDuration::from_hours(24);
/// How long a webhook may take: Apify repeats it after 1, 2, 4 and 8 minutes. It says more than
/// Apify's list, the client above all.
const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// Queues the finished harvests of the configured actors that were never heard of.
pub(crate) async fn find<E: Env>(app: &Finalizer<E>) {
    let (Some(apify), Some(missed)) = (&app.apify, &app.config.missed) else { return };
    for actor in &missed.actors {
        find_of_actor(app, apify, actor).await;
    }
}

async fn find_of_actor<E: Env>(app: &Finalizer<E>, apify: &Apify<E::Transport>, actor: &str) {
    let now = app.clock.now();
    let runs = match apify.runs_of(actor, now - LOOK_BACK - LONGEST_HARVEST).await {
        Ok(Some(runs)) => runs,
        Ok(None) => {
            tracing::error!(apify.actor = actor, "Apify knows no such actor; correct APIFY_ACTORS");
            return;
        }
        Err(error) => {
            tracing::error!(%error, "missed harvests are not looked for; the next tick will");
            return;
        }
    };
    let finished: Vec<ApifyRunId> =
        runs.into_iter().filter(|run| is_due(run, now)).map(|run| run.id).collect();
    if let Err(error) = queue_unheard(app, actor, &finished, now).await {
        tracing::error!(%error, "missed harvests are not queued; the next tick will");
    }
}

/// Whether a run ended within the time that is looked at.
fn is_due(run: &ApifyRun, now: Timestamp) -> bool {
    let ended = run.status.and(run.finished_at);
    ended.is_some_and(|at| at >= now - LOOK_BACK && at <= now - GRACE)
}

/// Queues first and remembers last: a crash in between queues twice, which is harmless.
async fn queue_unheard<E: Env>(
    app: &Finalizer<E>,
    actor: &str,
    finished: &[ApifyRunId],
    now: Timestamp,
) -> Result<(), TickError> {
    let heard = app.log.heard(finished).await?;
    let unheard: Vec<ApifyRunId> =
        finished.iter().filter(|run| !heard.contains(*run)).cloned().collect();
    if unheard.is_empty() {
        return Ok(());
    }
    let messages = unheard.iter().map(|run| message(run, now)).collect();
    app.queue.send(QueueName::Scoring, messages).await?;
    for run in &unheard {
        tracing::warn!(
            apify.run_id = %run,
            apify.actor = actor,
            "a harvest was found that no webhook announced; it is queued"
        );
    }
    app.log.hear(&unheard).await?;
    Ok(())
}

fn message(run: &ApifyRunId, now: Timestamp) -> OutgoingMessage {
    let task = Ingest {
        apify_run_id: run.clone(),
        event_type: "FOUND_BY_TICK".to_owned(),
        hints: Hints::default(),
        received_at: now,
        finished_at: None,
        dispatch_id: None,
    };
    routes::ingest(task)
}
