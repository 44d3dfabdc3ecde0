//! The queues as one process sees them, with the faults on the way.

use super::bugs;
use super::parts::Part;
use super::ports::{Ports, Turn};
use super::queues::Held;
use crate::branches::Branch;
use crate::bug::Bug;
use crate::fault::Fault;
use crate::script::Call;
use shared::ports::{
    NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage, check_messages,
    check_waiting,
};
use std::time::Duration;

/// How late a message comes that is held back for hours.
const HOURS: Duration = Duration::from_hours(34);
/// Most messages in one request.
const MAX_ENTRIES: usize = 10;
/// How often a request is made for messages that a queue did not accept.
const SENDS: usize = 5;

impl Queue for Ports {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        check_messages(queue, &messages)?;
        let messages = bugs::sent(&self.world, queue, messages);
        for batch in messages.chunks(MAX_ENTRIES) {
            self.send_batch(queue, batch.to_vec()).await?;
        }
        // Before that, the worker does not know which of them the queue has accepted.
        for message in &messages {
            self.world.oracle().known_to_be_sent(self.worker.invocation(), message.body());
        }
        Ok(())
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        check_waiting(&message)?;
        let message = bugs::waiting(&self.world, message);
        let queue = QueueName::Retry;
        let call = Call { name: "let_wait", about: &[message.body()] };
        self.turn(Turn::Before, &call).await;
        self.queue_is_reached(queue, &call)?;
        self.put_waiting(&message, &call);
        self.queue_answers(queue, &call).await
    }

    async fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> Result<(), QueueError> {
        let id = message.message_id.clone();
        let result = self.dead_letter_message(queue, message).await;
        if result.is_err() {
            self.worker.tries(|tried| {
                tried.not_dead_lettered.insert(id);
            });
        }
        result
    }

    async fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let result = self.requeue_message(queue, receipt, delay).await;
        if result.is_err() {
            self.worker.tries(|tried| {
                tried.not_requeued.insert(receipt.to_owned());
            });
        }
        result
    }
}

impl Ports {
    /// Sends one batch, and repeats the entries that the queue did not accept a few times, like the
    /// adapter for SQS.
    async fn send_batch(
        &self,
        queue: QueueName,
        mut batch: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        for _ in 0..SENDS {
            let bodies: Vec<&str> = batch.iter().map(|message| message.body()).collect();
            let call = Call { name: "send", about: &bodies };
            self.turn(Turn::Before, &call).await;
            self.queue_is_reached(queue, &call)?;
            let (taken, left) = self.divide(&batch, &call);
            for message in &taken {
                self.put(queue, message);
            }
            self.queue_answers(queue, &call).await?;
            if left.is_empty() {
                return Ok(());
            }
            batch = left;
        }
        Err(unreachable(queue))
    }

    /// Divides a batch into entries that the queue accepts and entries that fail.
    fn divide(
        &self,
        batch: &[OutgoingMessage],
        call: &Call<'_>,
    ) -> (Vec<OutgoingMessage>, Vec<OutgoingMessage>) {
        let is_told = |message: &OutgoingMessage| {
            let call = Call { name: "entry", about: &[message.body()] };
            self.world.faults.is_scripted(Fault::SendPartial, &call)
        };
        let (left, taken): (Vec<_>, Vec<_>) = batch.iter().cloned().partition(is_told);
        if !left.is_empty() || batch.len() < 2 || !self.hit(Fault::SendPartial, call) {
            return (taken, left);
        }
        let dice = &self.world.dice;
        // At least one is accepted and one is not, because otherwise it would not be partial.
        let (first, second) = (dice.below(batch.len()), dice.below(batch.len() - 1));
        let second = (first + 1 + second) % batch.len();
        let fates: Vec<bool> =
            (0..batch.len()).map(|at| at == first || (at != second && dice.chance(0.5))).collect();
        let mut fates = fates.into_iter();
        taken.into_iter().partition(|_| fates.next().unwrap_or_default())
    }

