//! One HTTP request to one HTTP response.

use bytes::Bytes;
use std::future::Future;
use std::time::Duration;

/// A request with its whole body.
pub type HttpRequest = http::Request<Bytes>;
/// A response with its whole body.
pub type HttpResponse = http::Response<Bytes>;

/// Sends one HTTP request. The caller decides about retries, because only it knows whether a
/// repetition is safe.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and reads the whole response, whatever its status.
    ///
    /// # Errors
    /// [`TransportError`] says whether the server can have seen the request. The call returns
    /// within `timeout`.
    fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> impl Future<Output = Result<HttpResponse, TransportError>> + Send;
}

/// Why there is no response. The texts contain no header and no body, because both may hold
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never left this machine, so a repetition is safe.
    #[error("no connection to {host}: {reason}")]
    NotSent {
        /// Host and port of the request.
        host: String,
        reason: String,
    },
    /// The request may have arrived and taken effect, but the answer never came.
    #[error("the answer of {host} was lost: {reason}")]
    AnswerLost {
        /// Host and port of the request.
        host: String,
        /// What the client reported, such as a timeout.
        reason: String,
    },
    /// The request took effect, but its answer is larger than the limit.
    #[error("the answer of {host} was not read: the body has more than {most} bytes")]
    TooLarge {
        /// Host and port of the request.
        host: String,
        /// The limit in bytes.
        most: usize,
    },
}
