//! Datasets over the API.

use super::deliver::Inner;
use super::error::ApiError;
use super::items::{ItemsQuery, is_empty};
use super::query::Query;
use super::replies::{created, done, enveloped, page};
use super::route::Holder;
use super::run::{USER_ID, USERNAME};
use super::storage::{Storage, StorageKind};
use crate::moments::{iso, until};
use crate::{Request, Response, invent};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;

const NO_DATASET: ApiError = ApiError::RecordNotFound { what: "Dataset" };
const NO_STORE: ApiError = ApiError::RecordNotFound { what: "Key-value Store" };
/// How long after a change a dataset reports too few items. The items themselves are complete; only
/// `itemCount` and `X-Apify-Pagination-Total` lag behind.
const COUNT_LAG: Duration = Duration::from_secs(5);

/// The changeable properties of a storage.
#[derive(Deserialize)]
struct Change {
    name: Option<String>,
}

/// The requested storage.
pub(super) fn found(
    inner: &Inner,
    kind: StorageKind,
    holder: &Holder,
) -> Result<Storage, ApiError> {
    let missing = match kind {
        StorageKind::Dataset => NO_DATASET,
        StorageKind::KeyValueStore => NO_STORE,
    };
    inner.state().storage(kind, holder).ok_or(missing)
}

/// Lists the storages of a kind. With POST, creates one, or returns the existing one with the name.
pub(super) fn storages(
    inner: &Inner,
    request: &Request,
    kind: StorageKind,
) -> Result<Response, ApiError> {
    let query = Query::of(request);
    let view = |storage: &Storage| storage_view(inner, storage);
    if request.method() == Method::GET {
        let all = inner.state().storages(kind, query.switch("unnamed")?);
        return page(&query, all.iter().map(view).collect());
    }
    let name = query.get("name").filter(|name| !name.is_empty()).map(str::to_owned);
    let same = |storage: &Storage| name.is_some() && storage.name == name;
    let known = inner.state().storages(kind, false).into_iter().find(same);
    if let Some(known) = known {
        return Ok(created(view(&known)));
    }
    let now = inner.clock.now();
    let storage = {
        let state = &mut *inner.state();
        let number = state.next_number().to_string();
        let id = invent::id(&["storage", &inner.options.seed.to_string(), &number], 17);
        let storage = Storage { kind, id, name, created_at: now, modified_at: now, maker: None };
        state.put_storage(storage.clone());
        storage
    };
    Ok(created(view(&storage)))
}

/// Shows, renames or deletes a storage.
pub(super) fn storage(
    inner: &Inner,
    request: &Request,
    kind: StorageKind,
    holder: &Holder,
) -> Result<Response, ApiError> {
    let mut storage = found(inner, kind, holder)?;
    match *request.method() {
        Method::DELETE => {
            inner.state().delete_storage(&storage);
            return Ok(done(StatusCode::NO_CONTENT));
        }
        Method::PUT => {
            let change: Change = serde_json::from_slice(request.body())
                .map_err(|error| ApiError::InvalidInput(error.to_string()))?;
            storage.name = change.name.or(storage.name);
            storage.modified_at = inner.clock.now();
            if storage.maker.is_none() {
                inner.state().put_storage(storage.clone());
            }
        }
        _ => {}
    }
    Ok(enveloped(storage_view(inner, &storage)))
}

fn storage_view(inner: &Inner, storage: &Storage) -> Value {
    let modified = iso(storage.modified_at);
    let mut view = json!({
        "id": storage.id,
        "userId": USER_ID,
        "username": USERNAME,
        "createdAt": iso(storage.created_at),
        "modifiedAt": modified,
        "accessedAt": modified,
        "generalAccess": "FOLLOW_USER_SETTING",
    });
    if let Some(name) = &storage.name {
        view["name"] = json!(name);
    }
    if let Some(maker) = &storage.maker {
        view["actId"] = json!(maker.actor_id);
        view["actRunId"] = json!(maker.run_id);
    }
    let path = match storage.kind {
        StorageKind::Dataset => "datasets",
        StorageKind::KeyValueStore => "key-value-stores",
    };
    view["consoleUrl"] = json!(format!("https://console.apify.com/storage/{path}/{}", storage.id));
    if storage.kind == StorageKind::Dataset {
        let items = inner.state().items_of(&storage.id);
        let clean = items.iter().filter(|item| !is_empty(item)).count();
        view["itemCount"] = json!(reported(inner, storage, items.len()));
        view["cleanItemCount"] = json!(reported(inner, storage, clean));
        view["stats"] = json!({"readCount": 0, "writeCount": items.len(), "storageBytes": 0});
    }
    view
}

/// How many of `count` items are reported. The dataset of a run reports all of them only after the
/// lag.
fn reported(inner: &Inner, storage: &Storage, count: usize) -> usize {
    let since = until(storage.modified_at, inner.clock.now());
    if since >= COUNT_LAG || storage.maker.is_none() {
        return count;
    }
    let share = since.as_secs_f64() / COUNT_LAG.as_secs_f64();
    (count as f64 * share) as usize
}

/// Returns a page of the items. With POST, adds items.
pub(super) fn items(
    inner: &Inner,
    request: &Request,
    holder: &Holder,
) -> Result<Response, ApiError> {
    let storage = found(inner, StorageKind::Dataset, holder)?;
    if request.method() == Method::POST {
        return push(inner, request, storage);
    }
    let mut wanted = ItemsQuery::read(&Query::of(request))?;
    if storage.maker.as_ref().is_some_and(|maker| maker.ignores_offset) {
        wanted.offset = 0;
    }
    let items = inner.state().items_of(&storage.id);
    Ok(wanted.answer(&items, reported(inner, &storage, items.len())))
}

/// Adds one or more items to a dataset.
fn push(inner: &Inner, request: &Request, mut storage: Storage) -> Result<Response, ApiError> {
    let invalid = |error: serde_json::Error| ApiError::InvalidInput(error.to_string());
    let body: Box<RawValue> = serde_json::from_slice(request.body()).map_err(invalid)?;
    let more: Vec<Box<RawValue>> = match body.get().starts_with('[') {
        true => serde_json::from_str(body.get()).map_err(invalid)?,
        false => vec![body],
    };
    if more.iter().any(|item| !item.get().starts_with('{')) {
        return Err(ApiError::InvalidInput("every item must be an object".to_owned()));
    }
    let state = &mut *inner.state();
    let mut items = state.items_of(&storage.id).to_vec();
    items.extend(more);
    state.put_items(&storage.id, items);
    if storage.maker.is_none() {
        storage.modified_at = inner.clock.now();
        state.put_storage(storage);
    }
    Ok(done(StatusCode::CREATED))
}
