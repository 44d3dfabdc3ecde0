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
/// Background tasks deliver webhooks. So call [`Apify::add_run`] and similar methods inside a Tokio
/// runtime; outside one, webhooks wait for [`Apify::resume`]. Dropping it ends the tasks; the
/// dispatches stay in the store.
pub struct Apify(pub(super) Arc<Inner>);

impl Apify {
    /// An Apify with the data in `store`. Pending dispatches wait for [`Apify::resume`].
    pub fn new(
        options: ApifyOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        sender: Arc<dyn WebhookSender>,
    ) -> Self {
        Self(Inner::new(options, clock, store, sender))
    }

    /// Invents a run, sends the webhooks for its status, and returns its id.
    ///
    /// # Panics
    /// If a string in [`RunSpec::raw_items`] is not JSON.
    pub fn add_run(&self, spec: RunSpec) -> String {
        self.0.add_run(&spec).expect("the texts of items are JSON").0
    }

    /// Lets an ended run continue and end again according to `spec`, under its old id. Sends its
    /// webhooks again.
    ///
    /// # Errors
    /// If the run does not exist, or a string in [`RunSpec::raw_items`] is not JSON.
    pub fn resurrect(&self, run_id: &str, spec: RunSpec) -> Result<(), String> {
        self.0.resurrect(run_id, spec).map(drop)
    }

    /// Removes a run with its items, as after the retention time. Returns whether it existed.
    pub fn delete_run(&self, run_id: &str) -> bool {
        self.0.state().delete_run(run_id)
    }

    /// Sends an event of a run to one webhook, whatever its event types are, and returns the
    /// dispatch's id. `None` if the run does not exist.
    ///
    /// With [`EventType::Test`] the payload has the run and no event data.
    pub fn dispatch(&self, run_id: &str, event: EventType, webhook: &Webhook) -> Option<String> {
        let run = self.0.state().runs.get(run_id).cloned()?;
        Some(self.0.send(event, Some(&run), webhook, None))
    }

    /// Sends a test like the button in Apify's Console: without event data and with a dummy
    /// resource.
    pub fn dispatch_test(&self, webhook: &Webhook) -> String {
        self.0.send(EventType::Test, None, webhook, None)
    }

    /// Uses up or tops up the account's credit. Without credit no run can be started.
    pub fn set_credit(&self, is_there: bool) {
        self.0.is_out_of_credit.store(!is_there, Ordering::Relaxed);
    }

    /// All dispatches so far, oldest first.
    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.0.state().dispatches()
    }

    /// Continues the dispatches that a restart interrupted. It can be called repeatedly.
    pub fn resume(&self) {
        self.0.resume();
    }
}

impl Drop for Apify {
    fn drop(&mut self) {
        self.0.state().stop();
    }
}
