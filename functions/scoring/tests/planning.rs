//! 25,000 leads that wait are planned page by page: within 150 MB and 400 requests to Airtable.
//!
//! In a file, and so a process, of its own: the memory is the process's. It prints what it
//! measured: `cargo test -p scoring --test planning -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use aws_lambda_events::event::sqs::SqsEvent;
use bytes::Bytes;
use scoring::{Config, Scoring};
use serde_json::{Map, Value, json};
use shared::airtable::{Limiters, Rate};
use shared::clock::Clock;
use shared::deadline::Deadline;
use shared::messages::{Fact, LeadRef, Message, MetricsMessage, ScoringTask};
use shared::schema::{clients, leads, post_attributes, post_instructions};
use shared::seams::{
    HttpRequest, HttpResponse, OutgoingMessage, ParkedMessage, Queue, QueueError, QueueName,
    Transport, TransportError,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LEADS: usize = 25_000;
const PAGE: usize = 100;

/// An Airtable whose rows are made as they are read.
#[derive(Clone, Default)]
struct Endless {
    requests: Arc<AtomicUsize>,
}

impl Transport for Endless {
    async fn send(
        &self,
        request: HttpRequest,
        _: Duration,
    ) -> Result<HttpResponse, TransportError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let answer = answer(&path, &body);
        Ok(http::Response::new(Bytes::from(answer.to_string())))
    }
}

fn answer(path: &str, body: &Value) -> Value {
    if path.starts_with("/v0/meta/") {
        let fields = leads::POST_FIELDS.iter().map(|field| {
            let airtable = match field.field_type.in_words() {
                "number" => "number",
                "date with time" => "dateTime",
                "single select" => "singleSelect",
                _ => "multilineText",
            };
            json!({"name": field.name, "type": airtable})
        });
        return json!({"tables": [{"name": leads::TABLE, "fields": fields.collect::<Vec<_>>()}]});
    }
    let row = |n: usize, fields: Value| json!({"id": format!("rec{n:014}"), "createdTime": "2026-11-23T10:00:00.000Z", "fields": fields});
    let name = |table: &str| path.contains(&table.replace(' ', "%20"));
    if name(leads::TABLE) {
        assert_eq!(body["view"], leads::WAITING_VIEW);
        let offset: usize = body["offset"].as_str().map_or(0, |text| text.parse().unwrap());
        let rows = (offset..offset + PAGE).map(|n| row(n, lead(n)));
        let mut page = json!({"records": rows.collect::<Vec<_>>()});
        if offset + PAGE < LEADS {
            page["offset"] = json!((offset + PAGE).to_string());
        }
        return page;
    }
    let fields = if name(clients::TABLE) && !name("Client Run Results") {
        json!({clients::CLIENT_ID: "Guy-Wilson", clients::STATUS: clients::ACTIVE,
            clients::BASE_ID: "appClient00000001", clients::SERVICE_LEVEL: "2",
            clients::POST_TOKEN_LIMIT: 10_000_000})
    } else if name(post_instructions::TABLE) {
        json!({post_instructions::TEXT: "Judge. ".repeat(1_500)})
    } else if name(post_attributes::TABLE) {
        json!({post_attributes::ID: "A", post_attributes::CATEGORY: post_attributes::POSITIVE})
    } else {
        return json!({"records": []});
    };
    json!({"records": [row(0, fields)]})
}

/// A row with ten posts.
fn lead(n: usize) -> Value {
    let posts: Vec<Value> = (0..10)
        .map(|post| {
            json!({"postUrl": format!("https://www.linkedin.com/posts/{n}-{post}"),
                "postContent": "words ".repeat(150)})
        })
        .collect();
    json!({leads::PROFILE_URL: format!("https://www.linkedin.com/in/lead-{n}"),
        leads::POSTS_CONTENT: json!(posts).to_string()})
}

