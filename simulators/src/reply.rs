//! Requests and responses whose whole body is in memory.

use bytes::Bytes;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// One request with its body.
pub type Request = http::Request<Bytes>;
/// One response with its body.
pub type Response = http::Response<Bytes>;

/// A response with a JSON body.
pub fn json_reply(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("simulator replies are plain JSON values");
    let mut response = http::Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// An error in the format of Airtable, Apify and the control endpoints.
pub(crate) fn error_reply(status: StatusCode, kind: &str, message: &str) -> Response {
    json_reply(status, &json!({"error": {"type": kind, "message": message}}))
}

/// The token after `Bearer`. `None` without the header, empty for another scheme.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?;
    Some(header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default())
}

/// The pairs of the query string, decoded.
pub(crate) fn parameters(request: &Request) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub(crate) async fn pause(wait: Duration) {
    // A sleep of zero would still yield to other tasks.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}
