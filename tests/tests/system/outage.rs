//! Airtable or the model is away while a run goes on. The real functions, queues and event log, on
//! paused time: the hours pass in seconds.

use lambda_http::http::Request;
use lambda_http::{Body, http};
use metrics_finalizer::{Adapters, Finalizer};
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::{queue_settings, start_functions};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::ports::{Env, HttpRequest, HttpResponse, QueueName, Transport, TransportError};
use shared::schema::{apify, run_record};
use shared::services::airtable::Limiters;
use shared::telemetry::metrics::Metric;
use simulators::airtable::{Airtable, AirtableOptions, Token};
use simulators::apify::{Apify, ApifyOptions, DEFAULT_ACTOR, HttpSender, RunSpec};
use simulators::gemini::{Gemini, GeminiOptions};
use simulators::{Answer, FaultRule, NoStore, RequestCount, Simulated};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use tests::{
    CLIENT, CLIENT_BASE, MASTER_BASE, WEBHOOK_TOKEN, furnish, lead_row, post, profile, told,
};
use tokio::task::JoinSet;
use tokio::time::Instant;
use webhook_intake::Intake;

const LEADS: usize = 500;
const HOUR: Duration = Duration::from_secs(3600);

/// The period of the alarms that watch for what lasts; each of theirs must have something.
const PERIOD: Duration = Duration::from_secs(900);

thread_local! {
    /// What this test's functions counted: when, and the line. Each test has a thread of its own.
    static COUNTED: RefCell<Vec<(Instant, Value)>> = const { RefCell::new(Vec::new()) };
}

fn count_metrics() {
    shared::telemetry::metrics::init_to("tests".to_owned(), "tests", Clock::system(), |line| {
        let line = serde_json::from_str(line)?;
        COUNTED.with_borrow_mut(|counted| counted.push((Instant::now(), line)));
        Ok(())
    });
}

/// How often `metric` was counted in each period of the two hours from `begin`.
fn counted(metric: Metric, begin: Instant) -> [u64; 8] {
    let period = |n: u32| begin + n * PERIOD..begin + (n + 1) * PERIOD;
    COUNTED.with_borrow(|counted| {
        [0, 1, 2, 3, 4, 5, 6, 7].map(|n| {
            let in_period = counted.iter().filter(|(at, _)| period(n).contains(at));
            in_period.filter_map(|(_, line)| line[metric.name()].as_u64()).sum()
        })
    })
}

/// The services, reached in process by host name.
#[derive(Clone)]
struct Services {
    airtable: Arc<Simulated<Airtable>>,
    apify: Arc<Simulated<Apify>>,
    gemini: Arc<Simulated<Gemini>>,
}

impl Transport for Services {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = async {
            match host.as_str() {
                "airtable.invalid" => self.airtable.call(request).await,
                "apify.invalid" => self.apify.call(request).await,
                _ => self.gemini.call(request).await,
            }
        };
        let lost = |reason: &str| TransportError::AnswerLost {
            host: host.clone(),
            reason: reason.to_owned(),
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(Answer::Reply(response)) => Ok(response),
            Ok(Answer::Lost) => Err(lost("the connection broke")),
            Err(_elapsed) => Err(lost("timed out")),
        }
    }
}

impl Env for World {
    type Transport = Services;
    type Queue = SqliteQueue;
    type EventLog = SqliteEventLog;
}

/// The whole system on tokio's time.
struct World {
    services: Services,
    queue: SqliteQueue,
    intake: Intake<SqliteQueue>,
    _tasks: JoinSet<()>,
}

fn variable(name: &'static str) -> Option<String> {
    let value = match name {
        "WEBHOOK_TOKEN" => WEBHOOK_TOKEN,
        "AIRTABLE_API_URL" => "http://airtable.invalid",
        "APIFY_API_URL" => "http://apify.invalid/v2",
        "GEMINI_API_URL" => "http://gemini.invalid",
        "AIRTABLE_TOKEN" | "APIFY_TOKEN" | "GEMINI_API_KEY" => "invented",
        "MASTER_BASE_ID" => MASTER_BASE,
        "APIFY_ACTORS" => DEFAULT_ACTOR,
        _ => return None,
    };
    Some(value.to_owned())
}

