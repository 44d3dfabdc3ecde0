//! Webhook intake: authenticates, parses, queues, answers. It talks to the queues and to
//! nothing else, and answers that it accepted something only after a queue has it.

mod auth;
mod config;
mod refusal;
mod score_request;
mod webhook;

pub use config::{Config, queue_urls};

use lambda_http::http::{Method, Response, StatusCode, header};
use lambda_http::{Body, Request};
use refusal::{MAX_BODY, Refusal};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::messages::{ClientScope, routes};
use shared::ports::{OutgoingMessage, Queue, QueueName};
use std::time::Duration;
use tokio::time::timeout;
use webhook::Webhook;

/// Longest time for queueing the one or two messages of a request. After it the answer is 503: the
/// template's `Timeout` is longer, so that there is time to answer.
pub const QUEUE_TIME: Duration = Duration::from_secs(8);

/// The function with all it needs. Made once per process.
pub struct Intake<Q> {
    queue: Q,
    clock: Clock,
    config: Config,
}

impl<Q: Queue> Intake<Q> {
    /// Wires the function.
    pub fn new(config: Config, queue: Q, clock: Clock) -> Self {
        Self { queue, clock, config }
    }
}

/// The status and body of an answer.
type Answer = Result<(StatusCode, Value), Refusal>;

/// Answers one request to `POST /webhooks/apify` or `POST /runs`.
pub async fn handle<Q: Queue>(app: &Intake<Q>, request: Request) -> Response<Body> {
    let routed = timeout(QUEUE_TIME, route(app, &request)).await;
    match routed.unwrap_or_else(|_elapsed| Err(no_answer())) {
        Ok((status, body)) => reply(status, &body),
        Err(refusal) => {
            shared::telemetry::metrics::request_refused(refusal.status());
            if let Refusal::QueueUnreachable { reason } = &refusal {
                tracing::error!(reason, "a queue did not take a message");
            }
            tracing::warn!(
                %refusal,
                http.path = request.uri().path(),
                http.status = refusal.status().as_u16(),
                webhook.dispatch_id = dispatch_id(&request),
                "request refused"
            );
            reply(refusal.status(), &refusal.body())
        }
    }
}

fn no_answer() -> Refusal {
    let reason = format!("no answer within {} s", QUEUE_TIME.as_secs());
    Refusal::QueueUnreachable { reason }
}

async fn route<Q: Queue>(app: &Intake<Q>, request: &Request) -> Answer {
    let path = request.uri().path();
    let is_webhook = match path.trim_end_matches('/') {
        "/webhooks/apify" => true,
        "/runs" => false,
        _ => return Err(Refusal::NotFound { path: path.to_owned() }),
    };
    if request.method() != Method::POST {
        return Err(Refusal::MethodNotAllowed { method: request.method().clone() });
    }
    auth::check(request.headers().get(header::AUTHORIZATION), &app.config.tokens)?;
    let body: &[u8] = request.body().as_ref();
    if body.len() > MAX_BODY {
        return Err(Refusal::BodyTooLarge { bytes: body.len() });
    }
    if is_webhook { webhook_posted(app, request, body).await } else { run_posted(app, body).await }
}

async fn webhook_posted<Q: Queue>(app: &Intake<Q>, request: &Request, body: &[u8]) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    match webhook::parse(body, query, request.headers(), app.clock.now())? {
        Webhook::Ignored { reason } => {
            tracing::info!(
                reason,
                webhook.dispatch_id = dispatch_id(request),
                "webhook needs nothing"
            );
            Ok((StatusCode::OK, json!({"accepted": false, "reason": reason})))
        }
        Webhook::Finished(task) => {
            let (harvest, finished_at) = (task.apify_run_id.clone(), task.finished_at);
            let event_type = task.event_type.clone();
            let client = task.hints.client.clone();
            send(app, QueueName::Scoring, routes::ingest(task)).await?;
            // The finalizer needs no tick to find this harvest, however long its task waits. Sent
            // after the task: a webhook that was heard of but not queued would be lost.
            send(app, QueueName::Metrics, routes::heard(&harvest, finished_at)).await?;
            tracing::info!(
                apify.run_id = %harvest,
                apify.event = event_type,
                client.id = client.as_ref().map_or("?", |client| client.as_str()),
                webhook.dispatch_id = dispatch_id(request),
                "webhook accepted"
            );
            Ok((StatusCode::ACCEPTED, json!({"accepted": true, "apifyRunId": harvest})))
        }
    }
}

async fn run_posted<Q: Queue>(app: &Intake<Q>, body: &[u8]) -> Answer {
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
fn dispatch_id(request: &Request) -> &str {
    webhook::dispatch_id(request.headers()).unwrap_or_default()
}

fn reply(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::Text(body.to_string()))
        .expect("status and header are constants")
}
