//! Stuck work does not hold up other work. On paused time; only order and counts are judged.

use crate::paused::World;
use serde_json::json;
use shared::core::failure::MAX_ATTEMPTS;
use shared::core::tokens::TokenUsage;
use shared::messages::{
    AttemptRef, Billed, BilledCall, CallOutcome, Fact, Kind, MetricsEvent, Opened, OpenedBy,
    RunHeader, RunType, routes,
};
use shared::ports::{Queue, QueueName};
use shared::schema::run_record;
use simulators::apify::{RunSpec, RunStatus};
use std::time::Duration;
use tests::{CLIENT, MASTER_BASE, told};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// A harvest that Apify still calls RUNNING although its webhook says that it ended.
fn stuck_harvest(world: &World) -> String {
    world.services.apify.service().add_run(RunSpec {
        status: RunStatus::Running,
        started_at: Some("2026-11-23T09:45:19Z".parse().unwrap()),
        ..RunSpec::default()
    })
}

/// The positions of the requests about these harvests among all requests. Each is an attempt.
fn attempts(world: &World, apify_runs: &[String]) -> Vec<usize> {
    let asked = world.services.asked.lock().unwrap();
    let is_one = |path: &String| apify_runs.iter().any(|run| path.ends_with(&format!("/{run}")));
    asked.iter().enumerate().filter(|(_, path)| is_one(path)).map(|(at, _)| at).collect()
}

// Each client has its own lane for its plans, so the harvests of one client share a lane.

#[tokio::test(start_paused = true)]
async fn a_harvest_begins_before_the_second_attempt_at_the_stuck_one_before_it_in_the_lane() {
    let world = World::start();
    let stuck = vec![stuck_harvest(&world)];
    let harvest = world.harvest(&["jane".to_owned()]);
    assert_eq!(world.webhook(&stuck[0]).await, 202);
    while attempts(&world, &stuck).is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    assert_eq!(world.webhook(&harvest).await, 202);
    tokio::time::sleep(5 * SECOND).await;
    let (first, other) =
        (attempts(&world, &stuck), attempts(&world, std::slice::from_ref(&harvest)));
    assert!(!other.is_empty() && first.len() == 1, "{other:?} and a first attempt: {first:?}");
    tokio::time::sleep(HOUR).await;
    let tried = attempts(&world, &stuck).len();
    assert!(tried > 5, "it is tried all the while: {tried}");
    let told: Vec<String> = world.records().iter().map(told).collect();
    assert_eq!(told, ["Running: 1 harvested, 1 examined, 1 scored; balanced"], "one run has both");
}

#[tokio::test(start_paused = true)]
async fn twenty_stuck_tasks_delay_the_one_behind_them_by_an_attempt_each_at_most() {
    let world = World::start();
    let stuck: Vec<String> = (0..20).map(|_| stuck_harvest(&world)).collect();
    for apify_run in &stuck {
        assert_eq!(world.webhook(apify_run).await, 202);
    }
    let harvest = world.harvest(&["jane".to_owned()]);
    assert_eq!(world.webhook(&harvest).await, 202);
    tokio::time::sleep(120 * SECOND).await;
    let other = attempts(&world, &[harvest]);
    let other = *other.first().expect("it begins within two minutes");
    let before = attempts(&world, &stuck).into_iter().filter(|at| *at < other).count();
    assert!((1..=20).contains(&before), "{before} attempts at the stuck ones before it");
}

