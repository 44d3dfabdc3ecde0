//! 25,000 leads that wait are planned page by page: within 150 MB and 400 requests to Airtable.
//!
//! In a file, and so a process, of its own: the memory is the process's. It prints what it
//! measured: `cargo test -p scoring --test planning -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use aws_lambda_events::event::sqs::SqsEvent;
use bytes::Bytes;
use scoring::{Adapters, Config, Limits, Scoring};
use serde_json::{Map, Value, json};
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::messages::{Fact, LeadRef, Message, MetricsMessage, ScoringTask};
use shared::ports::{
    Env, HttpRequest, HttpResponse, NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName,
    Transport, TransportError, WaitingMessage,
};
use shared::schema::{clients, leads, post_attributes, post_instructions};
use shared::services::airtable::{Limiters, Rate};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LEADS: usize = 25_000;
const PAGE: usize = 100;

/// An Airtable whose rows are made as they are read.
#[derive(Clone)]
struct Endless {
    leads: usize,
    requests: Arc<AtomicUsize>,
    /// Where it forgets its listing, once.
    loses_at: Arc<Mutex<Option<usize>>>,
    /// Whether nobody can read the first row.
    is_damaged: bool,
    /// Whether the client has a token limit.
    is_limited: bool,
}

impl Endless {
    fn with(leads: usize, loses_at: Option<usize>) -> Self {
        let loses_at = Arc::new(Mutex::new(loses_at));
        Self { leads, requests: Arc::default(), loses_at, is_damaged: false, is_limited: true }
    }
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
        let offset = body["offset"].as_str().and_then(|text| text.parse::<usize>().ok());
        let mut loses_at = self.loses_at.lock().unwrap();
        let (status, answer) = if offset.is_some() && offset == *loses_at {
            *loses_at = None;
            (422, json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}))
        } else {
            let mut answer = answer(&path, &body, self.leads);
            let cells = answer.pointer_mut("/records/0/fields").and_then(Value::as_object_mut);
            if let Some(cells) = cells.filter(|_| !self.is_limited) {
                cells.remove(clients::POST_TOKEN_LIMIT);
            }
            let id = &answer["records"][0]["id"];
            if self.is_damaged && offset.is_none() && body["view"] == leads::WAITING_VIEW {
                answer["records"][0] = json!({"id": id, "fields": ["no", "object"]});
            }
            (200, answer)
        };
        let mut response = http::Response::new(Bytes::from(answer.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

fn answer(path: &str, body: &Value, leads_in_all: usize) -> Value {
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
        let rows = (offset..leads_in_all.min(offset + PAGE)).map(|n| row(n, lead(n)));
        let mut page = json!({"records": rows.collect::<Vec<_>>()});
        if offset + PAGE < leads_in_all {
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
    /// Leads in chunks, one that is in two twice.
    in_chunks: usize,
    /// The lane of each chunk, and how many leads it has.
    chunks: Vec<(String, usize)>,
    /// Whether the plan that ends the planning was reported.
    closed: bool,
    /// Sends that are let through before one fails, once.
    fails_after: Option<usize>,
    /// The rest of the planning, for the next invocation.
    rest: Option<String>,
    /// The task of the attempt that failed, as the next one has to have it.
    failed: Option<String>,
    /// Facts that were reported.
    reported: usize,
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
        match counted.fails_after {
            Some(0) => {
                counted.fails_after = None;
                let reason = "a broken connection".to_owned();
                return Err(QueueError::Unreachable { queue, reason });
            }
            Some(left) => counted.fails_after = Some(left - 1),
            None => {}
        }
        // A queue may take any messages of one sending: a plan without what is in its chunks.
        let plans = messages.iter().filter(|m| m.body().contains(r#""type":"planned""#)).count();
        assert!(plans == 0 || plans == messages.len(), "a plan is told after all else");
        for message in messages {
            match queue {
                QueueName::Scoring => match ScoringTask::decode(message.body()).unwrap() {
                    ScoringTask::Chunk(chunk) => {
                        counted.share += chunk.token_share.unwrap_or_default();
                        counted.in_chunks += chunk.leads.len();
                        let of_lane = (message.group().to_owned(), chunk.leads.len());
                        counted.chunks.push(of_lane);
                        counted.records.extend(chunk.leads.into_iter().map(
                            |lead| match lead.lead {
                                LeadRef::Record(record) => record.to_string(),
                                LeadRef::Profile(profile) => panic!("{profile:?}"),
                            },
                        ));
                    }
                    ScoringTask::ScoreWaiting(_) => counted.rest = Some(message.body().to_owned()),
                    ScoringTask::Ingest(task) => panic!("{task:?}"),
                    ScoringTask::Replay(task) => panic!("{task:?}"),
                },
                QueueName::Metrics => {
                    counted.reported += 1;
                    let MetricsMessage::Event(event) =
                        MetricsMessage::decode(message.body()).unwrap()
                    else {
                        panic!("a tick")
                    };
                    counted.closed = false;
                    if let Fact::PlannedChunk(chunk) = &event.fact {
                        let keys = chunk.leads.iter().map(|lead| lead.lead.to_string());
                        counted.planned.extend(keys);
                    }
                    if let Fact::Planned(planned) = &event.fact {
                        counted.closed = planned.part_of.is_none();
                    }
                }
                QueueName::Retry => panic!("{}", message.body()),
            }
        }
        Ok(())
    }

    /// A task that fails keeps its place: that is how it shows here.
    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        self.0.lock().unwrap().failed = Some(message.body().to_owned());
        let reason = format!("{:?}", message.delay());
        Err(QueueError::Unreachable { queue: QueueName::Retry, reason })
    }

    async fn dead_letter(&self, _: QueueName, message: NewDeadLetter) -> Result<(), QueueError> {
        panic!("{}", message.reason)
    }

    async fn requeue(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

struct InMemory;

impl Env for InMemory {
    type Transport = Endless;
    type Queue = Queued;
    type EventLog = DynamoEventLog;
}

fn scoring(airtable: &Endless, queue: &Queued) -> Scoring<InMemory> {
    let variables: Map<String, Value> = serde_json::from_value(json!({
        "AIRTABLE_TOKEN": "patInvented", "MASTER_BASE_ID": "appMaster00000001",
        "APIFY_TOKEN": "invented", "GEMINI_API_KEY": "invented"}))
    .unwrap();
    let config =
        Config::read(|name| variables.get(name).and_then(Value::as_str).map(str::to_owned))
            .unwrap();
    // The rate is another test's matter.
    let limiters =
        Arc::new(Limiters::of_one_process(Rate { requests: 1_000, per: Duration::from_millis(1) }));
    let limits = Limits::of_the_only_process(&limiters);
    let adapters = Adapters { transport: airtable.clone(), queue: queue.clone() };
    let rng = fastrand::Rng::with_seed(1);
    Scoring::new(config, adapters, limits, Clock::system(), rng)
}

fn task() -> String {
    let task = json!({"version": 1, "type": "score", "clients": {"one": "Guy-Wilson"},
        "kind": "post", "requested_at": "2026-11-23T02:00:00Z"});
    task.to_string()
}

/// Handles a task; whether it is done.
async fn handle(app: &Scoring<InMemory>, task: &str, seconds: u64) -> bool {
    let event: SqsEvent = serde_json::from_value(json!({"Records": [{"messageId": "m",
        "receiptHandle": "r", "body": task, "attributes": {"MessageGroupId": "g"}}]}))
    .unwrap();
    let deadline = Deadline::after(Duration::from_secs(seconds));
    scoring::handle(app, event, deadline).await.batch_item_failures.is_empty()
}

/// Handles a task; what is left of it, if it failed.
async fn attempt(app: &Scoring<InMemory>, queue: &Queued, task: &str) -> Option<String> {
    let is_done = handle(app, task, 150).await;
    let left = queue.0.lock().unwrap().failed.take();
    left.filter(|_| !is_done)
}

#[tokio::test]
async fn waiting_leads_are_planned_without_being_held() {
    let (airtable, queue) = (Endless::with(LEADS, None), Queued::default());
    let app = scoring(&airtable, &queue);
    let mut next = Some(task());
    let mut invocations = 0;
    while let Some(task) = next.take() {
        // The first has time for some pages only.
        assert!(handle(&app, &task, if invocations == 0 { 41 } else { 150 }).await);
        next = queue.0.lock().unwrap().rest.take();
        invocations += 1;
    }

    let counted = queue.0.lock().unwrap();
    assert_eq!((counted.records.len(), counted.planned.len()), (LEADS, LEADS));
    assert!(counted.closed && counted.in_chunks == LEADS);
    assert!(counted.share <= 10_000_000 && counted.share > 9_000_000, "{}", counted.share);
    let (requests, memory) = (airtable.requests.load(Ordering::Relaxed), peak_memory_mb());
    println!(
        "{LEADS} waiting leads: {requests} requests to Airtable, {memory} MB at the peak, \
         {invocations} invocations"
    );
    assert!(requests <= 400, "{requests} requests");
    assert!(memory <= 150, "{memory} MB");
    assert!(invocations > 1, "the planning goes on in another invocation");
}

#[tokio::test]
async fn a_listing_that_is_lost_is_begun_again_and_plans_no_lead_twice() {
    let (airtable, queue) = (Endless::with(2_000, Some(1_200)), Queued::default());
    assert!(handle(&scoring(&airtable, &queue), &task(), 150).await);
    let counted = queue.0.lock().unwrap();
    assert_eq!((counted.planned.len(), counted.in_chunks, counted.closed), (2_000, 2_000, true));
}

#[tokio::test]
async fn planning_that_died_anywhere_is_begun_again_and_covers_every_lead() {
    for sends in 0..11 {
        let (airtable, queue) = (Endless::with(1_000, None), Queued::default());
        queue.0.lock().unwrap().fails_after = Some(sends);
        let app = scoring(&airtable, &queue);
        let died = !handle(&app, &task(), 150).await;
        assert_eq!(died, sends < 9, "{sends}");
        if died {
            assert!(!queue.0.lock().unwrap().closed, "the run is not over");
            assert!(handle(&app, &task(), 150).await);
        }
        let counted = queue.0.lock().unwrap();
        assert_eq!((counted.planned.len(), counted.records.len()), (1_000, 1_000));
        assert!(counted.closed, "{sends}");
    }
}

/// Rows are read by the hundred and written by the ten: only a lane's last ones are fewer.
#[tokio::test]
async fn parts_of_a_plan_leave_no_short_reads_and_writes_between_them() {
    let (mut airtable, queue) = (Endless::with(2_150, None), Queued::default());
    airtable.is_limited = false;
    assert!(handle(&scoring(&airtable, &queue), &task(), 150).await);
    let counted = queue.0.lock().unwrap();
    assert_eq!((counted.records.len(), counted.in_chunks, counted.closed), (2_150, 2_150, true));
    let mut of_lanes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (lane, leads) in &counted.chunks {
        of_lanes.entry(lane).or_default().push(*leads);
    }
    assert_eq!(of_lanes.len(), 2);
    for chunks in of_lanes.values() {
        let all: usize = chunks.iter().sum();
        for rows in [100, 10] {
            let requests: usize = chunks.iter().map(|leads| leads.div_ceil(rows)).sum();
            assert_eq!(requests, all.div_ceil(rows), "{rows} rows a request: {chunks:?}");
        }
    }
}

#[tokio::test]
async fn leads_that_were_held_for_a_part_that_nobody_queued_are_planned_by_the_next_attempt() {
    for sends in 0..13 {
        let (mut airtable, queue) = (Endless::with(1_250, None), Queued::default());
        airtable.is_limited = false;
        queue.0.lock().unwrap().fails_after = Some(sends);
        let app = scoring(&airtable, &queue);
        let mut tries = 1;
        // What an attempt that fails leaves for the next one travels in its task.
        let mut next = task();
        while let Some(rest) = attempt(&app, &queue, &next).await {
            (next, tries) = (rest, tries + 1);
        }
        let counted = queue.0.lock().unwrap();
        assert_eq!(tries, if sends < 12 { 2 } else { 1 }, "{sends}");
        assert_eq!((counted.planned.len(), counted.records.len()), (1_250, 1_250), "{sends}");
        assert!(counted.closed && counted.in_chunks < 2_000, "{sends}: {}", counted.in_chunks);
    }
}

/// A dry run that creates a record would say that a run is going on which nobody began.
#[tokio::test]
async fn a_dry_run_that_pauses_over_a_row_that_nobody_can_read_reports_nothing() {
    let (mut airtable, queue) = (Endless::with(300, None), Queued::default());
    airtable.is_damaged = true;
    let app = scoring(&airtable, &queue);
    let mut dry_run: Value = serde_json::from_str(&task()).unwrap();
    dry_run["dry_run"] = json!(true);
    // There is time for a page only.
    assert!(handle(&app, &dry_run.to_string(), 39).await);
    let rest = queue.0.lock().unwrap().rest.take().expect("it goes on in another invocation");
    assert!(handle(&app, &rest, 150).await);
    let counted = queue.0.lock().unwrap();
    assert_eq!((counted.reported, counted.in_chunks), (0, 0));
}
