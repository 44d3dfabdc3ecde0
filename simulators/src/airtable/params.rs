//! JSON bodies.

use super::error::ApiError;
use crate::Request;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The body as JSON of this shape. It must say that it is JSON.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.to_lowercase().starts_with("application/json")) {
        return Err(ApiError::InvalidBody);
    }
    let body: Value = serde_json::from_slice(request.body()).map_err(|_| ApiError::InvalidBody)?;
    // A list could be read as a struct, but is none.
    let object = Some(body).filter(Value::is_object).ok_or(ApiError::InvalidRequest)?;
    serde_json::from_value(object).map_err(|_| ApiError::InvalidRequest)
}
