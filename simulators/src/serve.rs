//! A simulated service on a TCP port.

use crate::encoded::decoded;
use crate::reply::Response;
use crate::service::{Answer, Service, Simulated, control_error};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Pause after a connection could not be accepted, because the process may have no file descriptor
/// left.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers requests on `listener` until the returned future is dropped.
///
/// An [`Answer::Lost`] closes the connection without a response, like a network failure of the real
/// service.
pub async fn serve<S: Service>(listener: TcpListener, simulated: Arc<Simulated<S>>) {
    serve_with(listener, move |request| answer(Arc::clone(&simulated), request)).await;
}

/// Answers requests on `listener` with `handler` until the returned future is dropped. If the
/// handler fails, the connection is closed without a response. Each connection has its own task,
/// which ends when the client closes the connection.
pub async fn serve_with<H, F, B, E>(listener: TcpListener, handler: H)
where
    H: Fn(http::Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = service_fn(handler.clone());
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// The network failed, from the caller's point of view.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct AnswerLost;

async fn answer<S: Service>(
    simulated: Arc<Simulated<S>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, AnswerLost> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| AnswerLost)?.to_bytes();
    let Some(body) = decoded(&mut head, body) else {
        let message = "the body is not compressed as Content-Encoding says";
        return Ok(control_error(StatusCode::BAD_REQUEST, message).map(Full::new));
    };
    match simulated.call(http::Request::from_parts(head, body)).await {
        Answer::Reply(response) => Ok(Response::map(response, Full::new)),
        Answer::Lost => Err(AnswerLost),
    }
}
