//! Deterministic simulation of the whole system.
//!
//! One seed is one *schedule*: the real functions, clients, fold and upsert over the three seams,
//! in one thread on paused time, while the seed decides how long every step takes, what goes wrong
//! and what people do meanwhile. Every await on a seam is a turn at which another part goes on. An
//! oracle that shares no code with what it judges watches what the simulated services saw, and
//! judges all along and in the end ([`Invariant`]).
//!
//! The same seed gives the same trace, byte for byte. A schedule that breaks a promise is run
//! again for its trace.
//!
//! That the oracle would notice is shown by planting bugs. Each is a test of its own in
//! `tests/tests/simulation.rs`, which prints how many seeds, counted from 0, it took:
//!
//! | planted bug | caught by | seeds needed |
//! |---|---|---|
//! | [`Bug::TokensDropped`]: token usage is read and dropped on the way to the record | Tokens | 1 |
//! | [`Bug::TokensOfUselessAnswersDropped`]: only whole answers report their usage | Tokens | 1 |
//! | [`Bug::RunIdFromClock`]: a run's id is made anew from the clock at every delivery | Messages | 1 |
//! | [`Bug::RefusalIgnored`]: airtable refuses a record for a wrong type; the refusal is taken for success | Messages | 1 |
//! | [`Bug::ErrorTakenForMissing`]: an error of Airtable is taken for "there is no such record": one is created | OneRecord | 2 |
//! | [`Bug::CheckThenCreate`]: a record is looked for, and created later if it was not there | OneRecord | 2 |
//! | [`Bug::ReadAddWrite`]: a number is read, added to and written back | Numbers | 1 |
//! | [`Bug::StandaloneNotCounted`]: only orchestrated runs are counted | Messages | 1 |
//! | [`Bug::PostsNotFound`]: the posts of a harvest are not found, without an error | Numbers | 1 |
//! | [`Bug::ClosedTooEarly`]: a record is closed when its work is begun | Ends | 1 |
//! | [`Bug::RequestsPerLead`]: the rubric and the row are read anew for each lead | Rates | 1 |
//! | [`Bug::FailedLeadDated`]: a lead whose call failed is dated as if it were scored | Leads | 1 |
//! | [`Bug::SecondHarvestOverwrites`]: the totals of a second harvest overwrite the first one's | Numbers | 8 |
//! | [`Bug::CutAnswerAccepted`]: an answer that was cut off is mended and taken for whole | Leads | 1 |
//! | [`Bug::EventsNotStored`]: a message counts as done before its events are stored | Numbers | 1 |
//! | [`Bug::FailuresIgnored`]: the failed messages of a batch are not reported: they are deleted with the others | Messages | 1 |
//! | [`Bug::BilledTwice`]: a retry reports its calls a second time | Tokens | 1 |
//! | [`Bug::OlderStateWritten`]: a record that was written already is written again with older numbers | Numbers | 1 |
//! | [`Bug::LeadsMixedUp`]: two leads' rows are mixed up | Leads | 1 |
//! | [`Bug::PostsOverwritten`]: new posts take the place of those that were there | Leads | 1 |
//! | [`Bug::ScoreForgotten`]: what a run scored is forgotten when its message comes again | ScoredOnce | 1 |
//! | [`Bug::ReasonOfDeadLetterLost`]: a dead letter does not say why it is one | Messages | 20 |
//! | [`Bug::HumanFieldCleared`]: cells that a write does not name are cleared | HumanFields | 3 |
//! | [`Bug::BalanceClaimed`]: the record claims to be balanced whatever it is | Balance | 1 |
//! | [`Bug::WebhookNotQueued`]: a webhook is accepted and not queued | Messages | 1 |
//! | [`Bug::TicksLost`]: no tick comes: what people did to records stays | Numbers | 13 |
//! | [`Bug::EverythingSkipped`]: every lead is found to have nothing new | Leads | 1 |
//! | [`Bug::SecondPageLost`]: of the leads that wait only the first page is planned | Leads | 1 |
//! | [`Bug::PostNotReported`]: a lead's last post is left out of the report | Numbers | 1 |
//! | [`Bug::EndedAtOnce`]: a record is given its end when it is given its beginning | Ends | 1 |
//! | [`Bug::StallNamesNothing`]: a stalled record does not name what is missing | Ends | 1 |
//! | [`Bug::ProfilesMixedUp`]: two profiles' assessments are mixed up | Leads | 1 |
//! | [`Bug::PenaltyIgnored`]: a base that told an invocation to wait is asked again at once | Rates | 1 |

