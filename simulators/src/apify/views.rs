//! The answers of the API.

use super::deliver::Inner;
use super::dispatch::Dispatch;
use super::error::ApiError;
use super::items::{ItemsQuery, is_empty};
use super::query::{Query, invalid};
use super::route::{Holder, Route};
use super::run::{DEFAULT_ACTOR, Run, USER_ID, actor_id};
use super::status::RunStatus;
use crate::moments::{iso, until};
use crate::reply::bearer;
use crate::{Request, Response, json_reply};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const RUNS_PER_PAGE: usize = 1_000;
/// For how long after a run's end its dataset reports too few items. The items themselves are all
/// there: only `itemCount` and `X-Apify-Pagination-Total` lag.
const COUNT_LAG: Duration = Duration::from_secs(5);
/// The longest `waitForFinish`, in seconds.
const LONGEST_WAIT: usize = 60;
const NO_RUN: ApiError = ApiError::RecordNotFound { what: "Actor run" };
const NO_DATASET: ApiError = ApiError::RecordNotFound { what: "Dataset" };
const NO_RECORD: ApiError = ApiError::RecordNotFound { what: "Record" };

pub(super) fn answer(
    inner: &Inner,
    request: &Request,
    route: &Route,
) -> Result<Response, ApiError> {
    let query = Query::of(request);
    let owner = is_owner(request, &query, &inner.options.tokens)?;
    let public = matches!(route, Route::Run(_) | Route::MethodNotAllowed | Route::Unknown);
    if !owner && !public {
        return Err(ApiError::TokenNotProvided);
    }
    match route {
        Route::Run(id) => run(inner, &query, owner, id),
        Route::Runs { actor } => runs(inner, &query, actor.as_deref()),
        Route::Dataset(holder) => dataset(inner, holder),
        Route::Items(holder) => items(inner, &query, holder),
        Route::Record { store, key } => record(inner, store, key),
        Route::Dispatch(id) => {
            let found = inner.state().dispatches.get(id).map(Dispatch::view);
            found.map(enveloped).ok_or(ApiError::RecordNotFound { what: "Webhook dispatch" })
        }
        Route::MethodNotAllowed => Err(ApiError::MethodNotAllowed),
        Route::Unknown => Err(ApiError::PageNotFound),
    }
}

/// Whether the caller shows a token of the account, in the header or, discouraged, as `?token=`.
/// One that shows none is nobody; a wrong token is refused.
fn is_owner(request: &Request, query: &Query, tokens: &[String]) -> Result<bool, ApiError> {
    match bearer(request).or_else(|| query.get("token")) {
        None => Ok(false),
        Some("") => Err(ApiError::InvalidToken),
        Some(token) if tokens.iter().any(|known| known == token) => Ok(true),
        Some(_) => Err(ApiError::UserOrTokenNotFound),
    }
}

/// How long `waitForFinish` makes the caller wait. Runs do not move by themselves, so one that
/// is not over takes the whole time.
pub(super) fn asked_to_wait(inner: &Inner, request: &Request, route: &Route) -> Duration {
    let Route::Run(id) = route else { return Duration::ZERO };
    let open = inner.state().runs.get(id).is_some_and(|run| !run.status.is_terminal());
    match wait_for_finish(&Query::of(request)) {
        Ok(seconds) if open => Duration::from_secs(seconds as u64),
        Ok(_) | Err(_) => Duration::ZERO,
    }
}

fn wait_for_finish(query: &Query) -> Result<usize, ApiError> {
    match query.count("waitForFinish")? {
        Some(seconds) if seconds > LONGEST_WAIT => {
            Err(invalid("waitForFinish", &seconds.to_string(), "must be at most 60"))
        }
        given => Ok(given.unwrap_or(0)),
    }
}

fn enveloped(data: Value) -> Response {
    json_reply(StatusCode::OK, &BTreeMap::from([("data", data)]))
}

