//! Airtable or the model is unavailable during a run. The real functions, queues and event log on
//! paused time: hours pass in seconds.

use crate::paused::{World, adapters, clock, count, variable};
use metrics_finalizer::Finalizer;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::ports::QueueName;
use shared::schema::{apify, run_record};
use shared::services::airtable::Limiters;
use shared::telemetry::metrics::Metric;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, told};
use tokio::time::Instant;

const LEADS: usize = 500;
const HOUR: Duration = Duration::from_secs(3600);

/// The period of the alarms for lasting problems. Each of their periods must have a count.
const PERIOD: Duration = Duration::from_secs(900);

thread_local! {
    /// What this test's functions counted: when, and the line. Each test has its own thread.
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

#[tokio::test(start_paused = true)]
async fn airtable_away_for_two_hours_in_a_run_of_500_leads_loses_nothing() {
    count_metrics();
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
    // The alarms watch these metrics during the outage. None of the counts waits for a record.
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
async fn a_model_that_is_away_is_asked_about_the_open_waves_of_a_chunk() {
    count_metrics();
    let world = World::start_with(&[("CALLS_AT_ONCE", "4")]);
    let names: Vec<String> = (0..50).map(|n| format!("lead{n}")).collect();
    let away = json!({"fault": "unavailable", "probability": 1});
    world.services.gemini.faults().add(serde_json::from_value(away).unwrap());
    let apify_run = world.harvest(&names);
    assert_eq!(world.webhook(&apify_run).await, 202);
    // The first attempt is over, and the next one is not due.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let refused = count(&world.services.gemini.requests(), "generate", 503);
    assert_eq!(refused, 24, "of two chunks two waves of two calls, three times each");
    world.services.gemini.faults().clear();
    tokio::time::sleep(HOUR).await;
    let record = world.record();
    assert_eq!(told(&record), "Completed: 50 harvested, 50 examined, 50 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn a_model_whose_credit_is_used_up_is_asked_no_more_and_goes_on_when_it_is_topped_up() {
    const MINUTE: Duration = Duration::from_secs(60);
    count_metrics();
    let world = World::start();
    let names: Vec<String> = (0..1_000).map(|n| format!("lead{n}")).collect();
    let apify_run = world.harvest(&names);
    assert_eq!(world.webhook(&apify_run).await, 202);
    while world.answered("update") < 5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let gemini = world.services.gemini.service();
    let refused = || count(&world.services.gemini.requests(), "generate", 402);
    let begun = Instant::now();
    gemini.set_credit(false);
    tokio::time::sleep(9 * MINUTE).await;
    let at_first = refused();
    assert!(
        (1..=40).contains(&at_first),
        "{at_first}: twenty calls in each of two lanes were in flight"
    );
    assert!(counted(Metric::ModelHalted, begun)[0] > 0, "the alarm goes off");
    let scored = world.answered("update");
    tokio::time::sleep(36 * MINUTE).await;
    let probes = refused() - at_first;
    let waiting = world.queue.depth(QueueName::Retry).unwrap();
    let chunks = (waiting.visible + waiting.in_flight) as u64;
    assert!(chunks >= 2, "{chunks}");
    assert!((chunks..=4 * chunks).contains(&probes), "{probes}: one each in ten minutes");
    assert_eq!(world.answered("update"), scored, "no row is written");
    let record = world.record();
    assert_eq!(record[run_record::STATUS], "Running", "it is not stalled");
    let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap();
    let first = notes.lines().next().unwrap();
    assert!(
        first.contains("top up") && first.contains("prepayment credits are depleted"),
        "{first}"
    );
    gemini.set_credit(true);
    tokio::time::sleep(10 * MINUTE + Duration::from_secs(30)).await;
    assert!(world.answered("update") > scored, "it continues automatically");
    tokio::time::sleep(HOUR).await;
    let record = world.record();
    assert_eq!(told(&record), "Completed: 1000 harvested, 1000 examined, 1000 scored; balanced");
    assert_eq!(record[run_record::POST_TOKENS], gemini.billed_totals().usage.total);
    let leads = world.services.airtable.service().rows(CLIENT_BASE, "Leads").unwrap();
    assert!(leads.iter().all(|row| row.fields.contains_key("Posts Relevance Score")));
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
    // All of this time is reserved for the answer.
    let deadline = Deadline::after(Duration::from_secs(5));
    let response = metrics_finalizer::handle(&finalizer, events, deadline).await;
    assert_eq!(response.batch_item_failures.len(), 0, "the events are stored");
    assert_eq!(counted(Metric::RunsUnprojected, begun)[0], 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_apifys_list_tells_wrongly_waits_where_an_operator_sees_it() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let run = |started_at: Value| json!({"id": apify_run, "status": "SUCCEEDED", "startedAt": started_at, "finishedAt": "2026-11-23T09:40:00.000Z"});
    let list = json!({"data": {"items": [run(json!("soon")), {"id": 3}]}});
    let answers = world.services.apify.answers();
    for (kind, body) in [("runs", list), ("run", json!({"data": run(json!("soon"))}))] {
        let rule = json!({"status": 200, "kind": kind, "body": body});
        answers.add(serde_json::from_value(rule).unwrap());
    }
    tokio::time::sleep(4 * HOUR).await;
    let letters = world.queue.dead_letters(QueueName::Scoring).await.unwrap();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].contains("wrong or missing data at `data.startedAt`"), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missed_harvest_is_queued_once_however_long_its_task_has_to_wait() {
    count_metrics();
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
