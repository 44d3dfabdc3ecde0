//! Remembers harvests that belong to nobody, so that a flood of webhooks for one of them does not
//! query the master base thousands of times.

use jiff::{SignedDuration, Timestamp};
use shared::messages::{Hints, Ingest};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most harvests that are remembered.
const MOST: usize = 1_000;
/// How far the clocks of webhook intake and scoring may differ.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(2);
/// Nothing is remembered for longer, whatever the clocks show.
const REMEMBERED: std::time::Duration = std::time::Duration::from_mins(5);

/// What the tables said about harvests that belong to nobody, and when they were read.
#[derive(Debug, Default)]
pub(crate) struct Nobodys(Mutex<HashMap<String, Found>>);

#[derive(Debug)]
struct Found {
    asked_at: Timestamp,
    noted: tokio::time::Instant,
    reason: String,
}

impl Nobodys {
    /// Why the harvest of `task` belongs to nobody, if the tables were read after its webhook
    /// arrived. So a correction that was made before the webhook is always seen.
    pub(crate) fn reason_for(&self, task: &Ingest) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&key(task))?;
        let is_later = found.asked_at >= task.received_at + CLOCKS_APART;
        (is_later && found.noted.elapsed() < REMEMBERED).then(|| found.reason.clone())
    }

    /// Remembers what the tables said when they were read at `asked_at`.
    pub(crate) fn note(&self, task: &Ingest, asked_at: Timestamp, reason: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        let (noted, reason) = (tokio::time::Instant::now(), reason.to_owned());
        known.insert(key(task), Found { asked_at, noted, reason });
    }
}

/// Everything that the answer depends on.
fn key(task: &Ingest) -> String {
    let Hints { run_stamp, client, .. } = &task.hints;
    format!("{} {client:?} {run_stamp:?}", task.apify_run_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(at: &str, client: &str) -> Ingest {
        Ingest {
            apify_run_id: "HG7ML7M8z78YcAPEB".parse().unwrap(),
            event_type: "ACTOR.RUN.SUCCEEDED".to_owned(),
            hints: Hints { client: Some(client.parse().unwrap()), ..Hints::default() },
            received_at: at.parse().unwrap(),
            finished_at: None,
            dispatch_id: None,
            done: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_webhook_that_came_after_the_tables_were_asked_asks_them_again() {
        let nobodys = Nobodys::default();
        let first = received("2026-11-23T10:00:00Z", "Nobody");
        assert_eq!(nobodys.reason_for(&first), None);
        nobodys.note(&first, "2026-11-23T10:00:10Z".parse().unwrap(), "not in the table");
        let waited = received("2026-11-23T10:00:07Z", "Nobody");
        assert_eq!(nobodys.reason_for(&waited).as_deref(), Some("not in the table"));
        for task in [
            received("2026-11-23T10:00:09Z", "Nobody"),
            received("2026-11-23T10:00:12Z", "Nobody"),
            received("2026-11-23T10:00:07Z", "Somebody"),
        ] {
            assert_eq!(nobodys.reason_for(&task), None, "{task:?}");
        }
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(nobodys.reason_for(&waited), None);
    }
}
