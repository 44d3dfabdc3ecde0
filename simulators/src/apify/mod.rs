//! Apify: runs, their datasets and inputs, and the webhooks that tell of them.
//!
//! No actor runs here. A run is made up, with its items and its end, through
//! [`Apify::add_run`] or `POST /_sim/runs`; the API then shows it, and its webhooks are sent.

mod access;
mod control;
mod deliver;
mod dispatch;
mod error;
mod items;
mod limit;
mod options;
mod query;
mod route;
mod run;
mod sender;
mod state;
mod template;
mod views;
mod webhook;

pub use dispatch::{Call, Dispatch, DispatchStatus};
pub use options::ApifyOptions;
pub use run::{DEFAULT_ACTOR, RunSpec, RunStatus};
pub use sender::{Delivery, HttpSender, WebhookSender};
pub use template::TemplateError;
pub use webhook::{DEFAULT_PAYLOAD, EventType, Webhook, WebhookSpec};

use crate::{Clock, Fault, Request, Response, Service, Store};
use deliver::Inner;
use error::ApiError;
use http::{HeaderValue, StatusCode};
use route::Route;
use std::sync::Arc;

/// A simulated Apify.
///
/// Webhooks are delivered by tasks of its own, so [`Apify::add_run`] and its like must be called
/// inside a Tokio runtime when webhooks are to leave; outside one they wait for
/// [`Apify::resume`]. Dropping it ends those tasks; the dispatches stay in the store.
pub struct Apify(Arc<Inner>);

impl Apify {
    /// An Apify with what `store` remembers. Pending dispatches wait for [`Apify::resume`].
    #[must_use]
    pub fn new(
        options: ApifyOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        sender: Arc<dyn WebhookSender>,
    ) -> Self {
        Self(Inner::new(options, clock, store, sender))
    }

    /// Makes up a run, tells the webhooks that want to hear of its status, and returns its id.
    pub fn add_run(&self, spec: RunSpec) -> String {
        self.0.add_run(spec).0
    }

    /// Removes a run with its items, as after the retention time; false if there is none.
    pub fn delete_run(&self, run_id: &str) -> bool {
        self.0.state().delete_run(run_id)
    }

    /// Sends an event of a run to one webhook, whatever it wants to hear of, and returns the
    /// dispatch's id; `None` if there is no such run.
    ///
    /// With [`EventType::Test`] the payload carries the run and no event data.
    pub fn dispatch(&self, run_id: &str, event: EventType, webhook: &Webhook) -> Option<String> {
        self.0.dispatch(run_id, event, webhook)
    }

    /// Sends a test as the Console's button does: no event data and a dummy resource.
    pub fn dispatch_test(&self, webhook: &Webhook) -> String {
        self.0.dispatch_test(webhook)
    }

    /// Every dispatch ever made, the oldest first.
    #[must_use]
    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.0.state().dispatches()
    }

    /// Goes on with the dispatches that a restart interrupted. Calling it twice is fine.
    pub fn resume(&self) {
        self.0.resume();
    }

    fn answer(&self, request: &Request, route: &Route) -> Result<Response, ApiError> {
        if let Some((resource, limit)) = route.limit(&self.0.options) {
            let now = self.0.clock.now();
            self.0.state().rates.count(resource, limit, now)?;
        }
        views::answer(&self.0, request, route)
    }
}

impl Drop for Apify {
    fn drop(&mut self) {
        self.0.state().stop();
    }
}

impl Service for Apify {
    fn kind(&self, request: &Request) -> &'static str {
        Route::of(request).kind()
    }

    async fn respond(&self, request: Request) -> Response {
        let route = Route::of(&request);
        let wait = self.0.options.latency + views::asked_to_wait(&self.0, &request, &route);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let answer = self.answer(&request, &route);
        let mut response = answer.unwrap_or_else(|error| error.response());
        if let Some((_, limit)) = route.limit(&self.0.options) {
            response.headers_mut().insert("x-ratelimit-limit", HeaderValue::from(limit));
        }
        response
    }

    fn refuse(&self, request: &Request, fault: Fault) -> Response {
        let limit = Route::of(request)
            .limit(&self.0.options)
            .map_or(self.0.options.requests_per_second, |(_, limit)| limit);
        match fault {
            Fault::TooManyRequests => ApiError::RateLimitExceeded { limit },
            Fault::Unavailable => ApiError::Internal(StatusCode::SERVICE_UNAVAILABLE),
            Fault::InternalError | Fault::LostBefore | Fault::LostAfter | Fault::MalformedBody => {
                ApiError::Internal(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
        .response()
    }

    async fn control(&self, request: &Request) -> Option<Response> {
        control::answer(self, request)
    }

    fn reset(&self) {
        self.0.state().clear();
    }
}
