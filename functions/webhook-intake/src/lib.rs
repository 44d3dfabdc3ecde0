//! Webhook intake: authenticates, parses, queues, answers. It talks to the queue and to nothing
//! else, and answers that it accepted something only after the queue has it.

mod auth;
mod config;
mod refusal;
mod score_request;
mod webhook;

pub use config::{Config, queue_urls};
pub use refusal::Refusal;

use lambda_http::http::{Method, Response, StatusCode, header};
use lambda_http::{Body, Request};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::digest::{id_of, queue_id};
use shared::messages::{Clients, Ingest, Message, Score, ScoringTask};
use shared::seams::{OutgoingMessage, Queue, QueueName};
use webhook::Webhook;

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 1_048_576;

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

/// Answers one request to `POST /webhooks/apify` or `POST /runs`.
pub async fn handle<Q: Queue>(app: &Intake<Q>, request: Request) -> Response<Body> {
    match route(app, &request).await {
        Ok((status, body)) => reply(status, &body),
        Err(refusal) => {
            shared::metrics_emf::request_refused(refusal.status());
            if let Refusal::QueueUnreachable { reason } = &refusal {
                tracing::error!(reason, "the scoring queue did not take a task");
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

async fn route<Q: Queue>(
    app: &Intake<Q>,
    request: &Request,
) -> Result<(StatusCode, Value), Refusal> {
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

async fn webhook_posted<Q: Queue>(
    app: &Intake<Q>,
    request: &Request,
    body: &[u8],
) -> Result<(StatusCode, Value), Refusal> {
    let query = request.uri().query().unwrap_or_default();
    match webhook::parse(body, query, request.headers())? {
        Webhook::Ignored { reason } => {
            tracing::info!(
                reason,
                webhook.dispatch_id = dispatch_id(request),
                "webhook needs nothing"
            );
            Ok((StatusCode::OK, json!({"accepted": false, "reason": reason})))
        }
        Webhook::Finished { apify_run_id, event_type, hints } => {
            let client = hints.client.as_ref().map_or("?", |client| client.as_str()).to_owned();
            let task = Ingest {
                apify_run_id: apify_run_id.clone(),
                event_type: event_type.clone(),
                hints,
                received_at: app.clock.now(),
            };
            // The same webhook again within five minutes is dropped by the queue.
            let deduplication = id_of(&["ingest", apify_run_id.as_str(), &event_type, &client]);
            send(app, &client, deduplication, &ScoringTask::Ingest(task)).await?;
            tracing::info!(
                apify.run_id = %apify_run_id,
                apify.event = event_type,
                client.id = client,
                webhook.dispatch_id = dispatch_id(request),
                "webhook accepted"
            );
            Ok((StatusCode::ACCEPTED, json!({"accepted": true, "apifyRunId": apify_run_id})))
        }
    }
}

async fn run_posted<Q: Queue>(
    app: &Intake<Q>,
    body: &[u8],
) -> Result<(StatusCode, Value), Refusal> {
    let task = score_request::parse(body, app.clock.now())?;
    let run = task.base_run.clone();
    let group = match &task.clients {
        Clients::All => "all",
        Clients::One(client) => client.as_str(),
    };
    let deduplication = deduplication_of(&task);
    send(app, group, deduplication, &ScoringTask::Score(task.clone())).await?;
    tracing::info!(run.base = %run, client.id = group, "scoring of waiting leads accepted");
    Ok((StatusCode::ACCEPTED, json!({"accepted": true, "runId": run})))
}

fn deduplication_of(task: &Score) -> String {
    id_of(&["score", &ScoringTask::Score(task.clone()).encode()])
}

async fn send<Q: Queue>(
    app: &Intake<Q>,
    client: &str,
    deduplication: String,
    task: &ScoringTask,
) -> Result<(), Refusal> {
    let message = OutgoingMessage {
        group: queue_id(&format!("plan#{client}")),
        deduplication,
        body: task.encode(),
    };
    app.queue
        .send(QueueName::Scoring, vec![message])
        .await
        .map_err(|error| Refusal::QueueUnreachable { reason: error.to_string() })
}

/// Apify's id of this dispatch, the same on all its retries. For logs only.
fn dispatch_id(request: &Request) -> &str {
    request
        .headers()
        .get("x-apify-webhook-dispatch-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
}

fn reply(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::Text(body.to_string()))
        .expect("status and header are constants")
}
