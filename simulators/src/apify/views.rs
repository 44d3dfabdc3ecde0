//! Maps requests to their answers.

use super::deliver::Inner;
use super::dispatch::Dispatch;
use super::error::ApiError;
use super::query::{Query, invalid};
use super::replies::{NO_RUN, done, enveloped, page};
use super::route::{Route, RunRef};
use super::run::{Run, USER_ID, USERNAME, actor_id};
use super::status::RunStatus;
use super::storage::StorageKind;
use super::{datasets, hooks, lifecycle, records};
use crate::moments::iso;
use crate::reply::bearer;
use crate::{Request, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The longest `waitForFinish`, in seconds.
const LONGEST_WAIT: usize = 60;

pub(super) fn answer(
    inner: &Arc<Inner>,
    request: &Request,
    route: &Route,
) -> Result<Response, ApiError> {
    let query = Query::of(request);
    let owner = is_owner(request, &query, &inner.options.tokens)?;
    let is_reading = request.method() == Method::GET;
    let public = matches!(route, Route::Run(_)) && is_reading;
    if !owner && !public && !matches!(route, Route::MethodNotAllowed(_) | Route::Unknown) {
        return Err(ApiError::TokenNotProvided);
    }
    match route {
        Route::Me => Ok(enveloped(json!({"id": USER_ID, "username": USERNAME}))),
        Route::Actor(actor) if inner.knows_actor(&actor_id(actor)) => {
            Ok(enveloped(lifecycle::actor_view(actor)))
        }
        Route::Actor(_) => Err(ApiError::RecordNotFound { what: "Actor" }),
        Route::Runs { actor: Some(actor) } if !is_reading => {
            lifecycle::start(inner, request, actor)
        }
        Route::Runs { actor } => runs(inner, &query, actor.as_deref()),
        Route::Run(run) if is_reading => show_run(inner, &query, owner, run),
        Route::Run(run) => lifecycle::delete(inner, run).map(|()| done(StatusCode::NO_CONTENT)),
        Route::Abort(run) => lifecycle::abort(inner, run),
        Route::Resurrect(run) => lifecycle::resurrect(inner, run),
        Route::Log(run) => log(inner, run),
        Route::Datasets => datasets::storages(inner, request, StorageKind::Dataset),
        Route::Dataset(holder) => datasets::storage(inner, request, StorageKind::Dataset, holder),
        Route::Items(holder) => datasets::items(inner, request, holder),
        Route::Stores => datasets::storages(inner, request, StorageKind::KeyValueStore),
        Route::Store(holder) => {
            datasets::storage(inner, request, StorageKind::KeyValueStore, holder)
        }
        Route::Keys(holder) => records::keys(inner, request, holder),
        Route::Record { store, key } => records::record(inner, request, store, key),
        Route::Webhooks => hooks::webhooks(inner, request),
        Route::Webhook(id) => hooks::one(inner, request, id),
        Route::TestWebhook(id) => hooks::test(inner, id),
        Route::Dispatches { webhook } => hooks::dispatches(inner, request, webhook.as_deref()),
        Route::Dispatch(id) => {
            let found = inner.state().dispatches.get(id).map(Dispatch::view);
            found.map(enveloped).ok_or(ApiError::RecordNotFound { what: "Webhook dispatch" })
        }
        Route::MethodNotAllowed(methods) => Err(ApiError::MethodNotAllowed(methods.join(", "))),
        Route::Unknown => Err(ApiError::PageNotFound),
    }
}

/// Whether the caller has a token of the account, in the header or, discouraged, as `?token=`. A
/// caller without a token is anonymous; a wrong token is refused.
fn is_owner(request: &Request, query: &Query, tokens: &[String]) -> Result<bool, ApiError> {
    match bearer(request).or_else(|| query.get("token")) {
        None => Ok(false),
        Some("") => Err(ApiError::InvalidToken),
        Some(token) if tokens.iter().any(|known| known == token) => Ok(true),
        Some(_) => Err(ApiError::UserOrTokenNotFound),
    }
}

/// How long `waitForFinish` makes the caller wait. Runs do not change on their own, so a run that
/// is not over takes the whole time.
pub(super) fn asked_to_wait(inner: &Inner, request: &Request, route: &Route) -> Duration {
    let Route::Run(run) = route else { return Duration::ZERO };
    let open = inner.state().run(run).is_some_and(|run| !run.status.is_terminal());
    match wait_for_finish(&Query::of(request)) {
        Ok(seconds) if open => Duration::from_secs(seconds as u64),
        Ok(_) | Err(_) => Duration::ZERO,
    }
}

/// How many seconds to wait. Apify's clients request 999,999 and get the longest wait.
fn wait_for_finish(query: &Query) -> Result<usize, ApiError> {
    Ok(query.count("waitForFinish")?.unwrap_or(0).min(LONGEST_WAIT))
}

/// The log of an actor that does nothing.
fn log(inner: &Inner, run: &RunRef) -> Result<Response, ApiError> {
    let state = inner.state();
    let run = state.run(run).ok_or(NO_RUN)?;
    let text = format!("{} ACTOR: This run is invented.\n", iso(run.started_at));
    let mut response = Response::new(Bytes::from(text));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

fn show_run(inner: &Inner, query: &Query, owner: bool, run: &RunRef) -> Result<Response, ApiError> {
    wait_for_finish(query)?;
    let state = inner.state();
    let mut view = state.run(run).ok_or(NO_RUN)?.view(inner.clock.now());
    if !owner && let Some(fields) = view.as_object_mut() {
        fields.remove("usageTotalUsd");
        fields.remove("usageUsd");
    }
    Ok(enveloped(view))
}

fn runs(inner: &Inner, query: &Query, actor: Option<&str>) -> Result<Response, ApiError> {
    let statuses = statuses(query)?;
    let (after, before) = (query.moment("startedAfter")?, query.moment("startedBefore")?);
    let actor = actor.map(actor_id);
    if actor.as_ref().is_some_and(|actor| !inner.knows_actor(actor)) {
        return Err(ApiError::RecordNotFound { what: "Actor" });
    }
    let state = inner.state();
    let mut found: Vec<&Run> = state
        .runs
        .values()
        .filter(|run| actor.as_ref().is_none_or(|actor| run.actor_id == *actor))
        .filter(|run| statuses.as_ref().is_none_or(|wanted| wanted.contains(&run.status)))
        .filter(|run| after.is_none_or(|after| run.started_at >= after))
        .filter(|run| before.is_none_or(|before| run.started_at <= before))
        .collect();
    found.sort_by_key(|run| (run.started_at, run.number));
    let now = inner.clock.now();
    page(query, found.into_iter().map(|run| run.short_view(now)).collect())
}

fn statuses(query: &Query) -> Result<Option<Vec<RunStatus>>, ApiError> {
    let Some(names) = query.list("status") else { return Ok(None) };
    names
        .into_iter()
        .map(|name| {
            serde_json::from_value(Value::from(name.as_str()))
                .map_err(|_| invalid("status", &name, "must be the status of a run"))
        })
        .collect::<Result<_, _>>()
        .map(Some)
}
