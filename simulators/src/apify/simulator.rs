//! The simulator itself.

use super::deliver::Inner;
use super::dispatch::Dispatch;
use super::options::ApifyOptions;
use super::run::RunSpec;
use super::sender::WebhookSender;
use super::webhook::{EventType, Webhook};
use crate::{Clock, Store};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A simulated Apify.
///
/// Webhooks are delivered by tasks of its own, so [`Apify::add_run`] and its like must be called
/// inside a Tokio runtime when webhooks are to leave; outside one they wait for
/// [`Apify::resume`]. Dropping it ends those tasks; the dispatches stay in the store.
pub struct Apify(pub(super) Arc<Inner>);

impl Apify {
    /// An Apify with what `store` remembers. Pending dispatches wait for [`Apify::resume`].
    pub fn new(
        options: ApifyOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        sender: Arc<dyn WebhookSender>,
    ) -> Self {
        Self(Inner::new(options, clock, store, sender))
    }

    /// Invents a run, sends its webhooks for its status, and returns its id.
    ///
    /// # Panics
    /// If a text in [`RunSpec::raw_items`] is no JSON at all.
    pub fn add_run(&self, spec: RunSpec) -> String {
        self.0.add_run(&spec).expect("the texts of items are JSON").0
    }

    /// Lets a run that ended go on and end again as `spec` says, under its old id; sends its
    /// webhooks again.
    ///
    /// # Errors
    /// If there is no such run, or a text in [`RunSpec::raw_items`] is no JSON at all.
    pub fn resurrect(&self, run_id: &str, spec: RunSpec) -> Result<(), String> {
        self.0.resurrect(run_id, spec).map(drop)
    }

    /// Removes a run with its items, as after the retention time; false if there is none.
    pub fn delete_run(&self, run_id: &str) -> bool {
        self.0.state().delete_run(run_id)
    }

    /// Sends an event of a run to one webhook, whatever its event types are, and returns the
    /// dispatch's id; `None` if there is no such run.
    ///
    /// With [`EventType::Test`] the payload carries the run and no event data.
    pub fn dispatch(&self, run_id: &str, event: EventType, webhook: &Webhook) -> Option<String> {
        let run = self.0.state().runs.get(run_id).cloned()?;
        Some(self.0.send(event, Some(&run), webhook, None))
    }

    /// Sends a test as the Console's button does: no event data and a dummy resource.
    pub fn dispatch_test(&self, webhook: &Webhook) -> String {
        self.0.send(EventType::Test, None, webhook, None)
    }

    /// Lets the account's credit be used up, or topped up: without it no run can be started.
    pub fn set_credit(&self, is_there: bool) {
        self.0.is_out_of_credit.store(!is_there, Ordering::Relaxed);
    }

    /// Every dispatch ever made, the oldest first.
    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.0.state().dispatches()
    }

    /// Goes on with the dispatches that a restart interrupted. Calling it twice is fine.
    pub fn resume(&self) {
        self.0.resume();
    }
}

impl Drop for Apify {
    fn drop(&mut self) {
        self.0.state().stop();
    }
}
