//! `Transport` on reqwest.

use crate::ports::{HttpRequest, HttpResponse, Transport, TransportError};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Largest body that is read. If a page of a dataset is larger, a smaller page is requested.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The name that services see in their logs.
const USER_AGENT: &str = concat!("runtally/", env!("CARGO_PKG_VERSION"));

/// How many redirects of one request are followed. Apify answers a read of a stored record with one
/// redirect, to the storage behind it.
const MAX_REDIRECTS: usize = 3;

/// Time to open a connection. A failed connection is the only failure that is always safe to
/// repeat. It needs its own timeout, because a timeout of the whole request does not show whether
/// anything was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends requests over the network, with one pool of connections.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    pub(super) client: reqwest::Client,
}

/// The HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made")]
pub struct HttpSetupError(#[from] reqwest::Error);

impl HttpTransport {
    /// Creates the client. It trusts Mozilla's root certificates, which are compiled in: reading
    /// the machine's certificates takes several times as long as the rest of a cold start.
    ///
    /// # Errors
    /// [`HttpSetupError`] if the system refuses what a client needs.
    pub fn new() -> Result<Self, HttpSetupError> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of every TLS version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client })
    }

    /// Sends `request`. After a GET, it follows `302 Found`. Other redirects are returned as they
    /// are: no documented call has one, and following one would repeat a write.
    async fn send_and_follow(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let follows = request.method() == Method::GET;
        let (mut uri, mut headers) = (request.uri().clone(), request.headers().clone());
        let mut response = self.send_once(request).await?;
        for _ in 0..MAX_REDIRECTS {
            let next = follows.then(|| redirect(&uri, &response)).flatten();
            let Some(next) = next else { break };
            if origin(&next) != origin(&uri) {
                headers = without_secrets(&headers);
            }
            uri = next;
            let mut request = http::Request::new(Bytes::new());
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            // The first request got an answer, so something of this chain was sent.
            response = self.send_once(request).await.map_err(|error| match error {
                TransportError::NotSent { host, reason }
                | TransportError::AnswerLost { host, reason } => {
                    TransportError::AnswerLost { host, reason }
                }
                too_large @ TransportError::TooLarge { .. } => too_large,
            })?;
        }
        Ok(response)
    }

    async fn send_once(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let host = host(request.uri());
        let lost = |reason| TransportError::AnswerLost { host: host.clone(), reason };
        let sent = match reqwest::Request::try_from(request) {
            Ok(request) => self.client.execute(request).await,
            Err(error) => Err(error),
        };
        let mut answer = sent.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                TransportError::NotSent { host: host.clone(), reason: describe(&error) }
            } else {
                lost(describe(&error))
            }
        })?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| lost(describe(&error)))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(TransportError::TooLarge { host: host.clone(), most: MAX_BODY_BYTES });
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl Transport for HttpTransport {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let host = host(request.uri());
        let answer = tokio::time::timeout(timeout, self.send_and_follow(request)).await;
        answer.unwrap_or_else(|_elapsed| {
            let reason = format!("no complete answer within {} ms", timeout.as_millis());
            Err(TransportError::AnswerLost { host, reason })
        })
    }
}

