//! What API Gateway does on AWS: HTTP in front of webhook intake.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use lambda_http::Body;
use lambda_http::http::{Request, Response, StatusCode};
use shared::ports::Queue;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use webhook_intake::{Intake, handle};

/// Largest body that is read, the limit of a Lambda call. Intake's own limit is far below it.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// An answer, whose body may be a stream.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Answers what is not for webhook intake.
pub(crate) type Front = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Paths that webhook intake answers.
const OF_INTAKE: [&str; 2] = ["/webhooks/apify", "/runs"];

/// Answers webhooks on `listener`, and other requests with `front`, until the returned future is
/// dropped.
pub(crate) async fn serve<Q: Queue>(
    listener: TcpListener,
    intake: Arc<Intake<Q>>,
    front: Option<Front>,
) {
    let answered = move |request: Request<Incoming>| {
        let (intake, front) = (Arc::clone(&intake), front.clone());
        async move {
            let is_of_intake = OF_INTAKE.contains(&request.uri().path().trim_end_matches('/'));
            match front.filter(|_| !is_of_intake) {
                Some(front) => Ok(front(request).await),
                None => answer(intake, request).await.map(|reply| reply.map(Full::boxed_unsync)),
            }
        }
    };
    simulators::serve_with(listener, answered).await;
}

async fn answer<Q: Queue>(
    intake: Arc<Intake<Q>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(bare(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Err(_) => return Ok(bare(StatusCode::BAD_REQUEST)),
    };
    let request = Request::from_parts(head, Body::Binary(body.to_vec()));
    let (head, body) = handle(&intake, request).await.into_parts();
    Ok(Response::from_parts(head, Full::from(Bytes::copy_from_slice(body.as_ref()))))
}

/// An answer of API Gateway itself.
fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
