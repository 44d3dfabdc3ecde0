//! The queues as SQS keeps them: groups, deduplication, visibility, delays, dead letters.

use super::chance::Chance;
use super::queue_state::{
    DeadLetter, Message, Received, State, VISIBILITY, in_flight, place, reorder, visibility,
};
use crate::fault::Fault;
use crate::script::Call;
use shared::core::clock::Clock;
use shared::core::limits::{DEDUPLICATION_WINDOW, hidden_for};
use shared::ports::{NewDeadLetter, OutgoingMessage, QueueName, WaitingMessage};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

const MOST_RECEIVED: usize = 10;

/// The number of a queue's first message.
const FIRST: u64 = 1_000_000;

/// The beginning of a tick's deduplication id.
pub(crate) const TICK: &str = "tick-";

pub(crate) struct Queues {
    queues: [Mutex<State>; 3],
    changed: [Notify; 3],
    clock: Clock,
    chance: Chance,
}

/// How a message is held back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) after: Duration,
    /// Whether its group waits; else newer ones of it are handled before.
    pub(crate) holds_group: bool,
}

impl Queues {
    pub(crate) fn new(clock: Clock, chance: Chance) -> Self {
        // There is room in front of the first one.
        let queues = std::array::from_fn(|_| Mutex::new(State { next: FIRST, ..State::default() }));
        Self { queues, changed: Default::default(), clock, chance }
    }

    /// Puts a message on a queue, visible `after` some time; one that was sent within five
    /// minutes is dropped. Whether it was taken.
    pub(crate) fn put(&self, queue: QueueName, message: &OutgoingMessage, after: Duration) -> bool {
        self.put_held(queue, message, Held { after, holds_group: true })
    }

    /// The same, and says whether the message's group waits for it.
    pub(crate) fn put_held(&self, queue: QueueName, message: &OutgoingMessage, held: Held) -> bool {
        let now = Instant::now();
        let mut state = self.lock(queue);
        state.remembered.retain(|_, until| *until > now);
        let key = (message.group().to_owned(), message.deduplication().to_owned());
        if state.remembered.contains_key(&key) {
            return false;
        }
        state.remembered.insert(key, now + DEDUPLICATION_WINDOW);
        self.put_anew(&mut state, queue, message, held);
        drop(state);
        self.changed(queue).notify_one();
        true
    }

    /// Puts a message on a queue past its deduplication.
    pub(crate) fn put_again(&self, queue: QueueName, message: &OutgoingMessage) {
        let held = Held { after: Duration::ZERO, holds_group: true };
        self.put_anew(&mut self.lock(queue), queue, message, held);
        self.changed(queue).notify_one();
    }

    /// Lets a message wait on the retry queue, which drops no copy. Each is in a group of its own.
    pub(crate) fn let_wait(&self, message: &WaitingMessage, longer: Duration) {
        let queue = QueueName::Retry;
        let mut state = self.lock(queue);
        let id = format!("{}-{}", queue.as_str(), state.next);
        let held = Held { after: message.delay() + longer, holds_group: false };
        let texts = (id.clone(), id, message.body());
        self.put_texts(&mut state, queue, texts, held);
        drop(state);
        self.changed(queue).notify_one();
    }

    fn put_anew(&self, state: &mut State, queue: QueueName, message: &OutgoingMessage, held: Held) {
        let (group, deduplication) = (message.group(), message.deduplication());
        let texts = (group.to_owned(), deduplication.to_owned(), message.body());
        self.put_texts(state, queue, texts, held);
    }

    /// Puts a message of this group, deduplication id and body on a queue.
    fn put_texts(
        &self,
        state: &mut State,
        queue: QueueName,
        (group, deduplication, body): (String, String, &str),
        held: Held,
    ) {
        let sequence = state.next;
        state.next += 1;
        let message = Message {
            id: format!("{}-{sequence}", queue.as_str()),
            group,
            deduplication,
            body: body.into(),
            sent_at: self.clock.now(),
            visible_at: Instant::now() + held.after,
            receive_count: 0,
            holds_group: held.holds_group,
            comes_again: None,
        };
        state.messages.insert(sequence, message);
    }

    /// Puts a task that is to wait back at the place that it had, in front of its group, which waits
    /// with it: as a planted bug does.
    pub(crate) fn keep_place(&self, message: &OutgoingMessage, delay: Duration) {
        let queue = QueueName::Scoring;
        let mut state = self.lock(queue);
        let front = state.messages.keys().next().copied().unwrap_or(state.next);
        let next = std::mem::replace(&mut state.next, front - 1);
        let held = Held { after: delay, holds_group: true };
        self.put_anew(&mut state, queue, message, held);
        state.next = next;
        drop(state);
        self.changed(queue).notify_one();
    }

    /// The ids of the tasks of a group that wait for nothing but their turn. One whose visibility ended
    /// while a worker is still at it waits for nothing: its worker takes it off, or it comes again.
    pub(crate) fn ready_in(&self, group: &str) -> BTreeSet<String> {
        let now = Instant::now();
        let state = self.lock(QueueName::Scoring);
        let is_at_work =
            |place: u64| state.at_work.range((place, 0)..=(place, u32::MAX)).next().is_some();
        let is_ready = |(place, message): &(&u64, &Message)| {
            message.group == group
                && message.visible_at <= now
                && message.comes_again.is_none()
                && !is_at_work(**place)
        };
        state.messages.iter().filter(is_ready).map(|(_, message)| message.id.clone()).collect()
    }

