//! 25,000 leads that wait are planned page by page: within 150 MB and 400 requests to Airtable.
//!
//! The memory is that of the process: the other tests in it need little. It prints what it measured:
//! `cargo test -p scoring --test attempts planning -- --nocapture`.

use super::stage::{Answer, Stage, World, handle, scoring};
use scoring::Scoring;
use serde_json::{Value, json};
use shared::core::deadline::Deadline;
use shared::messages::{Fact, LeadRef, Message, MetricsMessage, ScoringTask};
use shared::ports::{HttpRequest, OutgoingMessage, QueueError, QueueName, WaitingMessage};
use shared::schema::{clients, leads, post_attributes, post_instructions};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const LEADS: usize = 25_000;
const PAGE: usize = 100;

/// An Airtable whose rows are made as they are read, and queues that count what they take.
struct Endless {
    leads: usize,
    requests: AtomicUsize,
    /// Where it forgets its listing, once.
    loses_at: Mutex<Option<usize>>,
    /// Rows of which no more than 25 are answered in time.
    heavy: Range<usize>,
    /// Whether nobody can read the first row.
    is_damaged: bool,
    /// Whether the client has a token limit.
    is_limited: bool,
    counted: Mutex<Counted>,
}

impl Endless {
    fn with(leads: usize) -> Self {
        let (requests, loses_at, counted, heavy) = Default::default();
        let (is_damaged, is_limited) = (false, true);
        Self { leads, requests, loses_at, heavy, is_damaged, is_limited, counted }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap()
    }

    fn read(&self, request: &HttpRequest) -> Answer {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let offset = body["offset"].as_str().and_then(|text| text.parse::<usize>().ok());
        let mut loses_at = self.loses_at.lock().unwrap();
        if offset.is_some() && offset == *loses_at {
            *loses_at = None;
            return (422, json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}));
        }
        if self.heavy.contains(&offset.unwrap_or(0)) && body["pageSize"].as_u64() > Some(25) {
            return (503, json!({"error": {"type": "RETRIABLE_ERROR"}}));
        }
        let mut answer = answer(request.uri().path(), &body, self.leads);
        let cells = answer.pointer_mut("/records/0/fields").and_then(Value::as_object_mut);
        if let Some(cells) = cells.filter(|_| !self.is_limited) {
            cells.remove(clients::POST_TOKEN_LIMIT);
        }
        let id = &answer["records"][0]["id"];
        if self.is_damaged && offset.is_none() && body["view"] == leads::WAITING_VIEW {
            answer["records"][0] = json!({"id": id, "fields": ["no", "object"]});
        }
        (200, answer)
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
        let size = body["pageSize"].as_u64().and_then(|size| usize::try_from(size).ok());
        let until = offset + size.unwrap_or(PAGE);
        let rows = (offset..leads_in_all.min(until)).map(|n| row(n, lead(n)));
        let mut page = json!({"records": rows.collect::<Vec<_>>()});
        if until < leads_in_all {
            page["offset"] = json!(until.to_string());
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

impl World for Endless {
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(std::future::ready(self.read(request)))
    }

    fn send(&self, queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError> {
        let counted = &mut *self.counted();
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
                QueueName::Scoring => counted.add_task(message),
                QueueName::Metrics => counted.add_event(message.body()),
                QueueName::Retry => panic!("{}", message.body()),
            }
        }
        Ok(())
    }

    /// A task that fails keeps its place: that is how it shows here.
    fn let_wait(&self, message: &WaitingMessage) -> Result<(), QueueError> {
        self.counted().failed = Some(message.body().to_owned());
        let reason = format!("{:?}", message.delay());
        Err(QueueError::Unreachable { queue: QueueName::Retry, reason })
    }
}

impl Counted {
    fn add_task(&mut self, message: &OutgoingMessage) {
        match ScoringTask::decode(message.body()).unwrap() {
            ScoringTask::Chunk(chunk) => {
                self.share += chunk.token_share.unwrap_or_default();
                self.in_chunks += chunk.leads.len();
                self.chunks.push((message.group().to_owned(), chunk.leads.len()));
                self.records.extend(chunk.leads.into_iter().map(|lead| match lead.lead {
                    LeadRef::Record(record) => record.to_string(),
                    LeadRef::Profile(profile) => panic!("{profile:?}"),
                }));
            }
            ScoringTask::ScoreWaiting(_) => self.rest = Some(message.body().to_owned()),
            ScoringTask::Ingest(task) => panic!("{task:?}"),
            ScoringTask::Replay(task) => panic!("{task:?}"),
        }
    }

