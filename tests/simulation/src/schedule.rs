//! Runs one schedule from its seed to the verdict.

use super::branches::Branch;
use super::env::world::World;
use super::env::{lambda, scheduler, webhooks};
use super::fault::Fault;
use super::options::Options;
use super::oracle::Violation;
use super::people::{edits, operator};
use super::script::Script;
use shared::ports::QueueName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A harvest without a webhook is searched for after this time from its end.
const FOUND_WITHIN: Duration = Duration::from_mins(15);
/// The longest time of a schedule.
const LONGEST: Duration = Duration::from_hours(24 * 90);

#[derive(Debug, Clone)]
pub struct Report {
    pub seed: u64,
    /// The broken promises; empty if everything is right.
    pub violations: Vec<Violation>,
    pub faults: BTreeMap<Fault, u64>,
    /// How often each branch of failure handling was taken.
    pub failures: BTreeMap<Branch, u64>,
    pub trace: Vec<String>,
}

/// Runs the schedule of a seed.
///
/// # Panics
/// If the operating system refuses a timer.
pub fn run(seed: u64, options: Options) -> Report {
    on_paused_time(schedule(seed, options, None))
}

/// Plays a script: only what it says goes wrong. Anything else, such as the duration of each step,
/// is drawn from the seed.
///
/// # Panics
/// If a strike of the script met no call, because the schedule is then not the intended one.
pub fn play(script: Script, seed: u64) -> Report {
    let options = Options { faults: false, trace: true, bug: None };
    let script = Arc::new(script);
    let report = on_paused_time(schedule(seed, options, Some(Arc::clone(&script))));
    let missed = script.missed();
    assert!(missed.is_empty(), "{missed:?} met no call:\n{}", report.trace.join("\n"));
    report
}

fn on_paused_time(schedule: impl Future<Output = Report>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(schedule)
}

async fn schedule(seed: u64, options: Options, script: Option<Arc<Script>>) -> Report {
    let world = Arc::new(World::new(seed, options, script));
    let mut system = JoinSet::new();
    for queue in QueueName::ALL {
        system.spawn(lambda::run(Arc::clone(&world), queue));
    }
    system.spawn(scheduler::tick(Arc::clone(&world)));
    system.spawn(tell_outages(Arc::clone(&world)));
    let mut outside = JoinSet::new();
    for harvest in 0..world.scenario.harvests.len() {
        outside.spawn(webhooks::harvest(Arc::clone(&world), harvest));
    }
    for request in 0..world.scenario.requests.len() {
        outside.spawn(webhooks::request(Arc::clone(&world), request));
    }
    outside.spawn(tokio::time::sleep(edits::FIRST_LOOKS));
    let people = tokio::spawn(edits::run(Arc::clone(&world)));
    outside.spawn(operator::poison(Arc::clone(&world)));
    let edits = world.script.as_ref().map(|script| script.edits.clone());
    for edit in edits.into_iter().flatten() {
        outside.spawn(edits::play(Arc::clone(&world), edit));
    }
    while outside.join_next().await.is_some() {}
    if world.script.is_some() || world.dice.chance(0.5) {
        let begun = Instant::now();
        let goes_on = || !world.queues.are_empty() || world.faults.has_outage();
        while goes_on() && begun.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_mins(5)).await;
        }
    } else {
        // In the middle of the work, but late enough for the search for harvests without a webhook.
        tokio::time::sleep(world.dice.within(FOUND_WITHIN) + FOUND_WITHIN).await;
    }
    operator::heal(&world, people).await;
    world.oracle().judge(&world.scenario, &world.airtable);
    let has_repeated = |(fault, count): (Fault, u64)| count > 0 && fault.repeats();
    if !world.faults.counts().any(has_repeated) {
        world.oracle().judge_payments();
    }
    let oracle = world.oracle();
    Report {
        seed,
        violations: oracle.violations().to_vec(),
        faults: world.faults.counts().collect(),
        failures: world.failures.counts(),
        trace: world.trace.lines(),
    }
}

async fn tell_outages(world: Arc<World>) {
    world.faults.tell_outages().await;
}
