//! Query strings and JSON bodies, taken apart key by key.

use super::error::ApiError;
use crate::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// The body as a JSON object. It must say that it is JSON.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = kind.is_some_and(|kind| kind.to_lowercase().starts_with("application/json"));
    if !json {
        return Err(ApiError::invalid_body());
    }
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::invalid_request()),
        Err(_) => Err(ApiError::invalid_body()),
    }
}

/// Refuses an object with a key that is not among these.
pub(crate) fn only(object: &Map<String, Value>, keys: &[&str]) -> Result<(), ApiError> {
    match object.keys().all(|key| keys.contains(&key.as_str())) {
        true => Ok(()),
        false => Err(ApiError::invalid_request()),
    }
}

/// A flag in an object; off without it.
pub(crate) fn flag(object: &Map<String, Value>, key: &str) -> Result<bool, ApiError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(value) => value.as_bool().ok_or_else(ApiError::invalid_request),
    }
}

/// A text in an object, if it is there.
pub(crate) fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, ApiError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ApiError::invalid_request()),
    }
}

/// A list of texts in an object; empty without it.
pub(crate) fn texts(object: &Map<String, Value>, key: &str) -> Result<Vec<String>, ApiError> {
    let Some(value) = object.get(key) else { return Ok(Vec::new()) };
    let own = |item: &Value| item.as_str().map(str::to_owned);
    let items = value.as_array().ok_or_else(ApiError::invalid_request)?;
    items.iter().map(own).collect::<Option<_>>().ok_or_else(ApiError::invalid_request)
}
