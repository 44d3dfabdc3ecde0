//! Requests and responses with their whole body in memory.

use bytes::Bytes;
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

/// One request with its body.
pub type Request = http::Request<Bytes>;
/// One response with its body.
pub type Response = http::Response<Bytes>;

/// A response with a JSON body.
///
/// # Panics
/// If `body` cannot be written as JSON, which no value in this crate can cause.
#[must_use]
pub fn json_reply(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("simulator replies are plain JSON values");
    let mut response = http::Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