    fn add_event(&mut self, body: &str) {
        self.reported += 1;
        let MetricsMessage::Event(event) = MetricsMessage::decode(body).unwrap() else {
            panic!("a tick")
        };
        self.closed = false;
        if let Fact::PlannedChunk(chunk) = &event.fact {
            self.planned.extend(chunk.leads.iter().map(|lead| lead.lead.to_string()));
        }
        if let Fact::Planned(planned) = &event.fact {
            self.closed = planned.part_of.is_none();
        }
    }
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

fn task() -> String {
    let task = json!({"version": 1, "type": "score", "clients": {"one": "Guy-Wilson"},
        "kind": "post", "requested_at": "2026-11-23T02:00:00Z"});
    task.to_string()
}

/// Handles a task in an invocation of so many seconds; whether it is done.
async fn plan(app: &Scoring<Stage>, task: &str, seconds: u64) -> bool {
    handle(app, task, Deadline::after(Duration::from_secs(seconds))).await
}

/// Handles a task; what is left of it, if it failed.
async fn attempt(app: &Scoring<Stage>, world: &Endless, task: &str) -> Option<String> {
    let is_done = plan(app, task, 150).await;
    let left = world.counted().failed.take();
    left.filter(|_| !is_done)
}

#[tokio::test(start_paused = true)]
async fn waiting_leads_are_planned_without_being_held() {
    let world = Arc::new(Endless::with(LEADS));
    let app = scoring(Arc::clone(&world), &[]);
    let mut next = Some(task());
    let mut invocations = 0;
    while let Some(task) = next.take() {
        // The first has time for some pages only: they are read five a second.
        assert!(plan(&app, &task, if invocations == 0 { 41 } else { 150 }).await);
        next = world.counted().rest.take();
        invocations += 1;
    }

    let counted = world.counted();
    assert_eq!((counted.records.len(), counted.planned.len()), (LEADS, LEADS));
    assert!(counted.closed && counted.in_chunks == LEADS);
    assert!(counted.share <= 10_000_000 && counted.share > 9_000_000, "{}", counted.share);
    let (requests, memory) = (world.requests.load(Ordering::Relaxed), peak_memory_mb());
    println!(
        "{LEADS} waiting leads: {requests} requests to Airtable, {memory} MB at the peak, \
         {invocations} invocations"
    );
    assert!(requests <= 400, "{requests} requests");
    assert!(memory <= 150, "{memory} MB");
    assert_eq!(invocations, 2, "the planning goes on in another invocation");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_lost_is_begun_again_and_plans_no_lead_twice() {
    let loses_at = Mutex::new(Some(1_200));
    let world = Arc::new(Endless { loses_at, ..Endless::with(2_000) });
    assert!(plan(&scoring(Arc::clone(&world), &[]), &task(), 150).await);
    let counted = world.counted();
    assert_eq!((counted.planned.len(), counted.in_chunks, counted.closed), (2_000, 2_000, true));
}

/// Pages are asked for with 100 rows, 50 and 25; behind the heavy rows with 50 and 100 again.
#[tokio::test(start_paused = true)]
async fn rows_that_airtable_does_not_answer_in_time_are_listed_fewer_at_a_time_and_no_others() {
    let without = Arc::new(Endless::with(1_000));
    assert!(plan(&scoring(Arc::clone(&without), &[]), &task(), 150).await);
    let heavy = Arc::new(Endless { heavy: 300..400, ..Endless::with(1_000) });
    assert!(plan(&scoring(Arc::clone(&heavy), &[]), &task(), 150).await);
    let counted = heavy.counted();
    assert_eq!((counted.planned.len(), counted.in_chunks, counted.closed), (1_000, 1_000, true));
    let requests = |world: &Endless| world.requests.load(Ordering::Relaxed);
    // Three pages before, nine requests for the heavy rows, and seven pages behind them.
    assert_eq!(requests(&heavy) - requests(&without), 3 + 9 + 7 - 10);
}

#[tokio::test(start_paused = true)]
async fn planning_that_died_anywhere_is_begun_again_and_covers_every_lead() {
    for sends in 0..11 {
        let world = Arc::new(Endless::with(1_000));
        world.counted().fails_after = Some(sends);
        let app = scoring(Arc::clone(&world), &[]);
        let died = !plan(&app, &task(), 150).await;
        assert_eq!(died, sends < 9, "{sends}");
        if died {
            assert!(!world.counted().closed, "the run is not over");
            assert!(plan(&app, &task(), 150).await);
        }
        let counted = world.counted();
        assert_eq!((counted.planned.len(), counted.records.len()), (1_000, 1_000));
        assert!(counted.closed, "{sends}");
    }
}

/// Rows are read by the hundred and written by the ten: only a lane's last ones are fewer.
#[tokio::test(start_paused = true)]
async fn parts_of_a_plan_leave_no_short_reads_and_writes_between_them() {
    let world = Arc::new(Endless { is_limited: false, ..Endless::with(2_150) });
    assert!(plan(&scoring(Arc::clone(&world), &[]), &task(), 150).await);
    let counted = world.counted();
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

#[tokio::test(start_paused = true)]
async fn leads_that_were_held_for_a_part_that_nobody_queued_are_planned_by_the_next_attempt() {
    for sends in 0..13 {
        let world = Arc::new(Endless { is_limited: false, ..Endless::with(1_250) });
        world.counted().fails_after = Some(sends);
        let app = scoring(Arc::clone(&world), &[]);
        let mut tries = 1;
        // What an attempt that fails leaves for the next one travels in its task.
        let mut next = task();
        while let Some(rest) = attempt(&app, &world, &next).await {
            (next, tries) = (rest, tries + 1);
        }
        let counted = world.counted();
        assert_eq!(tries, if sends < 12 { 2 } else { 1 }, "{sends}");
        assert_eq!((counted.planned.len(), counted.records.len()), (1_250, 1_250), "{sends}");
        assert!(counted.closed && counted.in_chunks < 2_000, "{sends}: {}", counted.in_chunks);
    }
}

/// A dry run that creates a record would say that a run is going on which nobody began.
#[tokio::test(start_paused = true)]
async fn a_dry_run_that_pauses_over_a_row_that_nobody_can_read_reports_nothing() {
    let world = Arc::new(Endless { is_damaged: true, ..Endless::with(300) });
    let app = scoring(Arc::clone(&world), &[]);
    let mut dry_run: Value = serde_json::from_str(&task()).unwrap();
    dry_run["dry_run"] = json!(true);
    // There is time for a page only.
    assert!(plan(&app, &dry_run.to_string(), 39).await);
    let rest = world.counted().rest.take().expect("it goes on in another invocation");
    assert!(plan(&app, &rest, 150).await);
    let counted = world.counted();
    assert_eq!((counted.reported, counted.in_chunks), (0, 0));
}