    fn put(&self, queue: QueueName, message: &OutgoingMessage) {
        let world = &self.world;
        let call = Call { name: "entry", about: &[message.body()] };
        let drawn = |fault| world.faults.is_drawn_at(fault, &call).then_some(fault);
        let delay = drawn(Fault::DelayedMinutes)
            .map(|fault| (fault, world.dice.within(Duration::from_mins(15))))
            .or_else(|| drawn(Fault::DelayedHours).map(|fault| (fault, HOURS)));
        world.trace.say(|| format!("{} sends {}", self.worker.name, summary(message.body())));
        let branch = world.oracle().sent(self.worker.invocation(), queue, message.body());
        // Tasks from the retry queue were counted when they went there.
        let goes_on = queue == QueueName::Scoring && !self.worker.name.starts_with("retry");
        let branch = branch.or(Branch::of_sent(message.body()).filter(|_| goes_on));
        if let Some(branch) = branch {
            world.failures.count(branch);
        }
        let told = world.faults.held(&call);
        let after = told.or(delay.map(|(_, after)| after)).unwrap_or_default();
        // Ticks share groups with metrics. It is a known limit that without a tick for more than
        // two days a harvest whose webhook was missed is no longer found.
        let holds_group = told.is_none() && (after < HOURS || queue == QueueName::Scoring);
        let is_taken = world.queues.put_held(queue, message, Held { after, holds_group });
        if let Some((fault, after)) = delay.filter(|_| is_taken) {
            world.faults.count(fault);
            world.trace.say(|| format!("the message is held back for {} s", after.as_secs()));
        }
        if self.hit(Fault::SentTwice, &call) {
            world.queues.put_again(queue, message);
        }
        world.activity.notify_one();
    }

    fn put_waiting(&self, message: &WaitingMessage, call: &Call<'_>) {
        let world = &self.world;
        let (body, delay) = (message.body(), message.delay().as_secs());
        let name = &self.worker.name;
        world.trace.say(|| format!("{name} lets wait for {delay} s: {}", summary(body)));
        let is_late = world.faults.is_drawn_at(Fault::DelayedMinutes, call);
        let longer =
            if is_late { world.dice.within(Duration::from_mins(15)) } else { Duration::ZERO };
        if is_late {
            world.faults.count(Fault::DelayedMinutes);
        }
        world.failures.count(Branch::of_waiting(body));
        let waiting = group_of(body).map(|group| world.queues.ready_in(&group)).unwrap_or_default();
        let now = world.clock.now();
        world.oracle().left_its_lane(self.worker.invocation(), body, (waiting, now));
        if bugs::keeps_place(world, message) {
            return;
        }
        world.queues.let_wait(message, longer);
        if self.hit(Fault::SentTwice, call) {
            world.queues.let_wait(message, longer);
        }
        world.activity.notify_one();
    }

    async fn dead_letter_message(
        &self,
        queue: QueueName,
        mut message: NewDeadLetter,
    ) -> Result<(), QueueError> {
        let call = Call { name: "dead_letter", about: &[&message.message_id.clone()] };
        self.turn(Turn::Before, &call).await;
        self.queue_is_reached(queue, &call)?;
        self.world.trace.say(|| {
            format!("{} dead-letters {}: {}", self.worker.name, message.message_id, message.reason)
        });
        self.world.failures.count(Branch::of_dead_letter(&message.body, &message.reason));
        if self.world.has(Bug::ReasonOfDeadLetterLost) {
            message.reason.clear();
        }
        self.world.queues.dead_letter(queue, message);
        self.queue_answers(queue, &call).await
    }

    async fn requeue_message(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let call = Call { name: "requeue", about: &[receipt] };
        self.turn(Turn::Before, &call).await;
        self.queue_is_reached(queue, &call)?;
        self.world.queues.requeue(queue, receipt, delay);
        self.queue_answers(queue, &call).await
    }

    fn queue_is_reached(&self, queue: QueueName, call: &Call<'_>) -> Result<(), QueueError> {
        if self.world.faults.meets_outage(Part::Queue) || self.hit(Fault::QueueNotReached, call) {
            return Err(unreachable(queue));
        }
        Ok(())
    }

    /// The answer of the queue after it did what was requested.
    async fn queue_answers(&self, queue: QueueName, call: &Call<'_>) -> Result<(), QueueError> {
        let is_lost = self.hit(Fault::QueueAnswerLost, call);
        self.turn(Turn::After, call).await;
        if is_lost { Err(unreachable(queue)) } else { Ok(()) }
    }
}

/// The group to which a task returns; `None` if the body is not a task.
fn group_of(body: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let is_task = message["queue"] == "scoring";
    message["group"].as_str().filter(|_| is_task).map(ToOwned::to_owned)
}

fn unreachable(queue: QueueName) -> QueueError {
    QueueError::Unreachable { queue, reason: "simulated".to_owned() }
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