    /// Gives out messages of groups of which nothing is hidden, in their order.
    pub(crate) fn receive(&self, queue: QueueName, most: usize) -> Vec<Received> {
        let mut state = self.lock(queue);
        let mut ready = state.ready();
        reorder(&mut ready, &self.chance);
        let mut received = Vec::new();
        for (sequence, _) in ready {
            if received.len() == most.min(MOST_RECEIVED) {
                break;
            }
            received.extend(state.take(queue, sequence, &self.chance));
        }
        // Drawn once for all: the messages of a group that stay hidden would keep the others back.
        let ends_early = received.first().is_some_and(|first| {
            let call = Call { name: "receive", about: &[&first.body] };
            self.chance.faults.is_drawn_at(Fault::VisibilityLapsed, &call)
        });
        let hidden_for = if ends_early {
            Duration::from_secs(self.chance.dice.between(1, 40))
        } else {
            visibility(queue)
        };
        for message in &received {
            if let Some((_, message)) = in_flight(&mut state, &message.receipt) {
                message.visible_at = Instant::now() + hidden_for;
            }
        }
        received
    }

    /// Takes note that the worker which received these messages is at work on them no longer.
    pub(crate) fn let_go(&self, queue: QueueName, messages: &[Received]) {
        let mut state = self.lock(queue);
        for place in messages.iter().filter_map(|message| place(&message.receipt)) {
            state.at_work.remove(&place);
        }
    }

    /// Takes a handled message off. One that is to come again is only hidden for a while: it holds
    /// back its group, or comes when newer ones of its group have been handled. A receipt that is
    /// no longer the message's last does nothing, as on SQS.
    pub(crate) fn delete(&self, queue: QueueName, receipt: &str) {
        let Chance { faults, dice, .. } = &self.chance;
        let mut state = self.lock(queue);
        let Some((sequence, message)) = in_flight(&mut state, receipt) else { return };
        let left = *message.comes_again.get_or_insert_with(|| {
            let call = Call { name: "delete", about: &[&message.body] };
            if !faults.is_drawn_at(Fault::DeliveredAgain, &call) {
                return 0;
            }
            if dice.chance(0.9) { dice.between(1, 2) } else { dice.between(3, 19) }
        });
        if left == 0 || !faults.are_active() {
            state.messages.remove(&sequence);
        } else {
            message.comes_again = Some(left - 1);
            message.holds_group = dice.chance(0.5);
            message.visible_at = Instant::now() + dice.within(visibility(queue));
        }
        drop(state);
        self.changed(queue).notify_one();
    }

    /// Takes note that a message was handled though its receiver could not take it off: it comes
    /// again when its visibility ends.
    pub(crate) fn not_deleted(&self, queue: QueueName, receipt: &str) {
        if let Some((_, message)) = in_flight(&mut self.lock(queue), receipt) {
            message.comes_again.get_or_insert(0);
        }
    }

    /// Hides a received message until `delay` from now.
    pub(crate) fn requeue(&self, queue: QueueName, receipt: &str, delay: Duration) {
        let mut state = self.lock(queue);
        if let Some((_, message)) = in_flight(&mut state, receipt) {
            message.visible_at = Instant::now() + hidden_for(delay);
            // It comes again because it was requeued, not because its time was over.
            if let Some(place) = place(receipt) {
                state.at_work.remove(&place);
            }
        }
        drop(state);
        self.changed(queue).notify_one();
    }

    /// Puts a message on the dead-letter queue; the same one twice is there once.
    pub(crate) fn dead_letter(&self, queue: QueueName, letter: NewDeadLetter) {
        let NewDeadLetter { group, message_id, body, reason } = letter;
        let mut state = self.lock(queue);
        if state.dead.iter().all(|letter| letter.message_id != message_id) {
            state.dead.push(DeadLetter { group, message_id, body, reason });
        }
    }

    pub(crate) fn take_dead_letters(&self, queue: QueueName) -> Vec<DeadLetter> {
        std::mem::take(&mut self.lock(queue).dead)
    }

    /// Whether nothing is on any queue, hidden or not, but for ticks.
    pub(crate) fn are_empty(&self) -> bool {
        let is_tick = |message: &Message| message.deduplication.starts_with(TICK);
        QueueName::ALL.iter().all(|queue| self.lock(*queue).messages.values().all(is_tick))
    }

    /// Shows what is held back for longer than a worker's death hides it.
    pub(crate) fn release(&self) {
        let latest = Instant::now() + VISIBILITY;
        for queue in QueueName::ALL {
            for message in self.lock(queue).messages.values_mut() {
                message.visible_at = message.visible_at.min(latest);
            }
            self.changed(queue).notify_one();
        }
    }

    /// Tells of changes that may make a message visible.
    pub(crate) fn changed(&self, queue: QueueName) -> &Notify {
        &self.changed[queue as usize]
    }

    /// When the next hidden message of a queue is visible.
    pub(crate) fn next_visible(&self, queue: QueueName) -> Option<Instant> {
        let now = Instant::now();
        let state = self.lock(queue);
        state.messages.values().map(|message| message.visible_at).filter(|at| *at > now).min()
    }

    fn lock(&self, queue: QueueName) -> MutexGuard<'_, State> {
        self.queues[queue as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