mod bugs;
mod dice;
mod event_log;
mod failures;
mod faults;
mod log_seam;
mod mapping;
mod oracle;
mod people;
mod plain;
mod queue_seam;
mod queues;
mod scenario;
mod trace;
mod transport;
mod webhooks;
mod worker;
mod world;

pub use bugs::Bug;
pub use failures::Branch;
pub use faults::Fault;
pub use oracle::{Invariant, Violation};
pub use plain::Plain;

use crate::MASTER_BASE;
use faults::Part;
use shared::messages::{Message, MetricsMessage, plan_group};
use shared::ports::{OutgoingMessage, QueueName};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use world::World;

/// How often EventBridge sends a tick.
const TICK_EVERY: Duration = Duration::from_mins(10);
/// Ticks that may find nothing to do before they are left out until something happens.
const IDLE_TICKS: u32 = 4;
/// A harvest whose webhook never came is looked for this long after its end.
const FOUND_WITHIN: Duration = Duration::from_mins(15);
/// After the faults every run is right within this.
const HEALS_WITHIN: Duration = Duration::from_mins(20);
/// Nothing takes longer than this.
const LONGEST: Duration = Duration::from_hours(24 * 90);
/// How long dead letters may wait for an operator.
const REDRIVEN_AFTER: Duration = Duration::from_hours(24 * 28);

/// Something that no function can read.
const POISON: &str = "{\"version\":1,\"type\":\"riddle\"}";

/// How a schedule is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether anything goes wrong.
    pub faults: bool,
    /// Whether a trace is written.
    pub trace: bool,
    /// A bug that is planted.
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self { faults: true, trace: false, bug: None }
    }
}

/// What came of a schedule.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The promises that were broken; empty when all is right.
    pub violations: Vec<Violation>,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<Fault, u64>,
    /// How often each branch of the failure classes was taken.
    pub failures: BTreeMap<Branch, u64>,
    /// The trace, if it was wanted.
    pub trace: Vec<String>,
}

/// Runs the schedule of a seed.
///
/// # Panics
/// If the operating system refuses a timer.
#[must_use]
pub fn run(seed: u64, options: Options) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(schedule(seed, options))
}

async fn schedule(seed: u64, options: Options) -> Report {
    let world = Arc::new(World::new(seed, options));
    let mut system = JoinSet::new();
    for queue in QueueName::ALL {
        system.spawn(mapping::run(Arc::clone(&world), queue));
    }
    system.spawn(tick(Arc::clone(&world)));
    system.spawn(tell_outages(Arc::clone(&world)));
    let mut outside = JoinSet::new();
    for harvest in 0..world.scenario.harvests.len() {
        outside.spawn(webhooks::harvest(Arc::clone(&world), harvest));
    }
    for request in 0..world.scenario.requests.len() {
        outside.spawn(webhooks::request(Arc::clone(&world), request));
    }
    outside.spawn(tokio::time::sleep(people::FIRST_LOOKS));
    let people = tokio::spawn(people::run(Arc::clone(&world)));
    outside.spawn(poison(Arc::clone(&world)));
    while outside.join_next().await.is_some() {}
    if world.dice.chance(0.5) {
        let begun = Instant::now();
        let goes_on = || !world.queues.are_empty() || world.faults.has_outage();
        while goes_on() && begun.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_mins(5)).await;
        }
    } else {
        // In the middle of work, but late enough for harvests without a webhook to be looked for.
        tokio::time::sleep(world.dice.within(FOUND_WITHIN) + FOUND_WITHIN).await;
    }
    heal(&world, people).await;
    world.oracle().judge(&world.scenario, &world.airtable);
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
    world.faults.tell_outages(&world.trace).await;
}

