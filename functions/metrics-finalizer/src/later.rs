//! Records that are not due yet. A message wakes the finalizer when they are due, because no event
//! may come until then.

use crate::config::Config;
use jiff::{SignedDuration, Timestamp};
use shared::core::clock::Clock;
use shared::core::ids::RunId;
use shared::messages::routes;
use shared::ports::{Projection, Queue};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs for which a message waits, with the time of their record's last write. One message for each
/// gap is enough. The queue drops messages of other processes for the same gap.
#[derive(Default)]
pub(crate) struct Later(Mutex<BTreeMap<RunId, Timestamp>>);

impl Later {
    /// Removes `run`, because its message has arrived.
    pub(crate) fn came(&self, run: &RunId) {
        self.lock().remove(run);
    }

    /// Requests that the record of `run`, which now shows `shown`, be written when it is due. If
    /// the queue does not accept the message, the next event or tick writes the record.
    pub(crate) async fn project(
        &self,
        run: &RunId,
        shown: &Projection,
        (queue, config, clock): (&impl Queue, &Config, &Clock),
    ) {
        if self.lock().get(run) == Some(&shown.at) {
            return;
        }
        let due = shown.at + config.project_every;
        let left = due.duration_since(clock.now());
        let delay = left.clamp(SignedDuration::ZERO, config.project_every).unsigned_abs();
        let master = &config.airtable.master_base;
        match queue.let_wait(routes::project_later(run, master, shown.at, delay)).await {
            Ok(()) => {
                let mut waiting = self.lock();
                waiting.retain(|_, at| {
                    clock.now().duration_since(*at).abs() < 2 * config.project_every
                });
                waiting.insert(run.clone(), shown.at);
            }
            Err(error) => {
                tracing::warn!(%error, run.id = %run, "the record is behind until the next tick");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
