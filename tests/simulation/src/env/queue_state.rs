//! The messages of one queue, and which of them can be received.

use super::chance::Chance;
use crate::branches::Branch;
use crate::fault::Fault;
use jiff::Timestamp;
use shared::core::failure::{QUEUE_RECEIVES, RETRY_RECEIVES, RETRY_VISIBILITY};
use shared::ports::QueueName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a received message is hidden.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(900);

#[derive(Default)]
pub(super) struct State {
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) remembered: BTreeMap<(String, String), Instant>,
    pub(super) dead: Vec<DeadLetter>,
    /// Receives whose worker is still working, by the message's place and its receive count.
    pub(super) at_work: BTreeSet<(u64, u32)>,
    pub(super) next: u64,
}

pub(super) struct Message {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) deduplication: String,
    pub(super) body: Arc<str>,
    pub(super) sent_at: Timestamp,
    pub(super) visible_at: Instant,
    pub(super) receive_count: u32,
    /// Whether its group waits while it is hidden.
    pub(super) holds_group: bool,
    /// How often it still comes again although it was handled; `None` until that is drawn.
    pub(super) comes_again: Option<u64>,
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) group: String,
    pub(crate) deduplication: String,
    pub(crate) body: Arc<str>,
    pub(crate) sent_at: Timestamp,
    pub(crate) receive_count: u32,
}

/// A message that was given up.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) group: String,
    pub(crate) message_id: String,
    pub(crate) body: String,
    pub(crate) reason: String,
}

impl State {
    /// The messages that can be received now, with their groups.
    pub(super) fn ready(&self) -> Vec<(u64, String)> {
        let now = Instant::now();
        let is_hidden = |message: &Message| message.visible_at > now;
        let holding = |message: &&Message| is_hidden(message) && message.holds_group;
        let held: BTreeSet<&str> =
            self.messages.values().filter(holding).map(|message| message.group.as_str()).collect();
        self.messages
            .iter()
            .filter(|(_, message)| !is_hidden(message) && !held.contains(&*message.group))
            .map(|(sequence, message)| (*sequence, message.group.clone()))
            .collect()
    }

    /// Receives a message. A message that was received too often becomes a dead letter without a
    /// reason. A message that was handled and only comes again is removed after the last time.
    pub(super) fn take(
        &mut self,
        queue: QueueName,
        sequence: u64,
        chance: &Chance,
    ) -> Option<Received> {
        let message = self.messages.get_mut(&sequence)?;
        let most = if queue.is_fifo() { QUEUE_RECEIVES } else { RETRY_RECEIVES };
        if message.receive_count >= most {
            let message = self.messages.remove(&sequence)?;
            if message.comes_again.is_none() {
                chance.failures.count(Branch::GivenUpByQueue);
                chance.trace.say(|| format!("{} was received too often", message.id));
                self.dead.push(DeadLetter {
                    group: message.group,
                    message_id: message.id,
                    body: message.body.to_string(),
                    // The same text as in the adapter for SQS.
                    reason: format!("received {} times without success", message.receive_count),
                });
            }
            return None;
        }
        message.receive_count += 1;
        message.holds_group = true;
        let received = Received {
            id: message.id.clone(),
            receipt: format!("{sequence}#{}", message.receive_count),
            group: message.group.clone(),
            deduplication: message.deduplication.clone(),
            body: Arc::clone(&message.body),
            sent_at: message.sent_at,
            receive_count: message.receive_count,
        };
        // The duration is drawn later, for all messages that are received together.
        message.visible_at = Instant::now() + visibility(queue);
        let id = &message.id;
        if message.comes_again.is_some() {
            chance.faults.count(Fault::DeliveredAgain);
            chance.trace.say(|| format!("{id} comes again though it was handled"));
        }
        if self.at_work.range((sequence, 0)..=(sequence, u32::MAX)).next().is_some() {
            chance.faults.count(Fault::VisibilityLapsed);
            chance.trace.say(|| format!("{id} is visible again while it is being handled"));
        }
        self.at_work.insert((sequence, message.receive_count));
        Some(received)
    }
}

/// How long a received message of a queue is hidden.
pub(super) fn visibility(queue: QueueName) -> Duration {
    if queue.is_fifo() { VISIBILITY } else { RETRY_VISIBILITY }
}

/// Moves another group to the front.
pub(super) fn reorder(ready: &mut [(u64, String)], chance: &Chance) {
    let Some(group) = ready.first().map(|(_, group)| group.clone()) else { return };
    let others: BTreeSet<&String> =
        ready.iter().map(|(_, group)| group).filter(|other| **other != group).collect();
    if others.is_empty() || !chance.faults.hits(Fault::GroupsReordered) {
        return;
    }
    let others: Vec<String> = others.into_iter().cloned().collect();
    let first = &others[chance.dice.below(others.len())];
    chance.trace.say(|| format!("group {first} is served before group {group}"));
    ready.sort_by_key(|(sequence, group)| (group != first, *sequence));
}

/// The place of a received message, and its receive count.
pub(super) fn place(receipt: &str) -> Option<(u64, u32)> {
    let (sequence, count) = receipt.split_once('#')?;
    Some((sequence.parse().ok()?, count.parse().ok()?))
}

/// The message of a receipt, if it was not received again since.
pub(super) fn in_flight<'a>(state: &'a mut State, receipt: &str) -> Option<(u64, &'a mut Message)> {
    let (sequence, count) = place(receipt)?;
    let message = state.messages.get_mut(&sequence)?;
    (message.receive_count == count).then_some((sequence, message))
}