/// What was queued, without keeping the messages.
#[derive(Default)]
struct Counted {
    records: BTreeSet<String>,
    planned: BTreeSet<String>,
    share: u64,
    /// The rest of the planning, for the next invocation.
    rest: Option<String>,
}

#[derive(Clone, Default)]
struct Queued(Arc<Mutex<Counted>>);

impl Queue for Queued {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        let mut counted = self.0.lock().unwrap();
        for message in messages {
            match queue {
                QueueName::Scoring => match ScoringTask::decode(&message.body).unwrap() {
                    ScoringTask::Chunk(chunk) => {
                        counted.share += chunk.token_share.unwrap();
                        counted.records.extend(chunk.leads.into_iter().map(
                            |lead| match lead.lead {
                                LeadRef::Record(record) => record.to_string(),
                                LeadRef::Profile(profile) => panic!("{profile:?}"),
                            },
                        ));
                    }
                    ScoringTask::Score(_) => counted.rest = Some(message.body),
                    ScoringTask::Ingest(task) => panic!("{task:?}"),
                },
                QueueName::Metrics => {
                    let MetricsMessage::Event(event) =
                        MetricsMessage::decode(&message.body).unwrap()
                    else {
                        panic!("a tick")
                    };
                    if let Fact::PlannedChunk(chunk) = event.fact {
                        let keys = chunk.leads.iter().map(|lead| lead.lead.to_string());
                        counted.planned.extend(keys);
                    }
                }
            }
        }
        Ok(())
    }

    async fn park(&self, _: QueueName, message: ParkedMessage) -> Result<(), QueueError> {
        panic!("{}", message.reason)
    }

    async fn postpone(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

#[tokio::test]
async fn waiting_leads_are_planned_without_being_held() {
    let variables: Map<String, Value> = serde_json::from_value(json!({
        "AIRTABLE_TOKEN": "patInvented", "MASTER_BASE_ID": "appMaster00000001",
        "APIFY_TOKEN": "invented", "GEMINI_API_KEY": "invented"}))
    .unwrap();
    let config =
        Config::read(|name| variables.get(name).and_then(Value::as_str).map(str::to_owned))
            .unwrap();
    let (airtable, queue) = (Endless::default(), Queued::default());
    // The rate is another test's matter.
    let limiters = Arc::new(Limiters::new(Rate { requests: 1_000, per: Duration::from_millis(1) }));
    let rng = fastrand::Rng::with_seed(1);
    let app = Scoring::new(config, airtable.clone(), limiters, queue.clone(), Clock::system(), rng);
    let task = json!({"version": 1, "type": "score", "clients": {"one": "Guy-Wilson"},
        "kind": "post", "requested_at": "2026-11-23T02:00:00Z"});
    let mut next = Some(task.to_string());
    let mut invocations = 0;
    while let Some(body) = next.take() {
        let event: SqsEvent = serde_json::from_value(json!({"Records": [{"messageId": "m",
            "receiptHandle": "r", "body": body, "attributes": {"MessageGroupId": "g"}}]}))
        .unwrap();
        // The first has time for some pages only.
        let time = Duration::from_secs(if invocations == 0 { 41 } else { 150 });
        let response = scoring::handle(&app, event, Deadline::after(time)).await;
        assert!(response.batch_item_failures.is_empty());
        next = queue.0.lock().unwrap().rest.take();
        invocations += 1;
    }

    let counted = queue.0.lock().unwrap();
    assert_eq!((counted.records.len(), counted.planned.len()), (LEADS, LEADS));
    assert!(counted.share <= 10_000_000 && counted.share > 9_000_000, "{}", counted.share);
    let (requests, memory) = (airtable.requests.load(Ordering::Relaxed), peak_memory_mb());
    println!(
        "{LEADS} waiting leads: {requests} requests to Airtable, {memory} MB at the peak, {invocations} invocations"
    );
    assert!(requests <= 400, "{requests} requests");
    assert!(memory <= 150, "{memory} MB");
    assert!(invocations > 1, "the planning goes on in another invocation");
}
