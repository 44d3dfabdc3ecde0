//! Adds runs and sends dispatches: the part with tasks.

use super::dispatch::{Dispatch, DispatchStatus, Event};
use super::hook::Hook;
use super::options::ApifyOptions;
use super::run::{Run, RunSpec};
use super::sender::WebhookSender;
use super::state::State;
use super::webhook::{EventType, Webhook};
use crate::moments::until;
use crate::{Clock, Request, Store};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long the receiver of a webhook may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What the API, the control endpoints and the delivering tasks share.
pub(super) struct Inner {
    pub(super) options: ApifyOptions,
    pub(super) clock: Clock,
    /// Whether the account's credit is used up. Then no run can be started.
    pub(super) is_out_of_credit: AtomicBool,
    sender: Arc<dyn WebhookSender>,
    state: Mutex<State>,
}

impl Inner {
    pub(super) fn new(
        options: ApifyOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        sender: Arc<dyn WebhookSender>,
    ) -> Arc<Self> {
        let state = Mutex::new(State::read(store));
        let is_out_of_credit = AtomicBool::new(false);
        Arc::new(Self { options, clock, is_out_of_credit, sender, state })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Invents a run. Returns its id and its dataset's id.
    pub(super) fn add_run(self: &Arc<Self>, spec: &RunSpec) -> Result<(String, String), String> {
        let run = self.keep_run(spec)?;
        self.announce_end(&run);
        Ok((run.id, run.dataset_id))
    }

    /// Invents a run without sending webhooks.
    pub(super) fn keep_run(&self, spec: &RunSpec) -> Result<Run, String> {
        let items = raw(spec)?;
        let state = &mut *self.state();
        let run = Run::new(spec, state.next_number(), self.options.seed, self.clock.now());
        state.add_run(run.clone(), items);
        Ok(run)
    }

    /// Lets an ended run continue and end again under its old id. Returns its dataset's id.
    pub(super) fn resurrect(self: &Arc<Self>, id: &str, spec: RunSpec) -> Result<String, String> {
        let run = {
            let state = &mut *self.state();
            let known = state.runs.get(id).ok_or_else(|| format!("there is no run {id:?}"))?;
            let webhooks = known.webhooks.clone();
            let mut run = known.resurrected(&spec, self.clock.now());
            if run.webhooks.is_empty() {
                run.webhooks = webhooks;
            }
            state.add_run(run.clone(), raw(&spec)?);
            run
        };
        self.announce(&run, EventType::Resurrected);
        self.announce_end(&run);
        Ok(run.dataset_id)
    }

    /// Sends the event for a run's status to all webhooks that want it.
    pub(super) fn announce_end(self: &Arc<Self>, run: &Run) {
        if let Some(event) = EventType::of(run.status) {
            self.announce(run, event);
        }
    }

    /// Sends an event of a run to its own webhooks, and to the persistent ones.
    pub(super) fn announce(self: &Arc<Self>, run: &Run, event: EventType) {
        for webhook in run.webhooks.iter().filter(|webhook| webhook.wants(event)) {
            self.send(event, Some(run), webhook, None);
        }
        let hooks: Vec<Hook> = self.state().hooks.values().cloned().collect();
        for hook in hooks.iter().filter(|hook| hook.wants(event, run)) {
            self.send(event, Some(run), &hook.webhook, Some(hook));
        }
    }

    /// Sends an event to a persistent webhook or to a webhook of a run. Returns the dispatch's id.
    pub(super) fn send(
        self: &Arc<Self>,
        kind: EventType,
        run: Option<&Run>,
        webhook: &Webhook,
        hook: Option<&Hook>,
    ) -> String {
        let now = self.clock.now();
        let event = Event { kind, run: run.map(|run| (run, run.view(now))), hook };
        let id = {
            let state = &mut *self.state();
            let number = state.next_number();
            let dispatch = Dispatch::new(event, webhook, number, self.options.seed, now);
            let id = dispatch.id.clone();
            state.put_dispatch(dispatch);
            id
        };
        self.start(&id);
        id
    }

    /// Starts a task for every dispatch that has a call left and no task.
    pub(super) fn resume(self: &Arc<Self>) {
        // Not in the loop's head, because that would hold the lock during the loop.
        let dispatches = self.state().dispatches();
        for dispatch in dispatches {
            if dispatch.status == DispatchStatus::Active {
                self.start(&dispatch.id);
            }
        }
    }

    fn start(self: &Arc<Self>, id: &str) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut state = self.state();
        if state.tasks.contains_key(id) {
            return;
        }
        // The lock is held until the task is noted, so the task cannot end before.
        let task = runtime.spawn(Arc::clone(self).deliver(id.to_owned()));
        state.tasks.insert(id.to_owned(), task.abort_handle());
    }

    /// Calls the receiver until it accepts or all retries are used up.
    async fn deliver(self: Arc<Self>, id: String) {
        while let Some((wait, request)) = self.next_call(&id) {
            tokio::time::sleep(wait).await;
            let started_at = self.clock.now();
            let answer = tokio::time::timeout(ANSWER_TIME, self.sender.post(request));
            let status = answer.await.ok().flatten();
            self.called(&id, started_at, status);
        }
        self.state().tasks.remove(&id);
    }

    fn next_call(&self, id: &str) -> Option<(Duration, Request)> {
        let state = self.state();
        let dispatch = state.dispatches.get(id)?;
        Some((until(self.clock.now(), dispatch.next_call_at?), dispatch.request()))
    }

    fn called(&self, id: &str, started_at: Timestamp, status: Option<StatusCode>) {
        let mut state = self.state();
        let Some(mut dispatch) = state.dispatches.get(id).cloned() else { return };
        dispatch.called(started_at, status, self.clock.now());
        if dispatch.status == DispatchStatus::Failed {
            tracing::info!(dispatch.id = id, "webhook not delivered, retries used up");
        }
        state.put_dispatch(dispatch);
    }
}

/// The items of a dataset as stored: their exact JSON text.
fn raw(spec: &RunSpec) -> Result<Vec<Box<RawValue>>, String> {
    let texts = spec.texts().into_iter();
    texts.map(|text| RawValue::from_string(text).map_err(|error| error.to_string())).collect()
}