fn run(inner: &Inner, query: &Query, owner: bool, id: &str) -> Result<Response, ApiError> {
    wait_for_finish(query)?;
    let state = inner.state();
    let mut view = state.runs.get(id).ok_or(NO_RUN)?.view(inner.clock.now());
    if !owner && let Some(fields) = view.as_object_mut() {
        fields.remove("usageTotalUsd");
        fields.remove("usageUsd");
    }
    Ok(enveloped(view))
}

fn runs(inner: &Inner, query: &Query, actor: Option<&str>) -> Result<Response, ApiError> {
    let offset = query.count("offset")?.unwrap_or(0);
    let limit = query.count("limit")?.unwrap_or(RUNS_PER_PAGE).min(RUNS_PER_PAGE);
    let desc = query.switch("desc")?;
    let statuses = statuses(query)?;
    let state = inner.state();
    let actor = actor.map(actor_id);
    if let Some(actor) = &actor
        && *actor != actor_id(DEFAULT_ACTOR)
        && !state.runs.values().any(|run| run.actor_id == *actor)
    {
        return Err(ApiError::RecordNotFound { what: "Actor" });
    }
    let mut found: Vec<&Run> = state
        .runs
        .values()
        .filter(|run| actor.as_ref().is_none_or(|actor| run.actor_id == *actor))
        .filter(|run| statuses.as_ref().is_none_or(|wanted| wanted.contains(&run.status)))
        .collect();
    found.sort_by_key(|run| (run.started_at, run.number));
    if desc {
        found.reverse();
    }
    let now = inner.clock.now();
    let page: Vec<Value> =
        found.iter().skip(offset).take(limit).map(|run| run.short_view(now)).collect();
    Ok(enveloped(json!({
        "total": found.len(), "offset": offset, "limit": limit,
        "count": page.len(), "desc": desc, "items": page,
    })))
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

/// How many of `count` items are reported: all of them only once the lag is over.
fn reported(inner: &Inner, run: &Run, count: usize) -> usize {
    let end = run.finished_at.unwrap_or(run.started_at);
    let since = until(end, inner.clock.now());
    if since >= COUNT_LAG {
        return count;
    }
    let share = since.as_secs_f64() / COUNT_LAG.as_secs_f64();
    (count as f64 * share) as usize
}

fn dataset(inner: &Inner, holder: &Holder) -> Result<Response, ApiError> {
    let state = inner.state();
    let run = state.run_of(holder, |run| &run.dataset_id).ok_or(NO_DATASET)?;
    let items = state.items(run);
    let clean = items.iter().filter(|item| !is_empty(item)).count();
    let modified = iso(run.finished_at.unwrap_or(run.started_at));
    Ok(enveloped(json!({
        "id": run.dataset_id,
        "userId": USER_ID,
        "createdAt": iso(run.started_at),
        "modifiedAt": modified,
        "accessedAt": modified,
        "itemCount": reported(inner, run, items.len()),
        "cleanItemCount": reported(inner, run, clean),
        "actId": run.actor_id,
        "actRunId": run.id,
        "generalAccess": "FOLLOW_USER_SETTING",
        "stats": {"readCount": 0, "writeCount": items.len(), "storageBytes": 0},
    })))
}

fn items(inner: &Inner, query: &Query, holder: &Holder) -> Result<Response, ApiError> {
    let mut wanted = ItemsQuery::read(query)?;
    let (items, total) = {
        let state = inner.state();
        let run = state.run_of(holder, |run| &run.dataset_id).ok_or(NO_DATASET)?;
        if run.ignores_offset {
            wanted.offset = 0;
        }
        let items = state.items(run);
        let total = reported(inner, run, items.len());
        (items, total)
    };
    Ok(wanted.answer(&items, total))
}

fn record(inner: &Inner, store: &Holder, key: &str) -> Result<Response, ApiError> {
    let state = inner.state();
    let run = state.run_of(store, |run| &run.store_id).ok_or(NO_RECORD)?;
    if key != "INPUT" || run.input.is_null() {
        return Err(NO_RECORD);
    }
    Ok(json_reply(StatusCode::OK, &run.input))
}
