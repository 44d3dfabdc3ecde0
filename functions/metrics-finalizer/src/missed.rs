//! Finds harvests whose webhook was missed: requests the finished runs from Apify and queues those
//! that were never seen, including a second end of a harvest that Apify resurrected. The event log
//! remembers what was seen, from the moment a webhook was accepted. So this does not depend on the
//! clock.

use crate::error::TickError;
use crate::finalizer::Finalizer;
use jiff::{SignedDuration, Timestamp};
use shared::core::ids::ApifyRunId;
use shared::messages::{Hints, Ingest, routes};
use shared::ports::{Env, EventLog, HarvestKey, OutgoingMessage, Queue, QueueName};
use shared::services::apify::{ActorRuns, Apify};
use std::collections::BTreeSet;

/// How far back to look for harvests, by the time of their end.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(48);
/// Longest duration of a harvest. It is needed because Apify lists runs by their start.
const LONGEST_HARVEST: SignedDuration = SignedDuration::from_hours(24);
/// How long a webhook may take: Apify repeats it after 1, 2, 4 and 8 minutes. A webhook contains
/// more than Apify's list, most importantly the client.
const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// Queues the finished harvests of the configured actors that were never seen.
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
            tracing::error!(
                apify.actor = actor,
                "Apify does not know this actor; correct APIFY_ACTORS"
            );
            return;
        }
        Err(error) => {
            tracing::error!(
                %error,
                "the search for missed harvests failed; the next tick repeats it"
            );
            return;
        }
    };
    let ActorRuns { runs, unread } = runs;
    let ended = runs.into_iter().filter_map(|run| Some((run.status.and(run.finished_at)?, run.id)));
    // The task for an unreadable run waits and reports why, where an operator sees it.
    let ended = ended.chain(unread.into_iter().map(|run| (run.finished_at, run.id)));
    let finished: Vec<(Timestamp, ApifyRunId)> = ended.filter(|(at, _)| is_due(*at, now)).collect();
    if let Err(error) = queue_unheard(app, actor, &finished, now).await {
        tracing::error!(%error, "missed harvests were not queued; the next tick tries again");
    }
}

/// Whether a run that ended at `ended` is checked.
fn is_due(ended: Timestamp, now: Timestamp) -> bool {
    ended >= now - LOOK_BACK && ended <= now - GRACE
}

/// The keys that the log remembers for a harvest, with its end if that is known.
pub(crate) fn keys(run: &ApifyRunId, finished_at: Option<Timestamp>) -> Vec<HarvestKey> {
    let ends = finished_at.map(|at| [HarvestKey::any_end(run), HarvestKey::end(run, at)]);
    std::iter::once(HarvestKey::harvest(run)).chain(ends.into_iter().flatten()).collect()
}

/// Whether the end of a harvest was never seen: nothing about the harvest was seen, or only another
/// end. If only the harvest was seen, without an end, that counts as this end.
fn is_unheard(heard: &BTreeSet<HarvestKey>, run: &ApifyRunId, at: Timestamp) -> bool {
    let knows_ends = heard.contains(&HarvestKey::any_end(run));
    !heard.contains(&HarvestKey::harvest(run))
        || knows_ends && !heard.contains(&HarvestKey::end(run, at))
}

/// Queues first and remembers last. After a crash in between, a harvest is queued twice, which is
/// harmless.
async fn queue_unheard<E: Env>(
    app: &Finalizer<E>,
    actor: &str,
    finished: &[(Timestamp, ApifyRunId)],
    now: Timestamp,
) -> Result<(), TickError> {
    let known = |(at, run): &(Timestamp, ApifyRunId)| keys(run, Some(*at));
    let asked: Vec<HarvestKey> = finished.iter().flat_map(known).collect();
    let heard = app.log.heard(&asked).await?;
    let unheard = finished.iter().filter(|(at, run)| is_unheard(&heard, run, *at));
    let unheard: Vec<(Timestamp, ApifyRunId)> = unheard.cloned().collect();
    if unheard.is_empty() {
        return Ok(());
    }
    let messages = unheard.iter().map(|(at, run)| message(run, *at, now)).collect();
    app.queue.send(QueueName::Scoring, messages).await?;
    for (at, run) in &unheard {
        tracing::warn!(
            apify.run_id = %run,
            apify.finished_at = %at,
            apify.actor = actor,
            "a harvest was found that no webhook announced; it is queued"
        );
    }
    let found: Vec<HarvestKey> = unheard.iter().flat_map(known).collect();
    app.log.hear(&found).await?;
    Ok(())
}

fn message(run: &ApifyRunId, finished_at: Timestamp, now: Timestamp) -> OutgoingMessage {
    let task = Ingest {
        apify_run_id: run.clone(),
        event_type: "FOUND_BY_TICK".to_owned(),
        hints: Hints::default(),
        received_at: now,
        finished_at: Some(finished_at),
        dispatch_id: None,
        done: None,
    };
    routes::ingest(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_end_of_a_resurrected_harvest_is_unheard_until_it_is_heard_of() {
        let run: ApifyRunId = "HG7ML7M8z78YcAPEB".parse().unwrap();
        let [first, second] = ["2026-11-23T09:59:00Z", "2026-11-23T10:02:00Z"]
            .map(|at| at.parse::<Timestamp>().unwrap());
        let mut heard = BTreeSet::new();
        assert!(is_unheard(&heard, &run, first));
        // A webhook without an end, or an earlier release: that counts as this end.
        heard.extend(keys(&run, None));
        assert!(!is_unheard(&heard, &run, first));
        heard.extend(keys(&run, Some(first)));
        assert!(!is_unheard(&heard, &run, first));
        assert!(is_unheard(&heard, &run, second));
        heard.extend(keys(&run, Some(second)));
        assert!(!is_unheard(&heard, &run, second));
    }
}
