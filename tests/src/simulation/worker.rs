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
    /// Whether it died. What else of it runs in the same turn does nothing any more.
    is_dead: bool,
}

impl Worker {
    pub(super) fn new(name: String) -> Self {
        Self { name, life: Mutex::default(), died: Notify::new() }
    }

    /// Begins an invocation.
    pub(super) fn begin(&self, invocation: u64) {
        self.life().invocation = invocation;
    }

    pub(super) fn invocation(&self) -> u64 {
        self.life().invocation
    }

    /// Returns when the process died.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.life().is_dead
    }

    fn die(&self) {
        self.life().is_dead = true;
        self.died.notify_one();
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a turn is beside, for a process that dies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something is only read.
    Reading,
    /// Something is about to take effect.
    Before,
    /// Something took effect; the process does not know it yet.
    After,
}

/// The seams as one process sees them.
#[derive(Clone)]
pub(super) struct Seams {
    pub(super) world: Arc<World>,
    pub(super) worker: Arc<Worker>,
}

impl Seams {
    /// Gives up its turn: others go on meanwhile. A process may die here, beside an effect.
    pub(super) async fn turn(&self, turn: Turn) {
        tokio::time::sleep(self.world.dice.step()).await;
        self.world.step();
        let (fault, place) = match turn {
            Turn::Reading => return,
            Turn::Before => (Fault::CrashBefore, "before"),
            Turn::After => (Fault::CrashAfter, "after"),
        };
        let dies = || self.world.faults.hits(fault, &self.world.dice);
        if self.worker.is_dead() || dies() {
            self.world.trace.say(|| format!("{} dies {place} an effect", self.worker.name));
            self.worker.die();
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
        let drawn = |fault| world.faults.is_drawn(fault, &world.dice).then_some(fault);
        let delay = drawn(Fault::DelayedMinutes)
            .map(|fault| (fault, world.dice.within(Duration::from_mins(15))))
            .or_else(|| drawn(Fault::DelayedHours).map(|fault| (fault, HOURS)))
            .filter(|(fault, _)| *fault != Fault::DelayedHours || queue == QueueName::Scoring);
        world.trace.say(|| format!("{} sends {}", self.worker.name, summary(&message.body)));
        world.oracle().sent(self.worker.invocation(), queue, &message.body);
        let after = delay.map_or(Duration::ZERO, |(_, after)| after);
        let is_taken = world.queues.put(queue, message, after);
        if let Some((fault, after)) = delay.filter(|_| is_taken) {
            world.faults.count(fault);
            world.trace.say(|| format!("the message is held back for {} s", after.as_secs()));
        }
        if self.hit(Fault::SentTwice) {
            world.queues.put_again(queue, message);
        }
        world.activity.notify_one();
    }

    fn log_fails(&self) -> Result<(), LogError> {
        let away = self.world.faults.meets_outage(Part::Log);
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
        self.turn(Turn::Before).await;
        let messages = bugs::sent(&self.world, queue, messages);
        if self.world.faults.meets_outage(Part::Queue) || self.hit(Fault::QueueNotReached) {
            return Err(unreachable());
        }
        let partial = messages.len() > 1 && self.hit(Fault::SendPartial);
        let count = if partial { self.world.dice.below(messages.len()) } else { messages.len() };
        for message in &messages[..count] {
            self.put(queue, message);
        }
        let lost = self.hit(Fault::QueueAnswerLost);
        self.turn(Turn::After).await;
        if partial || lost { Err(unreachable()) } else { Ok(()) }
    }

    async fn park(&self, queue: QueueName, mut message: ParkedMessage) -> Result<(), QueueError> {
        let unreachable = || QueueError::Unreachable { queue, reason: "simulated".to_owned() };
        self.turn(Turn::Before).await;
        if self.world.faults.meets_outage(Part::Queue) || self.hit(Fault::QueueNotReached) {
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
        self.turn(Turn::After).await;
        if lost { Err(unreachable()) } else { Ok(()) }
    }

    async fn postpone(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.turn(Turn::Before).await;
        if self.world.faults.meets_outage(Part::Queue) || self.hit(Fault::QueueNotReached) {
            return Err(QueueError::Unreachable { queue, reason: "simulated".to_owned() });
        }
        self.world.queues.postpone(queue, receipt, delay);
        self.turn(Turn::After).await;
        Ok(())
    }
}

impl EventLog for Seams {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.turn(Turn::Before).await;
        if self.world.has(Bug::EventsNotStored) && self.world.dice.chance(0.1) {
            return Ok(());
        }
        self.log_fails()?;
        let lost = self.hit(Fault::LogAnswerLost);
        let count = if lost { self.world.dice.below(events.len() + 1) } else { events.len() };
        let stored = bugs::stored(&self.world, run, &events[..count]);
        self.world.log.append(run, &stored);
        self.world.oracle().appended(run.as_str(), &stored);
        self.turn(Turn::After).await;
        if lost { Err(LogError { reason: "simulated: answer lost".to_owned() }) } else { Ok(()) }
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.read(run))
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.projection(run))
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        self.turn(Turn::Before).await;
        self.log_fails()?;
        self.world.log.save_projection(run, projection);
        self.turn(Turn::After).await;
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.open_runs())
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.finished_runs(since))
    }

    async fn hear(&self, harvests: &[ApifyRunId]) -> Result<(), LogError> {
        self.turn(Turn::Before).await;
        self.log_fails()?;
        self.world.log.hear(harvests);
        self.turn(Turn::After).await;
        Ok(())
    }

    async fn heard(&self, harvests: &[ApifyRunId]) -> Result<BTreeSet<ApifyRunId>, LogError> {
        self.turn(Turn::Reading).await;
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