/// Somebody puts something unreadable into a group that has work to do.
async fn poison(world: Arc<World>) {
    for (queue, group) in
        [(QueueName::Scoring, plan_group("Bo")), (QueueName::Metrics, MASTER_BASE.to_owned())]
    {
        tokio::time::sleep(world.dice.within(Duration::from_mins(10))).await;
        if world.faults.hits(Fault::PoisonMessage, &world.dice) {
            world.trace.say(|| format!("somebody puts a riddle on {} of {queue:?}", group));
            let deduplication = format!("poison-{}", queue.as_str());
            let message = OutgoingMessage { group, deduplication, body: POISON.to_owned() };
            world.queues.put(queue, &message, Duration::ZERO);
        }
    }
}

/// The faults end, an operator redrives the dead letters, and all is right soon.
async fn heal(world: &World, people: JoinHandle<()>) {
    let is_late = world.faults.is_drawn(Fault::RedrivenLate, &world.dice);
    world.faults.stop();
    world.queues.release();
    world.trace.say(|| "the faults end".to_owned());
    let mut letters = Vec::new();
    for queue in QueueName::ALL {
        letters.extend(world.queues.take_dead_letters(queue).into_iter().map(|l| (queue, l)));
    }
    if is_late && !letters.is_empty() {
        // Ticks go on all the while; these are the ones that find something to do.
        world.activity.notify_one();
        tokio::time::sleep(HEALS_WITHIN).await;
        tokio::time::sleep(REDRIVEN_AFTER).await;
    }
    world.faults.send_people_home();
    people.await.expect("people do nothing that fails");
    for (queue, letter) in letters {
        if letter.body == POISON {
            world.oracle().dead(&letter.message_id, &letter.reason);
            continue;
        }
        world
            .trace
            .say(|| format!("an operator redrives {}: {}", letter.message_id, letter.reason));
        if is_late {
            world.faults.count(Fault::RedrivenLate);
        }
        world.oracle().dead(&letter.message_id, &letter.reason);
        let message = OutgoingMessage {
            group: letter.group,
            deduplication: letter.message_id,
            body: letter.body,
        };
        world.queues.put(queue, &message, Duration::ZERO);
    }
    world.activity.notify_one();
    tokio::time::sleep(HEALS_WITHIN).await;
    if !world.queues.are_empty() {
        world.oracle().not_empty();
    }
    for queue in QueueName::ALL {
        let letters = world.queues.take_dead_letters(queue);
        for letter in letters.into_iter().filter(|letter| letter.body != POISON) {
            world.oracle().dead_after_all(&letter.message_id, &letter.reason);
        }
    }
}

/// EventBridge's part: a tick every 10 minutes. Ticks that find nothing changed are left out
/// after some, until something happens: a schedule may last for weeks.
async fn tick(world: Arc<World>) {
    let (mut idle, mut steps) = (0, 0);
    let mut due = Instant::now() + TICK_EVERY;
    loop {
        tokio::time::sleep_until(due).await;
        // A tick by itself takes some steps.
        idle = if world.steps() > steps + 60 { 0 } else { idle + 1 };
        steps = world.steps();
        if idle > IDLE_TICKS {
            world.activity.notified().await;
            idle = 0;
            while due < Instant::now() {
                due += TICK_EVERY;
            }
            tokio::time::sleep_until(due).await;
        }
        due += TICK_EVERY;
        if world.has(Bug::TicksLost) || world.faults.meets_outage(Part::Queue) {
            continue;
        }
        let tick = OutgoingMessage {
            group: MASTER_BASE.to_owned(),
            deduplication: format!("{}{}", queues::TICK, world.clock.now()),
            body: MetricsMessage::Tick.encode(),
        };
        world.queues.put(QueueName::Metrics, &tick, Duration::ZERO);
    }
}