/// The target of a `302` for the resource at `from`; `None` if it leads away from HTTPS.
fn redirect(from: &Uri, response: &HttpResponse) -> Option<Uri> {
    if response.status() != StatusCode::FOUND {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let next = url::Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    (next.scheme() == "https" || from.scheme_str() == Some("http"))
        .then(|| next.as_str().parse().ok())
        .flatten()
}

fn origin(uri: &Uri) -> (Option<&str>, Option<&str>, Option<u16>) {
    (uri.scheme_str(), uri.host(), uri.port_u16())
}

/// The headers that another origin may see. This is a list of allowed headers, because some
/// services send keys in their own headers, which a client cannot recognise as secret.
fn without_secrets(headers: &HeaderMap) -> HeaderMap {
    headers.get(ACCEPT).map(|value| (ACCEPT, value.clone())).into_iter().collect()
}

/// Host and port, without user, path and query, which may contain secrets.
fn host(uri: &Uri) -> String {
    match (uri.host(), uri.port_u16()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "(no host)".to_owned(),
    }
}

/// Why the request failed: its chain of causes. The client's own error is left out, because it
/// shows the URL.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() { "the request failed".to_owned() } else { causes.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::super::loopback::{Loopback, Reply};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn get(url: &str) -> Result<HttpResponse, TransportError> {
        let request = http::Request::get(url)
            .header("authorization", "Bearer secret")
            .header("x-goog-api-key", "secret")
            .header("accept", "application/json")
            .body(Bytes::new())
            .unwrap();
        HttpTransport::new().unwrap().send(request, SECOND).await
    }

    fn found(location: &str) -> Reply {
        Reply::Http(302, format!("location: {location}\r\n"), String::new())
    }

    #[tokio::test]
    async fn an_answer_of_any_status_is_a_response() {
        let server = Loopback::serving(vec![Reply::Http(
            422,
            "x-kind: odd\r\n".to_owned(),
            "not that".to_owned(),
        )])
        .await;
        let response = get(&format!("{}/v0?q=1", server.origin)).await.unwrap();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["x-kind"], "odd");
        assert_eq!(response.body(), "not that");
        assert!(server.requests()[0].starts_with("get /v0?q=1 http/1.1\r\n"));
        assert!(server.requests()[0].contains("\r\nx-goog-api-key: secret\r\n"));
        let agent = format!("\r\nuser-agent: runtally/{}\r\n", env!("CARGO_PKG_VERSION"));
        assert!(server.requests()[0].contains(&agent), "{}", server.requests()[0]);
    }

    #[tokio::test]
    async fn a_compressed_answer_is_asked_for_and_read() {
        // `{"name":"zipped"}`, compressed with gzip.
        let zipped = &[
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 75, 204, 77, 85, 178, 82, 170, 202, 44,
            40, 72, 77, 81, 170, 5, 0, 245, 47, 183, 217, 17, 0, 0, 0,
        ];
        let server = Loopback::serving(vec![Reply::Gzip(zipped)]).await;
        let response = get(&server.origin).await.unwrap();
        assert_eq!(response.body(), r#"{"name":"zipped"}"#);
        let request = &server.requests()[0];
        assert!(request.contains("\r\naccept-encoding: gzip\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_connection_refused_means_that_nothing_was_sent() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = free.local_addr().unwrap().to_string();
        drop(free);
        let error = get(&format!("http://user:pw@{host}/path?key=secret")).await.unwrap_err();
        let TransportError::NotSent { host: shown, reason } = &error else {
            panic!("{error}");
        };
        assert_eq!(*shown, host);
        assert!(reason.contains("refused"), "{reason}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!error.to_string().contains("path"), "{error}");
    }

    #[tokio::test]
    async fn a_connection_that_closes_without_an_answer_may_have_taken_effect() {
        let server = Loopback::serving(vec![Reply::HangUp]).await;
        let error = get(&format!("{}/path?key=secret", server.origin)).await.unwrap_err();
        assert!(matches!(error, TransportError::AnswerLost { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(server.requests().len(), 1, "the client does not repeat by itself");
    }

    #[tokio::test]
    async fn the_timeout_covers_the_body() {
        let server = Loopback::serving(vec![Reply::StallInBody]).await;
        let error = get(&server.origin).await.unwrap_err();
        assert_eq!(
            error,
            TransportError::AnswerLost {
                host: server.origin["http://".len()..].to_owned(),
                reason: "no complete answer within 1000 ms".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn a_redirect_to_another_origin_carries_no_secret() {
        let storage = Loopback::serving(vec![Reply::json("{}")]).await;
        let apify = Loopback::serving(vec![found(&format!("{}/r", storage.origin))]).await;
        let response = get(&apify.origin).await.unwrap();
        assert_eq!(response.body(), "{}");
        let request = &storage.requests()[0];
        assert!(request.contains("\r\naccept: application/json\r\n"), "{request}");
        assert!(!request.contains("secret"), "{request}");
    }

    #[tokio::test]
    async fn a_redirect_within_the_origin_keeps_the_headers() {
        let server = Loopback::serving(vec![found("/r?a=1"), Reply::json("{}")]).await;
        get(&format!("{}/there/it/is", server.origin)).await.unwrap();
        let request = &server.requests()[1];
        assert!(request.starts_with("get /r?a=1 "), "{request}");
        assert!(request.contains("\r\nauthorization: bearer secret\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_redirect_that_leads_nowhere_is_a_lost_answer_for_something_was_sent() {
        let server = Loopback::serving(vec![found("http://127.0.0.1:1/r")]).await;
        let error = get(&server.origin).await.unwrap_err();
        let TransportError::AnswerLost { host, .. } = error else { panic!("{error}") };
        assert_eq!(host, "127.0.0.1:1");
    }

    #[tokio::test]
    async fn the_fourth_redirect_is_the_answer() {
        let server = Loopback::serving(vec![found("/again")]).await;
        assert_eq!(get(&server.origin).await.unwrap().status(), 302);
        assert_eq!(server.requests().len(), 4);
    }

    #[tokio::test]
    async fn a_redirected_write_is_not_repeated() {
        let server = Loopback::serving(vec![found("/again")]).await;
        let request = http::Request::post(&server.origin).body(Bytes::from("{}")).unwrap();
        let response = HttpTransport::new().unwrap().send(request, SECOND).await.unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!(server.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_body_over_the_cap_is_not_taken() {
        let body = "x".repeat(MAX_BODY_BYTES + 1);
        let server = Loopback::serving(vec![Reply::Http(200, String::new(), body)]).await;
        let request = http::Request::get(&server.origin).body(Bytes::new()).unwrap();
        let error = HttpTransport::new().unwrap().send(request, 60 * SECOND).await.unwrap_err();
        assert!(error.to_string().ends_with("the body has more than 67108864 bytes"), "{error}");
    }

    #[test]
    fn a_redirect_out_of_https_is_not_followed() {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, "http://storage.example/r".parse().unwrap());
        let from = |uri: &str| redirect(&uri.parse().unwrap(), &response);
        assert_eq!(from("https://api.example/r"), None);
        assert!(from("http://api.example/r").is_some());
    }
}
