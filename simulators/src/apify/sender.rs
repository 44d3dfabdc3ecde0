//! Sends the requests of webhooks.

use crate::Request;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::pin::Pin;
use std::time::Duration;

/// How long an idle connection is kept open: shorter than receivers do. If the receiver closed the
/// connection during a request, the webhook would be repeated only a minute later.
const IDLE: Duration = Duration::from_secs(5);

/// Resolves to the status of the receiver's answer; `None` without an answer.
pub type Delivery = Pin<Box<dyn Future<Output = Option<StatusCode>> + Send>>;

/// Posts a webhook's request. A test passes the request directly to the function under test.
pub trait WebhookSender: Send + Sync + 'static {
    /// Posts `request`, whose URI is absolute.
    fn post(&self, request: Request) -> Delivery;
}

/// Posts over plain HTTP, which is enough for loopback.
pub struct HttpSender(Client<HttpConnector, Full<Bytes>>);

impl HttpSender {
    /// A sender that reuses its connections.
    pub fn new() -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        Self(client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build_http())
    }
}

impl Default for HttpSender {
    fn default() -> Self {
        Self::new()
    }
}

impl WebhookSender for HttpSender {
    fn post(&self, request: Request) -> Delivery {
        let uri = request.uri().clone();
        let answer = self.0.request(request.map(Full::new));
        Box::pin(async move {
            match answer.await {
                Ok(response) => Some(response.status()),
                Err(error) => {
                    tracing::debug!(%error, host = uri.host(), "webhook not delivered");
                    None
                }
            }
        })
    }
}
