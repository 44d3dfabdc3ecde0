//! The functions as they run on AWS: processes that do not know each other, each with its share of
//! a base's request limit. On paused time. `tests/bench/soak` runs it for an hour.

use crate::counted_log::CountedLog;
use crate::paused::{Services, World, clock, count, services_that_take, variable};
use metrics_finalizer::Finalizer;
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::{Dispatcher, MappingOptions, queue_settings};
use scoring::{Limits, Scoring};
use serde_json::json;
use shared::core::clock::Clock;
use shared::messages::{Ingest, routes};
use shared::ports::{
    Env, NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage,
};
use shared::schema::{clients, leads};
use shared::services::airtable::{Limiters, Rate};
use simulators::apify::RunSpec;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::bases::{furnish_client, furnish_master};
use tests::{lead_row, post, profile};
use tokio::task::JoinSet;

const WORKERS: usize = 8;
/// Each client has both of its lanes in work.
const CLIENTS: usize = WORKERS / 2;
const LANES: u32 = 2;
/// Leads of a harvest, in six chunks per lane. Each client has one harvest waiting while another is
/// scored.
const LEADS: usize = 2_400;
const SECOND: Duration = Duration::from_secs(1);

/// The queues with their groups on SQS.
#[derive(Clone)]
struct SqsGroups(SqliteQueue);

impl Queue for SqsGroups {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        let as_on_sqs = |message: &OutgoingMessage| {
            routes::verbatim(message.group(), message.deduplication(), message.body())
        };
        self.0.send(queue, messages.iter().map(as_on_sqs).collect()).await
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        self.0.let_wait(message).await
    }

    async fn dead_letter(&self, queue: QueueName, letter: NewDeadLetter) -> Result<(), QueueError> {
        self.0.dead_letter(queue, letter).await
    }

    async fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.0.requeue(queue, receipt, delay).await
    }
}

struct Aws;

impl Env for Aws {
    type Transport = Services;
    type Queue = SqsGroups;
    type EventLog = CountedLog;
}

fn process(services: &Services, queue: &SqliteQueue, clock: &Clock, seed: u64) -> Scoring<Aws> {
    let adapters =
        scoring::Adapters { transport: services.clone(), queue: SqsGroups(queue.clone()) };
    let (config, rng) = (scoring::Config::read(variable).unwrap(), fastrand::Rng::with_seed(seed));
    Scoring::new(config, adapters, Limits::of_one_process(LANES), clock.clone(), rng)
}

fn mapping(batch_size: usize, concurrency: usize) -> MappingOptions {
    MappingOptions {
        batch_size,
        concurrency: concurrency.try_into().unwrap(),
        function_timeout: 150 * SECOND,
        shares: None,
    }
}

/// Starts the processes. The process that was idle for longest gets the next message.
fn start(
    services: &Services,
    queue: &SqliteQueue,
    log: SqliteEventLog,
    clock: &Clock,
) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let idle = (0..WORKERS).map(|n| Arc::new(process(services, queue, clock, n as u64)));
    let idle: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(idle.collect()));
    let tasks = move |event, left| {
        let idle = Arc::clone(&idle);
        async move {
            let process = idle.lock().unwrap().pop_front().unwrap();
            let response = scoring::handle(&process, event, left).await;
            idle.lock().unwrap().push_back(process);
            response
        }
    };
    let tasks = Dispatcher::new(queue.clone(), QueueName::Scoring, mapping(1, WORKERS), tasks);
    running.spawn(tasks.unwrap().run());
    let config = metrics_finalizer::Config::read(variable).unwrap();
    // It sends nothing here, so its groups are the same as on SQS.
    let (transport, queue, log) = (services.clone(), queue.clone(), CountedLog::new(log));
    let adapters = metrics_finalizer::Adapters::<World> { transport, queue: queue.clone(), log };
    let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
    let finalizer = Arc::new(Finalizer::new(config, adapters, limiters, clock.clone()));
    let events = move |event, left| {
        let finalizer = Arc::clone(&finalizer);
        async move { metrics_finalizer::handle(&finalizer, event, left).await }
    };
    let events = Dispatcher::new(queue, QueueName::Metrics, mapping(10, 2), events);
    running.spawn(events.unwrap().run());
    running
}

/// A client whose harvests never end.
struct Client {
    name: String,
    base: String,
    harvests: usize,
    /// The record ids of the leads of the last harvests.
    leads: VecDeque<Vec<String>>,
}

impl Client {
    fn new(n: usize) -> Self {
        let (name, base) = (format!("Soaked-{n}"), format!("appSoak{n:010}"));
        Self { name, base, harvests: 0, leads: VecDeque::new() }
    }

