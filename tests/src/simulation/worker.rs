//! One process of a function, which may die between any two steps; its view of the seams.

use super::bugs::{self, Bug};
use super::faults::{Fault, Part};
use super::world::World;
use jiff::Timestamp;
use shared::adapters::limits::{check_events, check_messages};
use shared::ids::{ApifyRunId, RunId};
use shared::seams::{
    EventLog, LogError, OutgoingMessage, ParkedMessage, Projection, Queue, QueueError, QueueName,
    RunLog, StoredEvent,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Steps of an invocation within which it dies, when it is to.
const LATEST_DEATH: u64 = 60;
/// A message that is held back for long comes after this.
const HOURS: Duration = Duration::from_hours(34);

/// A process.
pub(super) struct Worker {
    pub(super) name: String,
    life: Mutex<Life>,
    died: Notify,
}

/// Where a process is.
#[derive(Default)]
struct Life {
    /// The invocation it works on.
    invocation: u64,
    /// Steps until it dies.
    left: Option<u64>,
}

impl Worker {
    pub(super) fn new(name: String) -> Self {
        Self { name, life: Mutex::default(), died: Notify::new() }
    }

    /// Begins an invocation; `dies_in` so many steps.
    pub(super) fn begin(&self, invocation: u64, dies_in: Option<u64>) {
        *self.life() = Life { invocation, left: dies_in };
    }

    pub(super) fn invocation(&self) -> u64 {
        self.life().invocation
    }

    /// Returns when the process died.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    fn dies_now(&self) -> bool {
        let mut life = self.life();
        let Some(left) = &mut life.left else { return false };
        *left = left.saturating_sub(1);
        *left == 0
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Draws in how many steps an invocation dies, if it does: before or after an effect.
pub(super) fn death(world: &World) -> Option<u64> {
    for (fault, odd) in [(Fault::CrashBefore, 1), (Fault::CrashAfter, 0)] {
        if world.faults.hits(fault, &world.dice) {
            // Every effect is between two steps: an odd step comes before it.
            return Some((world.dice.between(1, LATEST_DEATH / 2)) * 2 - odd);
        }
    }
    None
}

/// The seams as one process sees them.
#[derive(Clone)]
pub(super) struct Seams {
    pub(super) world: Arc<World>,
    pub(super) worker: Arc<Worker>,
}

impl Seams {
    /// Gives up its turn: others go on meanwhile. A process whose end has come ends here.
    pub(super) async fn turn(&self) {
        tokio::time::sleep(self.world.dice.step()).await;
        self.world.step();
        if self.worker.dies_now() {
            self.world.trace.say(|| format!("{} dies", self.worker.name));
            self.worker.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Whether `fault` hits this step.
    pub(super) fn hit(&self, fault: Fault) -> bool {
        let hit = self.world.faults.hits(fault, &self.world.dice);
        if hit {
            self.world.trace.say(|| format!("{} meets {fault:?}", self.worker.name));
        }
        hit
    }

    fn put(&self, queue: QueueName, message: &OutgoingMessage) {
        let world = &self.world;
        let after = if self.hit(Fault::DelayedMinutes) {
            world.dice.within(Duration::from_mins(15))
        } else if queue == QueueName::Scoring && self.hit(Fault::DelayedHours) {
            HOURS
        } else {
            Duration::ZERO
        };
        world.trace.say(|| format!("{} sends {}", self.worker.name, summary(&message.body)));
        world.oracle().sent(self.worker.invocation(), queue, &message.body);
        world.queues.put(queue, message, after);
        if self.hit(Fault::SentTwice) {
            world.queues.put_again(queue, message);
        }
        world.activity.notify_one();
    }

    fn log_fails(&self) -> Result<(), LogError> {
        let away = self.world.faults.is_away(Part::Log);
        if away || self.hit(Fault::LogNotReached) {
            return Err(LogError { reason: "simulated".to_owned() });
        }
        Ok(())
    }
}

impl Queue for Seams {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        check_messages(queue, &messages)?;
        let unreachable = || QueueError::Unreachable { queue, reason: "simulated".to_owned() };
        self.turn().await;
        let messages = bugs::sent(&self.world, queue, messages);
        if self.world.faults.is_away(Part::Queue) || self.hit(Fault::QueueNotReached) {
            return Err(unreachable());
        }
        let partial = messages.len() > 1 && self.hit(Fault::SendPartial);
        let count = if partial { self.world.dice.below(messages.len()) } else { messages.len() };
        for message in &messages[..count] {
            self.put(queue, message);
        }
        let lost = self.hit(Fault::QueueAnswerLost);
        self.turn().await;
        if partial || lost { Err(unreachable()) } else { Ok(()) }
    }

    async fn park(&self, queue: QueueName, mut message: ParkedMessage) -> Result<(), QueueError> {
        let unreachable = || QueueError::Unreachable { queue, reason: "simulated".to_owned() };
        self.turn().await;
        if self.world.faults.is_away(Part::Queue) || self.hit(Fault::QueueNotReached) {
            return Err(unreachable());
        }
        self.world.trace.say(|| {
            format!("{} parks {}: {}", self.worker.name, message.message_id, message.reason)
        });
        if self.world.has(Bug::ReasonOfDeadLetterLost) {
            message.reason.clear();
        }
        self.world.oracle().parked();
        self.world.queues.park(queue, message);
        let lost = self.hit(Fault::QueueAnswerLost);
        self.turn().await;
        if lost { Err(unreachable()) } else { Ok(()) }
    }

    async fn postpone(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.turn().await;
        if self.world.faults.is_away(Part::Queue) || self.hit(Fault::QueueNotReached) {
            return Err(QueueError::Unreachable { queue, reason: "simulated".to_owned() });
        }
        self.world.queues.postpone(queue, receipt, delay);
        self.turn().await;
        Ok(())
    }
}

impl EventLog for Seams {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.turn().await;
        if self.world.has(Bug::EventsNotStored) && self.world.dice.chance(0.1) {
            return Ok(());
        }
        self.log_fails()?;
        let lost = self.hit(Fault::LogAnswerLost);
        let count = if lost { self.world.dice.below(events.len() + 1) } else { events.len() };
        self.world.log.append(run, &events[..count]);
        self.world.oracle().appended(run.as_str(), &events[..count]);
        self.turn().await;
        if lost { Err(LogError { reason: "simulated: answer lost".to_owned() }) } else { Ok(()) }
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        self.turn().await;
        self.log_fails()?;
        self.world.oracle().log_read(self.worker.invocation(), run.as_str());
        Ok(self.world.log.read(run))
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        self.turn().await;
        self.log_fails()?;
        Ok(self.world.log.projection(run))
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        self.turn().await;
        self.log_fails()?;
        self.world.log.save_projection(run, projection);
        self.turn().await;
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.turn().await;
        self.log_fails()?;
        Ok(self.world.log.open_runs())
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        self.turn().await;
        self.log_fails()?;
        Ok(self.world.log.finished_runs(since))
    }

    async fn hear(&self, harvests: &[ApifyRunId]) -> Result<(), LogError> {
        self.turn().await;
        self.log_fails()?;
        self.world.log.hear(harvests);
        self.turn().await;
        Ok(())
    }

    async fn heard(&self, harvests: &[ApifyRunId]) -> Result<BTreeSet<ApifyRunId>, LogError> {
        self.turn().await;
        self.log_fails()?;
        Ok(self.world.log.heard(harvests))
    }
}

/// The beginning of a message, which says what it is.
fn summary(body: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let text = |pointer: &str| value.pointer(pointer).map(ToString::to_string).unwrap_or_default();
    let run = format!("{}-{}", text("/run/base_run"), text("/run/client")).replace('"', "");
    match value["type"].as_str().unwrap_or_default() {
        "event" => {
            let attempt = text("/fact/attempt/attempt");
            let place = ["/fact/attempt/chunk", "/fact/wave", "/fact/round", "/fact/calls"];
            let place: Vec<String> =
                place.iter().map(|p| text(p).chars().take(200).collect()).collect();
            format!("{} of {run} {attempt} {}", text("/fact/type"), place.join("/"))
        }
        "chunk" => format!("chunk {} of {run}", text("/index")),
        other => format!("{other} {}", text("/apify_run_id")),
    }
}