fn services(clock: &Clock) -> Services {
    let now = clock.clone();
    let clock = simulators::Clock::new(move || now.now());
    let airtable = AirtableOptions {
        tokens: vec![Token::full("invented")],
        latency: Duration::from_millis(150),
        ..AirtableOptions::default()
    };
    let airtable = Airtable::new(airtable, clock.clone(), Arc::new(NoStore), 1).unwrap();
    let tokens = vec!["invented".to_owned()];
    let apify = ApifyOptions { tokens: tokens.clone(), ..ApifyOptions::default() };
    let sender = Arc::new(HttpSender::new());
    let apify = Apify::new(apify, clock.clone(), Arc::new(NoStore), sender);
    let latency = Duration::from_secs(3);
    let gemini = GeminiOptions { api_keys: tokens, latency, ..GeminiOptions::default() };
    let gemini = Gemini::new(gemini, clock, Arc::new(NoStore));
    Services {
        airtable: Arc::new(Simulated::new(airtable, 1)),
        apify: Arc::new(Simulated::new(apify, 1)),
        gemini: Arc::new(Simulated::new(gemini, 1)),
    }
}

/// The adapters that a system with this clock has, over furnished bases and an empty database.
fn adapters(clock: &Clock) -> Adapters<World> {
    let transport = services(clock);
    furnish(transport.airtable.service());
    let database = Database::in_memory().unwrap();
    let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(1));
    Adapters { transport, queue, log: SqliteEventLog::new(database) }
}

fn clock() -> Clock {
    Clock::following_tokio("2026-11-23T10:00:00Z".parse().unwrap())
}

impl World {
    fn start() -> Self {
        count_metrics();
        let clock = clock();
        let adapters = adapters(&clock);
        let (services, queue) = (adapters.transport.clone(), adapters.queue.clone());
        let (intake, tasks) = start_functions(&variable, adapters, &clock, 1).unwrap();
        Self { services, queue, intake, _tasks: tasks }
    }

    /// Adds leads, and a harvest with a post of each; returns the Apify run's id.
    fn harvest(&self, names: &[String]) -> String {
        let airtable = self.services.airtable.service();
        let rows = names.iter().map(|name| lead_row(name).as_object().unwrap().clone());
        airtable.insert_all(CLIENT_BASE, "Leads", rows.collect()).unwrap();
        let targets: Vec<String> = names.iter().map(|name| profile(name)).collect();
        self.services.apify.service().add_run(RunSpec {
            started_at: Some("2026-11-23T09:45:19Z".parse().unwrap()),
            finished_at: Some("2026-11-23T09:59:00Z".parse().unwrap()),
            input: json!({"targetUrls": targets}),
            items: names.iter().map(|name| post(name, 1, "Some words.")).collect(),
            cost_usd: Some(1.0),
            ..RunSpec::default()
        })
    }

    /// Posts the webhook of a harvest; returns the answer's status.
    async fn webhook(&self, apify_run: &str) -> u16 {
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run}});
        let request = Request::post("/webhooks/apify?clientId=Guy-Wilson")
            .header(http::header::AUTHORIZATION, format!("Bearer {WEBHOOK_TOKEN}"))
            .body(Body::Text(body.to_string()))
            .unwrap();
        webhook_intake::handle(&self.intake, request).await.status().as_u16()
    }

    fn take_airtable_away(&self) {
        let away = json!({"fault": "unavailable", "probability": 1});
        let away: FaultRule = serde_json::from_value(away).unwrap();
        self.services.airtable.faults().add(away);
    }

    fn answered(&self, kind: &str) -> u64 {
        count(&self.services.airtable.requests(), kind, 200)
    }

    fn record(&self) -> serde_json::Map<String, Value> {
        let airtable = self.services.airtable.service();
        let mut rows = airtable.rows(MASTER_BASE, run_record::TABLE).unwrap();
        assert_eq!(rows.len(), 1, "run records: {rows:#?}");
        rows.remove(0).fields
    }
}

fn count(requests: &[RequestCount], kind: &str, status: u16) -> u64 {
    let requests = requests.iter().filter(|r| r.kind == kind && r.status == status);
    requests.map(|request| request.count).sum()
}