    /// Adds a harvest of new leads, and removes the leads of the harvest before the last.
    async fn harvest(&mut self, services: &Services, queue: &SqliteQueue) {
        let airtable = services.airtable.service();
        let (n, table) = (self.harvests, leads::TABLE);
        self.harvests += 1;
        let names: Vec<String> =
            (0..LEADS).map(|lead| format!("{}-{n}-{lead}", self.name)).collect();
        let rows = names.iter().map(|name| lead_row(name).as_object().unwrap().clone()).collect();
        self.leads.push_back(airtable.insert_all(&self.base, table, rows).unwrap());
        if self.leads.len() > 2 {
            for id in self.leads.pop_front().unwrap() {
                airtable.delete_record(&self.base, table, &id).unwrap();
            }
        }
        let started_at: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let started_at = started_at + jiff::SignedDuration::from_secs(n as i64);
        let targets: Vec<String> = names.iter().map(|name| profile(name)).collect();
        let apify_run = services.apify.service().add_run(RunSpec {
            started_at: Some(started_at),
            finished_at: Some(started_at),
            input: json!({"targetUrls": targets}),
            items: names.iter().map(|name| post(name, 1, "Some words.")).collect(),
            cost_usd: Some(1.0),
            ..RunSpec::default()
        });
        let task = json!({"apify_run_id": apify_run, "event_type": "ACTOR.RUN.SUCCEEDED",
            "hints": {"client": self.name}, "received_at": "2026-11-23T10:00:00Z"});
        let task: Ingest = serde_json::from_value(task).unwrap();
        SqsGroups(queue.clone())
            .send(QueueName::Scoring, vec![routes::ingest(task)])
            .await
            .unwrap();
    }
}

/// Requests about the leads of each base since the last check, by base.
fn asked_of_leads(services: &Services) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for path in std::mem::take(&mut *services.asked.lock().unwrap()) {
        if let Some((base, _)) =
            path.strip_prefix("/v0/").and_then(|path| path.split_once("/Leads"))
        {
            *asked.entry(base.to_owned()).or_default() += 1;
        }
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn eight_processes_use_nine_tenths_of_what_is_theirs_and_airtable_never_answers_429() {
    let seconds: u32 = std::env::var("SOAK_SECONDS").map_or(120, |text| text.parse().unwrap());
    let clock = clock();
    let services = services_that_take(SECOND / 20, SECOND / 20, &clock);
    let mut soaked: Vec<Client> = (0..CLIENTS).map(Client::new).collect();
    let level = "2-Lead and post scoring";
    let rows: Vec<_> = soaked
        .iter()
        .map(|client| (&*client.name, &*client.name, clients::ACTIVE, &*client.base, level))
        .collect();
    furnish_master(services.airtable.service(), &rows);
    soaked.iter().for_each(|client| furnish_client(services.airtable.service(), &client.base));
    let database = Database::in_memory().unwrap();
    let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(1));
    let _running = start(&services, &queue, SqliteEventLog::new(database), &clock);
    let (mut busy, mut requests, mut was_full) = (0_u32, 0, vec![false; CLIENTS]);
    for _ in 0..seconds {
        let lanes = queue.lanes(QueueName::Scoring).unwrap();
        let asked = asked_of_leads(&services);
        for (client, was_full) in soaked.iter_mut().zip(&mut was_full) {
            let of_base =
                |lane: &&runtally::storage::LaneState| lane.group.starts_with(&client.base);
            let waiting: Vec<u64> =
                lanes.iter().filter(of_base).map(|lane| lane.messages).collect();
            let is_full = waiting.len() == LANES as usize && waiting.iter().all(|count| *count > 1);
            if is_full && *was_full {
                busy += 1;
                requests += asked.get(&client.base).copied().unwrap_or_default();
            }
            *was_full = is_full;
            if waiting.iter().sum::<u64>() < 6
                && !lanes.iter().any(|lane| routes::is_plan_group(&lane.group))
            {
                client.harvest(&services, &queue).await;
            }
        }
        tokio::time::sleep(SECOND).await;
    }
    let counts = services.airtable.requests();
    let refused: u64 =
        counts.iter().filter(|count| count.status == 429).map(|count| count.count).sum();
    let all: u64 = counts.iter().map(|count| count.count).sum();
    assert!(busy > seconds, "the bases were under backlog for {busy} of {CLIENTS} x {seconds} s");
    let used = f64::from(u32::try_from(requests).unwrap()) / f64::from(4 * busy);
    println!(
        "\n{}",
        json!({"workers": WORKERS, "seconds": seconds, "seconds_under_backlog": busy,
            "used": (used * 1000.0).round() / 1000.0, "requests": all, "refused": refused})
    );
    assert_eq!(refused, 0, "429 answers");
    assert_eq!(count(&counts, "update", 429), 0);
    assert!(used >= 0.9, "{used} of the chunks' four a second is used");
}
