//! Webhooks and their dispatches over the API.

use super::deliver::Inner;
use super::dispatch::Dispatch;
use super::error::ApiError;
use super::hook::{Condition, Hook};
use super::query::Query;
use super::replies::{created, done, enveloped, page};
use super::run::USER_ID;
use super::webhook::{EventType, Webhook};
use crate::{Request, Response, invent};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const NO_WEBHOOK: ApiError = ApiError::RecordNotFound { what: "Webhook" };
/// Most webhooks of an account.
const MOST: usize = 100;

/// What a caller sets for a webhook, besides its URL and payload.
struct Given {
    condition: Option<Condition>,
    description: Option<String>,
    /// The other properties that are not null.
    webhook: Map<String, Value>,
}

impl Given {
    fn read(request: &Request) -> Result<Self, ApiError> {
        let mut body: Map<String, Value> =
            serde_json::from_slice(request.body()).map_err(invalid)?;
        body.retain(|_, value| !value.is_null());
        let condition = body.remove("condition").map(serde_json::from_value).transpose();
        let description = body.remove("description").map(serde_json::from_value).transpose();
        for without_effect in ["isAdHoc", "isEnabled", "title"] {
            body.remove(without_effect);
        }
        Ok(Self {
            condition: condition.map_err(invalid)?,
            description: description.map_err(invalid)?,
            webhook: body,
        })
    }
}

fn invalid(error: serde_json::Error) -> ApiError {
    ApiError::InvalidInput(error.to_string())
}

fn webhook(keys: Map<String, Value>) -> Result<Webhook, ApiError> {
    serde_json::from_value(keys.into()).map_err(invalid)
}

/// Lists the persistent webhooks. With POST, creates one, or returns the existing one with the same
/// idempotency key.
pub(super) fn webhooks(inner: &Inner, request: &Request) -> Result<Response, ApiError> {
    if request.method() == Method::GET {
        let mut all: Vec<Hook> = inner.state().hooks.values().cloned().collect();
        all.sort_by_key(|hook| hook.number);
        return page(&Query::of(request), all.iter().map(|hook| view(inner, hook)).collect());
    }
    let given = Given::read(request)?;
    let condition = given.condition.ok_or(ApiError::InvalidInput("condition is missing".into()))?;
    if !given.webhook.contains_key("eventTypes") {
        return Err(ApiError::InvalidInput("eventTypes is missing".into()));
    }
    let webhook = webhook(given.webhook)?;
    let key = webhook.idempotency_key().map(str::to_owned);
    let same = |hook: &&Hook| key.is_some() && hook.webhook.idempotency_key() == key.as_deref();
    let known = inner.state().hooks.values().find(same).cloned();
    if let Some(known) = known {
        return Ok(created(view(inner, &known)));
    }
    let now = inner.clock.now();
    let hook = {
        let state = &mut *inner.state();
        if state.hooks.len() >= MOST {
            return Err(ApiError::InvalidInput(format!("there are {MOST} webhooks already")));
        }
        let number = state.next_number();
        let seed = inner.options.seed.to_string();
        let id = invent::id(&["webhook", &seed, &number.to_string()], 17);
        let description = given.description;
        let (created_at, modified_at) = (now, now);
        let hook = Hook { number, id, created_at, modified_at, description, condition, webhook };
        state.put_hook(hook.clone());
        hook
    };
    Ok(created(view(inner, &hook)))
}

/// Shows, changes or deletes a webhook.
pub(super) fn one(inner: &Inner, request: &Request, id: &str) -> Result<Response, ApiError> {
    let mut hook = inner.state().hooks.get(id).cloned().ok_or(NO_WEBHOOK)?;
    match *request.method() {
        Method::DELETE => {
            inner.state().delete_hook(id);
            return Ok(done(StatusCode::NO_CONTENT));
        }
        Method::PUT => {
            let given = Given::read(request)?;
            let Value::Object(mut keys) = json!(hook.webhook) else { return Err(NO_WEBHOOK) };
            keys.extend(given.webhook);
            hook.webhook = webhook(keys)?;
            hook.condition = given.condition.unwrap_or(hook.condition);
            hook.description = given.description.or(hook.description);
            hook.modified_at = inner.clock.now();
            inner.state().put_hook(hook.clone());
        }
        _ => {}
    }
    Ok(enveloped(view(inner, &hook)))
}

/// Sends a test to a webhook.
pub(super) fn test(inner: &Arc<Inner>, id: &str) -> Result<Response, ApiError> {
    let hook = inner.state().hooks.get(id).cloned().ok_or(NO_WEBHOOK)?;
    let dispatch = inner.send(EventType::Test, None, &hook.webhook, Some(&hook));
    let view = inner.state().dispatches.get(&dispatch).map(Dispatch::view);
    Ok(created(view.unwrap_or_default()))
}

/// Lists the dispatches of one webhook or of all.
pub(super) fn dispatches(
    inner: &Inner,
    request: &Request,
    webhook: Option<&str>,
) -> Result<Response, ApiError> {
    let all = inner.state().dispatches();
    if webhook.is_some_and(|id| !inner.state().hooks.contains_key(id)) {
        return Err(NO_WEBHOOK);
    }
    let is_asked = |dispatch: &&Dispatch| webhook.is_none_or(|id| dispatch.webhook_id() == id);
    let views = all.iter().filter(is_asked).map(Dispatch::view).collect();
    page(&Query::of(request), views)
}

fn view(inner: &Inner, hook: &Hook) -> Value {
    let state = inner.state();
    let sent = state.dispatches.values().filter(|dispatch| dispatch.webhook_id() == hook.id);
    hook.view(USER_ID, sent.count())
}