#[tokio::test(start_paused = true)]
async fn airtable_away_for_two_hours_in_a_run_of_500_leads_loses_nothing() {
    let world = World::start();
    let names: Vec<String> = (0..LEADS).map(|n| format!("lead{n}")).collect();
    let apify_run = world.harvest(&names);
    assert_eq!(world.webhook(&apify_run).await, 202);
    while world.answered("update") < 5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let away_since = Instant::now();
    world.take_airtable_away();
    for _ in 0..12 {
        tokio::time::sleep(HOUR / 6).await;
        assert_eq!(world.webhook(&apify_run).await, 202, "every webhook is accepted");
    }
    assert!(world.answered("update") < 20, "it was away in the middle of the run");
    // What the alarms watch, as long as it lasts; nothing of it waits for a record.
    for metric in [Metric::RunsUnprojected, Metric::MessagesGivenBack, Metric::Ticks] {
        let counted = counted(metric, away_since);
        assert!(counted.iter().all(|count| *count > 0), "{metric:?}: {counted:?}");
    }
    let stalled = counted(Metric::RunsStalled, away_since);
    assert_eq!(stalled.iter().sum::<u64>(), 1, "counted when it was found: {stalled:?}");
    world.services.airtable.faults().clear();
    tokio::time::sleep(HOUR).await;

    let record = world.record();
    assert_eq!(told(&record), "Completed: 500 harvested, 500 examined, 500 scored; balanced");
    let billed = world.services.gemini.service().billed_totals().usage.total;
    assert_eq!(record[run_record::POST_TOKENS], billed);
    for queue in QueueName::ALL {
        let depth = world.queue.depth(queue).unwrap();
        assert_eq!((depth.dead, depth.visible, depth.in_flight), (0, 0, 0), "{queue:?}");
    }
    let leads = world.services.airtable.service().rows(CLIENT_BASE, "Leads").unwrap();
    assert!(leads.iter().all(|row| row.fields.contains_key("Posts Relevance Score")));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_away_is_asked_about_one_wave_of_a_chunk() {
    let world = World::start();
    let names: Vec<String> = (0..50).map(|n| format!("lead{n}")).collect();
    let away = json!({"fault": "unavailable", "probability": 1});
    world.services.gemini.faults().add(serde_json::from_value(away).unwrap());
    let apify_run = world.harvest(&names);
    assert_eq!(world.webhook(&apify_run).await, 202);
    // The first try is over, the next one is not due.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let refused = count(&world.services.gemini.requests(), "generate", 503);
    assert_eq!(refused, 12, "of two chunks two calls of five leads, three times each");
    world.services.gemini.faults().clear();
    tokio::time::sleep(HOUR).await;
    let record = world.record();
    assert_eq!(told(&record), "Completed: 50 harvested, 50 examined, 50 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn records_that_an_invocation_has_no_time_for_are_counted() {
    count_metrics();
    let clock = clock();
    let config = metrics_finalizer::Config::read(variable).unwrap();
    let limiters = Arc::new(Limiters::of_the_only_process());
    let finalizer = Finalizer::new(config, adapters(&clock), limiters, clock);
    let events = include_str!("../../../events/metrics-events.json");
    let events = serde_json::from_str(events).unwrap();
    let begun = Instant::now();
    // All of it is kept back for the answer.
    let deadline = Deadline::after(Duration::from_secs(5));
    let response = metrics_finalizer::handle(&finalizer, events, deadline).await;
    assert_eq!(response.batch_item_failures.len(), 0, "the events are stored");
    assert_eq!(counted(Metric::RunsUnprojected, begun)[0], 1);
}

#[tokio::test(start_paused = true)]
async fn a_missed_harvest_is_queued_once_however_long_its_task_has_to_wait() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let row = json!({apify::APIFY_RUN_ID: apify_run, apify::CLIENT_ID: CLIENT});
    let airtable = world.services.airtable.service();
    airtable.insert(MASTER_BASE, apify::TABLE, row.as_object().unwrap().clone()).unwrap();
    world.take_airtable_away();
    tokio::time::sleep(HOUR).await;
    let tasks = |queue| {
        let depth = world.queue.depth(queue).unwrap();
        depth.visible + depth.in_flight
    };
    let tasks = tasks(QueueName::Scoring) + tasks(QueueName::Retry);
    assert_eq!(tasks, 1, "six ticks have found it");
    world.services.airtable.faults().clear();
    tokio::time::sleep(HOUR).await;
    assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}
