//! Key-value stores over the API: their keys and records.

use super::datasets::found;
use super::deliver::Inner;
use super::error::ApiError;
use super::query::Query;
use super::replies::{done, enveloped};
use super::route::{Holder, RunRef};
use super::storage::{Record, Storage, StorageKind};
use crate::{Request, Response};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

const NO_RECORD: ApiError = ApiError::RecordNotFound { what: "Record" };
const KEYS_PER_PAGE: usize = 1_000;
const JSON: &str = "application/json; charset=utf-8";
/// The key of a run's input.
const INPUT: &str = "INPUT";
/// The longest key, in characters.
const LONGEST_KEY: usize = 256;

/// A page of a store's keys.
pub(super) fn keys(
    inner: &Inner,
    request: &Request,
    holder: &Holder,
) -> Result<Response, ApiError> {
    let store = found(inner, StorageKind::KeyValueStore, holder)?;
    let query = Query::of(request);
    let limit = query.limit(KEYS_PER_PAGE)?;
    let start = query.get("exclusiveStartKey").filter(|key| !key.is_empty());
    let prefix = query.get("prefix").unwrap_or_default();
    let mut all = inner.state().keys(&store.id);
    if input(inner, &store).is_some() && !all.iter().any(|key| key == INPUT) {
        all.push(INPUT.to_owned());
        all.sort();
    }
    all.retain(|key| start.is_none_or(|start| key.as_str() > start) && key.starts_with(prefix));
    let is_truncated = all.len() > limit;
    all.truncate(limit);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let root = format!("http://{}/v2/key-value-stores", host.unwrap_or("localhost"));
    let item = |key: &String| {
        let size = read(inner, &store, key).map_or(0, |record| record.body.len());
        let url = format!("{root}/{}/records/{key}", store.id);
        json!({"key": key, "size": size, "recordPublicUrl": url})
    };
    let items: Vec<Value> = all.iter().map(item).collect();
    let next = all.last().filter(|_| is_truncated);
    Ok(enveloped(json!({
        "items": items, "count": items.len(), "limit": limit, "exclusiveStartKey": start,
        "isTruncated": is_truncated, "nextExclusiveStartKey": next,
    })))
}

/// Reads, writes or deletes a record.
pub(super) fn record(
    inner: &Inner,
    request: &Request,
    holder: &Holder,
    key: &str,
) -> Result<Response, ApiError> {
    let store = found(inner, StorageKind::KeyValueStore, holder).map_err(|_| NO_RECORD)?;
    match *request.method() {
        Method::PUT => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.'()".contains(&byte);
            if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(is_plain) {
                return Err(ApiError::InvalidInput(format!("{key:?} is not a key")));
            }
            let given = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let record = Record {
                content_type: given.unwrap_or("application/octet-stream").to_owned(),
                body: request.body().to_vec(),
            };
            inner.state().put_record(&store.id, key, record);
            Ok(done(StatusCode::CREATED))
        }
        Method::DELETE => {
            inner.state().delete_record(&store.id, key);
            Ok(done(StatusCode::NO_CONTENT))
        }
        _ => {
            let record = read(inner, &store, key).ok_or(NO_RECORD)?;
            let mut response = Response::new(record.body.into());
            if let Ok(kind) = HeaderValue::try_from(record.content_type) {
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            Ok(response)
        }
    }
}

fn read(inner: &Inner, store: &Storage, key: &str) -> Option<Record> {
    let written = inner.state().record(&store.id, key).cloned();
    written.or_else(|| {
        let body = input(inner, store).filter(|_| key == INPUT)?;
        Some(Record { content_type: JSON.to_owned(), body })
    })
}

/// The input of the run that owns the store.
fn input(inner: &Inner, store: &Storage) -> Option<Vec<u8>> {
    let run = RunRef::Id(store.maker.as_ref()?.run_id.clone());
    let state = inner.state();
    let input = &state.run(&run)?.input;
    (!input.is_null()).then(|| input.to_string().into_bytes())
}
