//! One HTTP request to one HTTP response.

use bytes::Bytes;
use std::future::Future;
use std::time::Duration;

/// A request with its whole body.
pub type HttpRequest = http::Request<Bytes>;
/// A response with its whole body.
pub type HttpResponse = http::Response<Bytes>;

/// Sends one HTTP request. Retries are the caller's: only it knows whether asking twice is safe.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and reads the whole response, whatever its status.
    ///
    /// # Errors
    /// [`TransportError`] says whether the other side can have seen the request. No later than
    /// `timeout` after the call there is an answer or an error.
    fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> impl Future<Output = Result<HttpResponse, TransportError>> + Send;
}

/// Why there is no response. The texts carry no header and no body: both may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never left this machine; repeating it cannot do anything twice.
    #[error("no connection to {host}: {reason}")]
    NotSent {
        /// Host and port of the request.
        host: String,
        reason: String,
    },
    /// The request may have arrived and may have taken effect, but its answer never came.
    #[error("the answer of {host} was lost: {reason}")]
    AnswerLost {
        /// Host and port of the request.
        host: String,
        /// What the client said, a timeout for instance.
        reason: String,
    },
    /// The request took effect; its answer is larger than what is read.
    #[error("the answer of {host} was not read: the body has more than {most} bytes")]
    TooLarge {
        /// Host and port of the request.
        host: String,
        /// The most bytes that are read.
        most: usize,
    },
}
