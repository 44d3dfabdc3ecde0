//! The queues with the rules of SQS: groups, deduplication, visibility, delays, dead letters.

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
    /// Whether its group waits; otherwise newer messages of the group are handled before.
    pub(crate) holds_group: bool,
}

impl Queues {
    pub(crate) fn new(clock: Clock, chance: Chance) -> Self {
        // Leaves room before the first message.
        let queues = std::array::from_fn(|_| Mutex::new(State { next: FIRST, ..State::default() }));
        Self { queues, changed: Default::default(), clock, chance }
    }

    /// Puts a message on a queue, visible after the time `after`. Drops it if it was sent within
    /// five minutes. Returns whether it was accepted.
    pub(crate) fn put(&self, queue: QueueName, message: &OutgoingMessage, after: Duration) -> bool {
        self.put_held(queue, message, Held { after, holds_group: true })
    }

    /// Like [`Self::put`], and says whether the message's group waits for it.
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

    /// Puts a message on the retry queue, which does not drop copies. Each message has its own
    /// group.
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

    /// Puts a message with this group, deduplication id and body on a queue.
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

    /// Puts a task that should wait back at its old place, at the front of its group, which waits
    /// with it. This is what a planted bug does.
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

    /// The ids of the tasks in a group that wait only for their turn. A task whose visibility
    /// timeout ended while a worker is still working on it does not wait: its worker removes it, or
    /// it comes again.
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

    /// Delivers messages from groups without hidden messages, in their order.
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
        // Drawn once for all, because messages that stay hidden would hold back the others of their
        // group.
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

    /// Notes that the worker of these messages no longer works on them.
    pub(crate) fn let_go(&self, queue: QueueName, messages: &[Received]) {
        let mut state = self.lock(queue);
        for place in messages.iter().filter_map(|message| place(&message.receipt)) {
            state.at_work.remove(&place);
        }
    }

    /// Removes a handled message. If it will come again, it is only hidden for a while: it holds
    /// back its group, or comes after newer messages of its group were handled. If the receipt is
    /// not the message's last one, this does nothing, as on SQS.
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

    /// Notes that a message was handled although its receiver could not remove it. It comes again
    /// when its visibility timeout ends.
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
            // It comes again because it was requeued, not because its timeout ended.
            if let Some(place) = place(receipt) {
                state.at_work.remove(&place);
            }
        }
        drop(state);
        self.changed(queue).notify_one();
    }

    /// Puts a message on the dead-letter queue, at most once.
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

    /// Whether no queue has messages, hidden or not, except ticks.
    pub(crate) fn are_empty(&self) -> bool {
        let is_tick = |message: &Message| message.deduplication.starts_with(TICK);
        QueueName::ALL.iter().all(|queue| self.lock(*queue).messages.values().all(is_tick))
    }

    /// Shows messages that are held back for longer than a worker's death hides them.
    pub(crate) fn release(&self) {
        let latest = Instant::now() + VISIBILITY;
        for queue in QueueName::ALL {
            for message in self.lock(queue).messages.values_mut() {
                message.visible_at = message.visible_at.min(latest);
            }
            self.changed(queue).notify_one();
        }
    }

    /// Notifies of changes that may make a message visible.
    pub(crate) fn changed(&self, queue: QueueName) -> &Notify {
        &self.changed[queue as usize]
    }

    /// When the next hidden message of a queue becomes visible.
    pub(crate) fn next_visible(&self, queue: QueueName) -> Option<Instant> {
        let now = Instant::now();
        let state = self.lock(queue);
        state.messages.values().map(|message| message.visible_at).filter(|at| *at > now).min()
    }

    fn lock(&self, queue: QueueName) -> MutexGuard<'_, State> {
        self.queues[queue as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
