//! Errors for programs: JSON of one shape, wherever they come from.

use super::connections::Reply;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use lambda_http::http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use lambda_http::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether the answer is for a person: `headers` come from a browser, or accept HTML.
pub(super) fn is_for_people(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    headers.contains_key(FETCH_MODE) || accepts.is_some_and(|accept| accept.contains("text/html"))
}

/// Adds the header that belongs to a status.
pub(super) fn with_allowed_methods(mut reply: Reply) -> Reply {
    if reply.status() == StatusCode::METHOD_NOT_ALLOWED {
        reply.headers_mut().entry(ALLOW).or_insert(HeaderValue::from_static("GET, HEAD"));
    }
    reply
}

/// An error as `{"error":{"type","message"}}`; any other answer unchanged.
pub(super) async fn in_json(reply: Reply) -> Reply {
    let status = reply.status();
    if !status.is_client_error() && !status.is_server_error() {
        return reply;
    }
    let (mut head, body) = reply.into_parts();
    let Ok(body) = body.collect().await;
    let name = status.canonical_reason().unwrap_or("Error");
    let is_plain = head
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let text = body.to_bytes();
    let message = if is_plain { String::from_utf8_lossy(&text) } else { name.into() };
    let error =
        json!({"error": {"type": name.to_uppercase().replace(' ', "_"), "message": message}});
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Full::new(Bytes::from(error.to_string())).boxed_unsync())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: StatusCode, kind: &'static str, body: &'static str) -> Reply {
        let mut reply = Reply::new(Full::new(Bytes::from(body)).boxed_unsync());
        *reply.status_mut() = status;
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        reply
    }

    async fn told(reply: Reply) -> String {
        let Ok(body) = reply.into_body().collect().await;
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn an_error_is_json_for_programs_and_an_answer_stays() {
        let refused = reply(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", "Not from here.");
        assert_eq!(
            told(in_json(refused).await).await,
            r#"{"error":{"message":"Not from here.","type":"FORBIDDEN"}}"#
        );
        let gone = reply(StatusCode::NOT_FOUND, "text/html; charset=utf-8", "<h1>Not found</h1>");
        assert_eq!(
            told(in_json(gone).await).await,
            r#"{"error":{"message":"Not Found","type":"NOT_FOUND"}}"#
        );
        let page = reply(StatusCode::OK, "text/html; charset=utf-8", "<h1>Runs</h1>");
        assert_eq!(told(in_json(page).await).await, "<h1>Runs</h1>");
    }

    #[test]
    fn a_browser_gets_pages_and_a_program_gets_none() {
        let headers = |name: HeaderName, value| {
            HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
        };
        assert!(is_for_people(&headers(ACCEPT, "text/html,application/xhtml+xml")));
        assert!(is_for_people(&headers(FETCH_MODE, "cors")));
        assert!(!is_for_people(&headers(ACCEPT, "*/*")));
        assert!(!is_for_people(&HeaderMap::new()));
    }

    #[test]
    fn a_method_that_is_not_allowed_comes_with_those_that_are() {
        let refused = reply(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "no");
        assert_eq!(with_allowed_methods(refused).headers()[ALLOW], "GET, HEAD");
    }
}
