//! Webhook intake: authenticates, parses, queues and answers. It uses only the queues. It reports
//! that it accepted a request only after a queue has the message.

mod auth;
mod config;
mod line_budget;
mod refusal;
mod score_request;
mod webhook;

pub use config::{Config, queue_urls};
pub use refusal::{BodyFault, MAX_BODY};

use lambda_http::http::request::Parts;
use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};
use line_budget::LineBudget;
use refusal::Refusal;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::text::bounded;
use shared::messages::{ClientScope, routes};
use shared::ports::{OutgoingMessage, Queue, QueueName};
use shared::telemetry::trace::{self, TraceHeader};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use webhook::Webhook;

/// Longest time for queueing the one or two messages of a request. After that the answer is 503.
/// The template's `Timeout` is longer, so that there is time to answer.
pub const QUEUE_TIME: Duration = Duration::from_secs(8);

/// Most characters of a path in a log line.
const MAX_PATH: usize = 100;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The function and everything it needs, created once per process.
pub struct Intake<Q> {
    queue: Q,
    clock: Clock,
    config: Config,
    strangers: Mutex<LineBudget>,
}

impl<Q: Queue> Intake<Q> {
    /// Wires the function.
    pub fn new(config: Config, queue: Q, clock: Clock) -> Self {
        Self { queue, clock, config, strangers: Mutex::default() }
    }
}

/// The status and body of an answer.
type Answer = Result<(StatusCode, Value), Refusal>;

/// Answers one request to `POST /webhooks/apify` or `POST /runs`.
pub async fn handle<Q: Queue>(app: &Intake<Q>, request: Request) -> Response<Body> {
    let trace = trace_of(&request);
    trace::follow(trace, answer(app, request)).await
}

/// The trace that Lambda or API Gateway assigned to the request.
fn trace_of(request: &Request) -> Option<TraceHeader> {
    let by_lambda =
        request.lambda_context_ref().and_then(|context| context.xray_trace_id.as_deref());
    let by_gateway = || request.headers().get("x-amzn-trace-id").and_then(|it| it.to_str().ok());
    by_lambda.and_then(TraceHeader::read).or_else(|| TraceHeader::read(by_gateway()?))
}

async fn answer<Q: Queue>(app: &Intake<Q>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let routed = timeout(QUEUE_TIME, route(app, &head, body.as_ref())).await;
    match routed.unwrap_or_else(|_elapsed| Err(no_answer())) {
        Ok((status, body)) => reply(status, &body),
        Err(refusal) => refuse(app, &head, &refusal),
    }
}

/// The answer to a request that can be refused by its head, which contains path, method and token.
/// For a server that reads bodies itself; [`handle`] makes the same checks.
pub fn refuse_by_head<Q: Queue>(app: &Intake<Q>, head: &Parts) -> Option<Response<Body>> {
    let refusal = check_head(app, head).err()?;
    Some(refuse(app, head, &refusal))
}

/// The answer to a request with a valid head whose body could not be read.
pub fn refuse_body<Q: Queue>(app: &Intake<Q>, head: &Parts, fault: BodyFault) -> Response<Body> {
    refuse(app, head, &fault.into())
}

fn refuse<Q: Queue>(app: &Intake<Q>, head: &Parts, refusal: &Refusal) -> Response<Body> {
    shared::telemetry::metrics::request_refused(refusal.status());
    log_refusal(app, head, refusal);
    let mut response = reply(refusal.status(), &refusal.body());
    if let Some((name, value)) = refusal.header() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Logs a line of limited length, unless requests without a token have used up their lines.
fn log_refusal<Q: Queue>(app: &Intake<Q>, head: &Parts, refusal: &Refusal) {
    let left_out = if refusal.is_anybodys() {
        let mut strangers = app.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left_out) = strangers.take(app.clock.now()) else { return };
        left_out
    } else {
        0
    };
    if let Refusal::QueueUnreachable { reason } = refusal {
        tracing::error!(reason, "a queue did not accept a message");
    }
    tracing::warn!(
        %refusal,
        http.path = bounded(head.uri.path(), MAX_PATH),
        http.status = refusal.status().as_u16(),
        webhook.dispatch_id = dispatch_id(&head.headers),
        requests.left_out = left_out,
        "request refused"
    );
}

