//! Does what API Gateway does on AWS: HTTP in front of webhook intake.

use super::connections::{Reply, serve_connections};
use super::errors;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use lambda_http::Body;
use lambda_http::http::header::EXPECT;
use lambda_http::http::{Request, Response};
use shared::ports::Queue;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use webhook_intake::{BodyFault, Intake, MAX_BODY, handle, refuse_body, refuse_by_head};

/// Longest time for receiving a body, at any speed.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How much of a refused body is read and discarded, and for how long. A sender that is still
/// sending when the connection closes may never see the answer.
const DISCARDED_BYTES: usize = 8 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Answers requests that are not for webhook intake.
pub(crate) type Front = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Paths that webhook intake answers.
const OF_INTAKE: [&str; 2] = ["/webhooks/apify", "/runs"];

/// Answers webhooks on `listener`, and other requests with `front`, until `stop`.
pub(crate) async fn serve<Q: Queue>(
    listener: TcpListener,
    intake: Arc<Intake<Q>>,
    front: Option<Front>,
    stop: impl Future<Output = ()>,
) {
    let answered = move |request: Request<Incoming>| {
        let (intake, front) = (Arc::clone(&intake), front.clone());
        async move {
            let is_of_intake = OF_INTAKE.contains(&request.uri().path().trim_end_matches('/'));
            match front.filter(|_| !is_of_intake) {
                Some(front) => passed_on(front, request).await,
                None => answer(intake, request).await.map(Full::boxed_unsync),
            }
        }
    };
    serve_connections(listener, answered, stop).await;
}

/// Answers requests with `front` alone, until the returned future is dropped.
pub(crate) async fn serve_front(listener: TcpListener, front: Front) {
    serve_connections(
        listener,
        move |request| passed_on(Arc::clone(&front), request),
        std::future::pending(),
    )
    .await;
}

async fn passed_on(front: Front, request: Request<Incoming>) -> Reply {
    let is_for_people = errors::is_for_people(request.headers());
    let reply = errors::with_allowed_methods(front(request).await);
    if is_for_people { reply } else { errors::in_json(reply).await }
}

/// Answers a request. Without the token, no part of the body is read or kept.
async fn answer<Q: Queue>(
    intake: Arc<Intake<Q>>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    // A sender with `Expect` waits for permission before it sends the body.
    let is_sending = !head.headers.contains_key(EXPECT);
    if let Some(refused) = refuse_by_head(&intake, &head) {
        if is_sending {
            tokio::spawn(discard(body));
        }
        return full(refused);
    }
    let read = timeout(BODY_TIME, read_body(&mut body)).await.unwrap_or(Err(BodyFault::Slow));
    let answer = match read {
        Ok(read) => handle(&intake, Request::from_parts(head, Body::Binary(read.into()))).await,
        Err(fault) => {
            tokio::spawn(discard(body));
            refuse_body(&intake, &head, fault)
        }
    };
    full(answer)
}

async fn read_body(body: &mut Incoming) -> Result<BytesMut, BodyFault> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        if read.len() + data.len() > MAX_BODY {
            return Err(BodyFault::TooLarge);
        }
        read.extend_from_slice(&data);
    }
    Ok(read)
}

async fn discard(mut body: Incoming) {
    let all = async {
        let mut left = DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    };
    timeout(DISCARD_TIME, all).await.ok();
}

fn full(response: Response<Body>) -> Response<Full<Bytes>> {
    response.map(|body| Full::from(Bytes::copy_from_slice(body.as_ref())))
}
