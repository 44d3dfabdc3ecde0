//! What happens to a machine: its clock is set, its disk is full. Nothing is lost, and nothing is
//! paid for twice.

use crate::paused::{World, clock, services};
use jiff::SignedDuration;
use runtally::storage::Database;
use shared::core::clock::Clock;
use shared::schema::run_record;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tests::{HANGS_AFTER, furnish};
use tokio::time::{Instant, sleep};

const LEADS: usize = 20;

fn names() -> Vec<String> {
    (0..LEADS).map(|n| format!("lead-{n}")).collect()
}

/// The true time, and the clock of a machine that is wrong by an adjustable number of seconds.
fn machine() -> (Clock, Clock, Arc<AtomicI64>) {
    let (true_time, off) = (clock(), Arc::<AtomicI64>::default());
    let (time, seconds) = (true_time.clone(), Arc::clone(&off));
    let shown = Clock::showing(move || {
        time.now() + SignedDuration::from_secs(seconds.load(Ordering::Relaxed))
    });
    (true_time, shown, off)
}

async fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < HANGS_AFTER, "it never happens");
        sleep(Duration::from_millis(100)).await;
    }
}

fn billed(world: &World) -> usize {
    world.services.gemini.service().billed().len()
}

/// How often the model is called about the leads if nothing goes wrong.
async fn calls_needed() -> usize {
    let world = World::start();
    let apify_run = world.harvest(&names());
    assert_eq!(world.webhook(&apify_run).await, 202);
    world.queue.idle().await.unwrap();
    billed(&world)
}

/// The run is complete, and its record agrees with the model's bill, call for call.
async fn assert_whole(world: &World) {
    let record = world.record();
    assert_eq!(record[run_record::STATUS], "Completed", "{record:#?}");
    assert_eq!(record[run_record::BALANCE], "balanced", "{record:#?}");
    assert_eq!(record[run_record::POSTS_SCORED], LEADS, "{record:#?}");
    let bill = world.services.gemini.service().billed_totals();
    assert_eq!(billed(world), calls_needed().await, "nothing is paid for twice");
    assert_eq!(record[run_record::POST_TOKENS], bill.usage.total);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_stops_nothing_and_nothing_is_paid_twice() {
    let (true_time, shown, off) = machine();
    let services = services(&true_time);
    furnish(services.airtable.service());
    let world = World::start_on(services, Database::in_memory().unwrap(), &shown, &[]);
    let apify_run = world.harvest(&names());
    assert_eq!(world.webhook(&apify_run).await, 202);
    until(|| billed(&world) > 0).await;
    off.store(-2 * 3600, Ordering::Relaxed);
    let begun = Instant::now();
    world.queue.idle().await.unwrap();
    assert!(begun.elapsed() < Duration::from_mins(2), "took {:?}", begun.elapsed());
    assert_whole(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_after_its_clock_was_set_back_goes_on_at_once() {
    let (true_time, shown, off) = machine();
    let (services, database) = (services(&true_time), Database::in_memory().unwrap());
    furnish(services.airtable.service());
    let world = World::start_on(services.clone(), database.clone(), &shown, &[]);
    let apify_run = world.harvest(&names());
    assert_eq!(world.webhook(&apify_run).await, 202);
    // Killed while a chunk is in flight and no call is.
    until(|| world.answered("list") > 3).await;
    drop(world);
    off.store(-2 * 3600, Ordering::Relaxed);
    let world = World::start_on(services, database, &shown, &[]);
    let begun = Instant::now();
    world.queue.idle().await.unwrap();
    assert!(begun.elapsed() < Duration::from_mins(2), "took {:?}", begun.elapsed());
    let record = world.record();
    assert_eq!(record[run_record::STATUS], "Completed", "{record:#?}");
    assert_eq!(record[run_record::POSTS_SCORED], LEADS, "{record:#?}");
}

/// Scores twenty leads while the disk is full for `time` after the first call.
async fn run_with_a_full_disk(time: Duration) -> World {
    let world = World::start();
    let apify_run = world.harvest(&names());
    assert_eq!(world.webhook(&apify_run).await, 202);
    until(|| world.services.gemini.requests().is_empty() && billed(&world) > 0).await;
    world.database.refuse_writes(true).unwrap();
    assert_eq!(world.webhook("HG7ML7M8z78YcAPEB").await, 503, "nothing is accepted and lost");
    sleep(time).await;
    world.database.refuse_writes(false).unwrap();
    world.queue.idle().await.unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn while_the_disk_is_full_answers_are_kept_and_reported_when_there_is_room() {
    let world = run_with_a_full_disk(Duration::from_secs(60)).await;
    assert_whole(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_stays_full_makes_no_call_be_paid_twice() {
    let world = run_with_a_full_disk(Duration::from_hours(2)).await;
    let record = world.record();
    assert_eq!(billed(&world), calls_needed().await, "nothing is paid for twice");
    assert_eq!(record[run_record::POSTS_SCORED], LEADS, "{record:#?}");
    let balance = record[run_record::BALANCE].as_str().unwrap();
    assert!(balance.contains("unobserved"), "what nobody could note is named: {balance}");
}