#[tokio::test(start_paused = true)]
async fn a_stuck_task_is_given_up_with_its_reason_after_as_many_attempts_as_ever() {
    let world = World::start();
    let stuck = vec![stuck_harvest(&world)];
    assert_eq!(world.webhook(&stuck[0]).await, 202);
    tokio::time::sleep(3 * HOUR).await;
    assert_eq!(world.queue.depth(QueueName::Scoring).unwrap().dead, 0, "for three hours and more");
    let record = world.record();
    for (field, told) in [
        (run_record::SYSTEM_NOTES, "It has waited since 20"),
        (run_record::PROGRESS_LOG, "Had to wait: "),
    ] {
        let text = record[field].to_string();
        let why = format!("Apify run {} is still running", stuck[0]);
        assert!(text.contains(told) && text.matches(&why).count() == 1, "{text}");
    }
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(attempts(&world, &stuck).len(), MAX_ATTEMPTS as usize);
    let letters = world.queue.dead_letters(QueueName::Scoring).await.unwrap();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    let reason = format!("failed after 25 attempts: Apify run {} is still running", stuck[0]);
    assert_eq!(reasons, [reason]);

    // When it can be done, the dead letter starts at its first attempt again.
    let ids = letters.into_iter().map(|letter| letter.message_id).collect();
    assert_eq!(world.queue.redrive(QueueName::Scoring, &ids).await.unwrap(), 1);
    tokio::time::sleep(HOUR).await;
    assert!(attempts(&world, &stuck).len() > MAX_ATTEMPTS as usize + 5, "it is tried again");
    assert_eq!(world.queue.depth(QueueName::Scoring).unwrap().dead, 0);
}

/// Sends the finalizer facts about a run, one at a time.
async fn tell(world: &World, fact: Fact) {
    let at = "2026-11-23T10:00:00Z".parse().unwrap();
    let run = RunHeader {
        run_stamp: "261123-094519".parse().unwrap(),
        client: CLIENT.parse().unwrap(),
        client_name: "Guy Wilson".to_owned(),
        run_type: RunType::Standalone,
        opened_at: at,
    };
    let event = routes::event(&MetricsEvent { run, at, fact }, &MASTER_BASE.parse().unwrap());
    world.queue.send(QueueName::Metrics, vec![event]).await.unwrap();
}

/// The bill of a wave's only call with this many tokens.
fn billed(wave: u32, tokens: u64) -> Fact {
    let usage = TokenUsage { prompt: tokens, total: tokens, ..TokenUsage::default() };
    let outcome = json!({"call": 0, "outcome": "answered", "usage": usage, "model": "m"});
    let call: BilledCall = serde_json::from_value(outcome).unwrap();
    assert!(matches!(call.outcome, CallOutcome::Answered { .. }));
    Fact::Billed(Billed {
        attempt: AttemptRef {
            plan: "IMWhSz8Df0ytWalS961bKQ".parse().unwrap(),
            chunk: 0,
            started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            attempt: "6Kbq8tZ1vQ0Fh3mPzXn2Lw".parse().unwrap(),
        },
        kind: Kind::Post,
        wave,
        round: 0,
        calls: vec![call],
        halt: None,
    })
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_put_off_is_written_when_it_is_due_although_no_event_follows() {
    let world = World::start();
    let tokens = || world.record()[run_record::POST_TOKENS].clone();
    // Not close to a tick, which writes the record too.
    tokio::time::sleep(60 * SECOND).await;
    let apify_run = "HG7ML7M8z78YcAPEB".parse().unwrap();
    tell(&world, Fact::Opened(Opened { by: OpenedBy::Webhook(apify_run) })).await;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(tokens(), 0);
    tell(&world, billed(0, 20_000)).await;
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(tokens(), 0, "it was written too short a time ago");
    tokio::time::sleep(18 * SECOND).await;
    assert_eq!(tokens(), 20_000, "20 seconds after its last event");
    tokio::time::sleep(10 * SECOND).await;
    tell(&world, billed(1, 20_000)).await;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(tokens(), 40_000, "it was due");
    for wave in 2..5 {
        tell(&world, billed(wave, 20_000)).await;
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(tokens(), 40_000);
    let depth = world.queue.depth(QueueName::Retry).unwrap();
    assert_eq!(depth.in_flight, 1, "one message waits for all of them: {depth:?}");
    tokio::time::sleep(19 * SECOND).await;
    assert_eq!(tokens(), 100_000);
    tokio::time::sleep(40 * SECOND).await;
    assert!(world.queue.depth(QueueName::Retry).unwrap().is_idle(), "and then none");
}
