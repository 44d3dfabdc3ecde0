//! What was paid for is known to the next attempt, also when the queue takes no report of it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use aws_lambda_events::event::sqs::SqsEvent;
use bytes::Bytes;
use scoring::{Adapters, Config, Limits, Scoring};
use serde_json::{Map, Value, json};
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::messages::{Message, ScoringTask, Tried};
use shared::ports::{
    Env, HttpRequest, HttpResponse, NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName,
    Transport, TransportError, WaitingMessage,
};
use shared::schema::leads;
use shared::services::airtable::{Limiters, Rate};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LEAD: &str = "PJ1ZEEW8iHY";
const PLAN: &str = "IMWhSz8Df0ytWalS961bKQ";

/// An Airtable with a lead whose row stays as it is, as if another tool wrote over it each time; and a
/// model that always answers in prose.
#[derive(Clone, Default)]
struct Services {
    calls: Arc<AtomicUsize>,
}

impl Transport for Services {
    async fn send(
        &self,
        request: HttpRequest,
        _: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path();
        let posts = json!([{"postUrl": "https://l/1", "postContent": "We moved twelve reports."}]);
        let answer = if path.contains("generateContent") {
            self.calls.fetch_add(1, Ordering::Relaxed);
            json!({
                "candidates": [{"content": {"parts": [{"text": "I cannot rate this."}]},
                    "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 10,
                    "totalTokenCount": 100},
                "modelVersion": "gemini-3.5-flash-lite",
            })
        } else {
            json!({"records": [{"id": "rec00000000000001",
                "createdTime": "2026-11-23T10:00:00.000Z",
                "fields": {leads::PROFILE_URL: "https://www.linkedin.com/in/jane",
                    leads::POSTS_CONTENT: posts.to_string()}}]})
        };
        Ok(http::Response::new(Bytes::from(answer.to_string())))
    }
}

/// A queue that takes everything but what became of calls and leads.
#[derive(Clone, Default)]
struct DeafQueue {
    waiting: Arc<Mutex<Vec<String>>>,
}

impl Queue for DeafQueue {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        let tells = |message: &OutgoingMessage| {
            [r#""type":"billed""#, r#""type":"settled""#].iter().any(|t| message.body().contains(t))
        };
        if messages.iter().any(tells) {
            return Err(QueueError::Unreachable { queue, reason: "simulated".to_owned() });
        }
        Ok(())
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        self.waiting.lock().unwrap().push(message.body().to_owned());
        Ok(())
    }

    async fn dead_letter(&self, _: QueueName, message: NewDeadLetter) -> Result<(), QueueError> {
        panic!("{}", message.reason)
    }

    async fn requeue(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

struct Invented;

impl Env for Invented {
    type Transport = Services;
    type Queue = DeafQueue;
    type EventLog = DynamoEventLog;
}

fn scoring(services: &Services, queue: &DeafQueue) -> Scoring<Invented> {
    let variables: Map<String, Value> = serde_json::from_value(json!({
        "AIRTABLE_TOKEN": "patInvented", "MASTER_BASE_ID": "appMaster00000001",
        "APIFY_TOKEN": "invented", "GEMINI_API_KEY": "invented"}))
    .unwrap();
    let config =
        Config::read(|name| variables.get(name).and_then(Value::as_str).map(str::to_owned))
            .unwrap();
    let limiters =
        Arc::new(Limiters::of_one_process(Rate { requests: 5, per: Duration::from_secs(1) }));
    let limits = Limits::of_the_only_process(&limiters);
    let adapters = Adapters { transport: services.clone(), queue: queue.clone() };
    let clock = Clock::following_tokio("2026-11-23T10:00:00Z".parse().unwrap());
    Scoring::new(config, adapters, limits, clock, fastrand::Rng::with_seed(1))
}

fn chunk() -> String {
    let run = json!({"base_run": "261123-100000", "client": "Guy-Wilson", "client_name": "",
        "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
    let lead = json!({"key": LEAD, "lead": {"record": "rec00000000000001"}});
    let chunk = json!({"version": 1, "type": "chunk", "run": run, "plan": PLAN, "index": 0, "of": 1,
        "kind": "post", "base": "appGuy00000000001", "source": "waiting", "rubric": "Judge.",
        "writable": [], "leads": [lead]});
    chunk.to_string()
}

/// Attempts a task; returns it as it waits for the next attempt.
async fn attempt(app: &Scoring<Invented>, queue: &DeafQueue, task: &str) -> String {
    let event: SqsEvent = serde_json::from_value(json!({"Records": [{"messageId": "m",
        "receiptHandle": "r", "body": task, "attributes": {"MessageGroupId": "g"}}]}))
    .unwrap();
    let answer = scoring::handle(app, event, Deadline::after(Duration::from_secs(150))).await;
    assert!(answer.batch_item_failures.is_empty());
    queue.waiting.lock().unwrap().pop().unwrap()
}

fn tried(task: &str) -> Tried {
    let ScoringTask::Chunk(chunk) = ScoringTask::decode(task).unwrap() else { panic!("{task}") };
    chunk.tried
}

#[tokio::test(start_paused = true)]
async fn a_lead_is_in_at_most_four_paid_calls_though_the_queue_takes_no_report_of_any() {
    let (services, queue) = (Services::default(), DeafQueue::default());
    let app = scoring(&services, &queue);
    let mut task = chunk();
    for _ in 0..8 {
        task = attempt(&app, &queue, &task).await;
        let calls = services.calls.load(Ordering::Relaxed);
        let Tried { paid, tokens, .. } = tried(&task);
        assert_eq!(tokens, 100 * calls as u64, "the next attempt knows what was used");
        assert_eq!(paid.values().copied().collect::<Vec<_>>(), [u32::try_from(calls).unwrap()]);
    }
    assert_eq!(services.calls.load(Ordering::Relaxed), 4);
}
