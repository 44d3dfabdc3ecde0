//! Runs that a caller starts, stops and resumes. No actor works: a run is over as soon as it is
//! started, without items.

use super::deliver::Inner;
use super::error::ApiError;
use super::query::{Query, invalid};
use super::replies::{NO_RUN, created, enveloped};
use super::route::RunRef;
use super::run::{DEFAULT_ACTOR, Run, RunLimits, RunSpec, actor_id};
use super::status::RunStatus;
use super::webhook::{EventType, Webhook};
use crate::{Request, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Inner {
    /// Whether the actor exists: the default actor, or one of an invented run.
    pub(super) fn knows_actor(&self, id: &str) -> bool {
        id == actor_id(DEFAULT_ACTOR) || self.state().runs.values().any(|run| run.actor_id == id)
    }
}

/// Starts a run; the body is its input.
pub(super) fn start(
    inner: &Arc<Inner>,
    request: &Request,
    actor: &str,
) -> Result<Response, ApiError> {
    let query = Query::of(request);
    if !inner.knows_actor(&actor_id(actor)) {
        return Err(ApiError::RecordNotFound { what: "Actor" });
    }
    if inner.is_out_of_credit.load(Ordering::Relaxed) {
        return Err(ApiError::NotEnoughUsage);
    }
    let input = match request.body().is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(request.body())
            .map_err(|error| ApiError::InvalidInput(error.to_string()))?,
    };
    let now = inner.clock.now();
    let spec = RunSpec {
        actor_id: Some(actor.to_owned()),
        started_at: Some(now),
        input,
        run_options: RunLimits {
            max_items: query.count("maxItems")?.map(|count| count as u64),
            max_total_charge_usd: query.number("maxTotalChargeUsd")?,
        },
        // No target was tried, so no target is charged.
        charged_event_counts: Some(BTreeMap::from([("actor-start".to_owned(), 1)])),
        webhooks: webhooks(&query)?,
        ..RunSpec::default()
    };
    let run = inner.keep_run(&spec).map_err(ApiError::InvalidInput)?;
    inner.announce(&run, EventType::Created);
    inner.announce_end(&run);
    Ok(created(run.view(now)))
}

/// The webhooks for a single run: a list in Base64.
fn webhooks(query: &Query) -> Result<Vec<Webhook>, ApiError> {
    const NAME: &str = "webhooks";
    let Some(text) = query.get(NAME).filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    let list = STANDARD.decode(text).ok();
    let list = list.and_then(|list| serde_json::from_slice(&list).ok());
    list.ok_or_else(|| invalid(NAME, text, "must be a list of webhooks in Base64"))
}

/// Stops a run that is not over. A run that is over stays as it is.
pub(super) fn abort(inner: &Arc<Inner>, run: &RunRef) -> Result<Response, ApiError> {
    let now = inner.clock.now();
    let mut run = inner.state().run(run).cloned().ok_or(NO_RUN)?;
    if !run.status.is_terminal() {
        run.status = RunStatus::Aborted;
        run.finished_at = Some(now);
        inner.state().put_run(run.clone());
        inner.announce_end(&run);
    }
    Ok(enveloped(run.view(now)))
}

/// Resumes a run that is over. It ends again at once, under its old id and with its old items.
pub(super) fn resurrect(inner: &Arc<Inner>, run: &RunRef) -> Result<Response, ApiError> {
    let now = inner.clock.now();
    let mut run = inner.state().run(run).cloned().ok_or(NO_RUN)?;
    if !run.status.is_terminal() {
        return Err(ApiError::InvalidInput("the run is not over".to_owned()));
    }
    run.status = RunStatus::Succeeded;
    run.finished_at = Some(now);
    run.resurrections += 1;
    inner.state().put_run(run.clone());
    inner.announce(&run, EventType::Resurrected);
    inner.announce_end(&run);
    Ok(enveloped(run.view(now)))
}

/// The parts of the actor that clients read.
pub(super) fn actor_view(run_actor: &str) -> Value {
    let id = actor_id(run_actor);
    let is_default = id == actor_id(DEFAULT_ACTOR);
    let (username, name) =
        DEFAULT_ACTOR.split_once('~').filter(|_| is_default).unwrap_or(("invented", "actor"));
    let at = "2026-01-01T00:00:00.000Z";
    serde_json::json!({
        "id": id, "userId": "inventedUser00001", "name": name, "username": username,
        "isPublic": true, "createdAt": at, "modifiedAt": at, "stats": {}, "versions": [],
        "defaultRunOptions": {"build": "latest", "timeoutSecs": 3_600, "memoryMbytes": 256},
    })
}

/// Deletes a run with its items.
pub(super) fn delete(inner: &Inner, run: &RunRef) -> Result<(), ApiError> {
    let state = &mut *inner.state();
    let id = state.run(run).map(|run: &Run| run.id.clone()).ok_or(NO_RUN)?;
    state.delete_run(&id);
    Ok(())
}
