//! The scoring function with a world that a test defines. All tests share one `Env`, because each
//! further one would compile the whole function again.

use aws_lambda_events::event::sqs::SqsEvent;
use bytes::Bytes;
use scoring::{Adapters, Config, Limits, Scoring};
use serde_json::{Value, json};
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::ports::{
    Env, HttpRequest, HttpResponse, NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName,
    Transport, TransportError, WaitingMessage,
};
use shared::services::airtable::{Limiters, Rate};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The status and the JSON body of an answer.
pub(crate) type Answer = (u16, Value);

/// The services and the queues, as a test defines them.
pub(crate) trait World: Send + Sync {
    /// Answers a request to a service.
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    /// Accepts or refuses messages for a queue.
    fn send(&self, queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError>;

    /// Accepts or refuses a message for the retry queue.
    fn let_wait(&self, message: &WaitingMessage) -> Result<(), QueueError>;
}

/// The world, as the function reaches it.
#[derive(Clone)]
pub(crate) struct Stage(Arc<dyn World>);

impl Env for Stage {
    type Transport = Self;
    type Queue = Self;
    type EventLog = DynamoEventLog;
}

impl Transport for Stage {
    async fn send(
        &self,
        request: HttpRequest,
        _: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let (status, body) = self.0.answer(&request).await;
        let mut response = http::Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

impl Queue for Stage {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        self.0.send(queue, &messages)
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        self.0.let_wait(&message)
    }

    async fn dead_letter(&self, _: QueueName, message: NewDeadLetter) -> Result<(), QueueError> {
        panic!("{}", message.reason)
    }

    async fn requeue(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

/// The scoring function with these variables, in addition to those that it needs.
pub(crate) fn scoring(
    world: Arc<impl World + 'static>,
    set: &[(&str, &'static str)],
) -> Scoring<Stage> {
    let needed = [
        ("AIRTABLE_TOKEN", "patInvented"),
        ("MASTER_BASE_ID", "appMaster00000001"),
        ("APIFY_TOKEN", "invented"),
        ("GEMINI_API_KEY", "invented"),
    ];
    let variable = |name: &str| {
        let set = needed.iter().chain(set).find(|(known, _)| *known == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    let config = Config::read(variable).unwrap();
    let rate = Rate { requests: 5, per: Duration::from_secs(1) };
    let limits = Limits::of_the_only_process(&Arc::new(Limiters::of_one_process(rate)));
    let stage = Stage(world);
    let adapters = Adapters { transport: stage.clone(), queue: stage };
    let clock = Clock::following_tokio("2026-11-23T10:00:00Z".parse().unwrap());
    Scoring::new(config, adapters, limits, clock, fastrand::Rng::with_seed(1))
}

/// Handles a task. Returns whether its message is done.
pub(crate) async fn handle(app: &Scoring<Stage>, task: &str, deadline: Deadline) -> bool {
    let event: SqsEvent = serde_json::from_value(json!({"Records": [{"messageId": "m",
        "receiptHandle": "r", "body": task, "attributes": {"MessageGroupId": "g"}}]}))
    .unwrap();
    scoring::handle(app, event, deadline).await.batch_item_failures.is_empty()
}

/// A chunk of these waiting leads, as a message.
pub(crate) fn chunk(writable: &[&str], leads: &[Value]) -> Value {
    let run = json!({"base_run": "261123-100000", "client": "Guy-Wilson", "client_name": "",
        "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
    json!({"version": 1, "type": "chunk", "run": run, "plan": "IMWhSz8Df0ytWalS961bKQ",
        "index": 0, "of": 1, "kind": "post", "base": "appGuy00000000001", "source": "waiting",
        "rubric": "Judge.", "writable": writable, "leads": leads})
}
