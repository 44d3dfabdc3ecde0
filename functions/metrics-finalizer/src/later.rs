//! Records that are not due yet: a message wakes the finalizer when they are, although no event may
//! come until then.

use crate::config::Config;
use jiff::{SignedDuration, Timestamp};
use shared::core::clock::Clock;
use shared::core::ids::RunId;
use shared::messages::routes;
use shared::ports::{Projection, Queue};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs for which a message waits, with when their record was written last. One message for each gap
/// is enough, and a queue drops what other processes send for the same one.
#[derive(Default)]
pub(crate) struct Later(Mutex<BTreeMap<RunId, Timestamp>>);

impl Later {
    /// Takes note that the message for `run` came.
    pub(crate) fn came(&self, run: &RunId) {
        self.lock().remove(run);
    }

    /// Has the record of `run`, which `shown` is on, written when it is due. If the queue does not
    /// take the message, the next event or tick writes it.
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