fn no_answer() -> Refusal {
    let reason = format!("no answer within {} s", QUEUE_TIME.as_secs());
    Refusal::QueueUnreachable { reason }
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Posted {
    Webhook,
    Run,
}

fn posted_to(path: &str) -> Option<Posted> {
    match path.trim_end_matches('/') {
        "/webhooks/apify" => Some(Posted::Webhook),
        "/runs" => Some(Posted::Run),
        _ => None,
    }
}

/// The path of the route with which API Gateway selected the function. A named stage or a custom
/// domain adds a prefix to a request's path.
fn route_of(head: &Parts) -> Option<&str> {
    match head.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => {
            context.route_key.as_deref()?.strip_prefix("POST ")
        }
        _ => None,
    }
}

fn check_head<Q: Queue>(app: &Intake<Q>, head: &Parts) -> Result<Posted, Refusal> {
    let path = head.uri.path();
    let posted = posted_to(path).or_else(|| posted_to(route_of(head)?));
    let posted = posted.ok_or_else(|| Refusal::not_found(path))?;
    if head.method != Method::POST {
        return Err(Refusal::method(&head.method));
    }
    auth::check(head.headers.get(header::AUTHORIZATION), &app.config.tokens)?;
    let encoding = head.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if let Some(encoding) = encoding.filter(|it| !it.eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::encoded(encoding));
    }
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length
        .and_then(|length| length.parse().ok())
        .is_some_and(|bytes: u64| bytes > MAX_BODY as u64)
    {
        return Err(Refusal::BodyTooLarge);
    }
    Ok(posted)
}

async fn route<Q: Queue>(app: &Intake<Q>, head: &Parts, body: &[u8]) -> Answer {
    let posted = check_head(app, head)?;
    if body.len() > MAX_BODY {
        return Err(Refusal::BodyTooLarge);
    }
    // Some editors and shells add a byte order mark at the start of a posted file.
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    match posted {
        Posted::Webhook => webhook_posted(app, head, body).await,
        Posted::Run => run_posted(app, head, body).await,
    }
}

async fn webhook_posted<Q: Queue>(app: &Intake<Q>, head: &Parts, body: &[u8]) -> Answer {
    let query = head.uri.query().unwrap_or_default();
    match webhook::parse(body, query, &head.headers, app.clock.now())? {
        Webhook::Ignored { reason } => {
            tracing::info!(
                reason,
                webhook.dispatch_id = dispatch_id(&head.headers),
                "webhook needs no action"
            );
            Ok((StatusCode::OK, json!({"accepted": false, "reason": reason})))
        }
        Webhook::Finished(task) => {
            let harvest = task.apify_run_id.clone();
            let event_type = task.event_type.clone();
            let client = task.hints.client.clone();
            let (ingest, heard) = routes::harvest_ended(task);
            send(app, QueueName::Scoring, ingest).await?;
            send(app, QueueName::Metrics, heard).await?;
            tracing::info!(
                apify.run_id = %harvest,
                apify.event = event_type,
                client.id = client.as_ref().map_or("?", |client| client.as_str()),
                webhook.dispatch_id = dispatch_id(&head.headers),
                "webhook accepted"
            );
            Ok((StatusCode::ACCEPTED, json!({"accepted": true, "apifyRunId": harvest})))
        }
    }
}

async fn run_posted<Q: Queue>(app: &Intake<Q>, head: &Parts, body: &[u8]) -> Answer {
    score_request::check_query(head.uri.query().unwrap_or_default())?;
    let task = score_request::parse(body, app.clock.now())?;
    let run = task.run().expect("a parsed request has the time it came in");
    let client = match &task.clients {
        ClientScope::All => "all".to_owned(),
        ClientScope::One(client) => client.to_string(),
    };
    send(app, QueueName::Scoring, routes::score_waiting(task, &run)).await?;
    tracing::info!(run.base = %run, client.id = client, "scoring of waiting leads accepted");
    Ok((StatusCode::ACCEPTED, json!({"accepted": true, "runId": run})))
}

async fn send<Q: Queue>(
    app: &Intake<Q>,
    queue: QueueName,
    message: OutgoingMessage,
) -> Result<(), Refusal> {
    let sent = app.queue.send(queue, vec![message]).await;
    sent.map_err(|error| Refusal::QueueUnreachable { reason: error.to_string() })
}

/// Apify's id of this dispatch, for logs.
fn dispatch_id(headers: &HeaderMap) -> String {
    bounded(webhook::dispatch_id(headers).unwrap_or_default(), webhook::MOST_DISPATCH_ID)
}

fn reply(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::Text(body.to_string()))
        .expect("status and header are constants")
}
