//! How a webhook's request leaves the simulator.

use crate::Request;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::pin::Pin;
use std::time::Duration;

/// How long a connection is kept open without a request: less than receivers do. A webhook that is sent while
/// its receiver closes the connection would be repeated a minute later.
const IDLE: Duration = Duration::from_secs(5);

/// The status a receiver answered with, in a while; `None` when it did not answer.
pub type Delivery = Pin<Box<dyn Future<Output = Option<StatusCode>> + Send>>;

/// Posts a webhook's request. A test hands the request straight to the function under test.
pub trait WebhookSender: Send + Sync + 'static {
    /// Posts `request`, whose URI is absolute.
    fn post(&self, request: Request) -> Delivery;
}

/// Posts over plain HTTP, which is all that loopback needs.
pub struct HttpSender(Client<HttpConnector, Full<Bytes>>);

impl HttpSender {
    /// A sender that keeps its connections open for a while.
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
