//! The shapes of the API's answers.

use super::error::ApiError;
use super::query::Query;
use crate::{Response, json_reply};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most entries of a list in one answer.
const PER_PAGE: usize = 1_000;

pub(super) const NO_RUN: ApiError = ApiError::RecordNotFound { what: "Actor run" };

pub(super) fn enveloped(data: Value) -> Response {
    json_reply(StatusCode::OK, &BTreeMap::from([("data", data)]))
}

pub(super) fn created(data: Value) -> Response {
    json_reply(StatusCode::CREATED, &BTreeMap::from([("data", data)]))
}

/// An answer without a body, or with an empty object for something that was created.
pub(super) fn done(status: StatusCode) -> Response {
    let mut response = json_reply(status, &json!({}));
    if status == StatusCode::NO_CONTENT {
        *response.body_mut() = Bytes::new();
    }
    response
}

/// The requested part of a list, in the order of the list or, with `desc`, from its end.
pub(super) fn page(query: &Query, mut all: Vec<Value>) -> Result<Response, ApiError> {
    let offset = query.count("offset")?.unwrap_or(0);
    let limit = query.limit(PER_PAGE)?;
    let desc = query.switch("desc")?;
    if desc {
        all.reverse();
    }
    let total = all.len();
    let items: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Ok(enveloped(json!({
        "total": total, "offset": offset, "limit": limit, "count": items.len(), "desc": desc,
        "items": items,
    })))
}
