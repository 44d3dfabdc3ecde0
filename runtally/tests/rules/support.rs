//! A queue in memory on paused time, and short words for what is done to it.

use runtally::storage::{Database, QueueSettings, Received, SqliteQueue};
use shared::core::clock::Clock;
use shared::messages::routes;
use shared::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueName};
use std::time::Duration;

pub(crate) const QUEUE: QueueName = QueueName::Metrics;
pub(crate) const VISIBILITY: u64 = 60;

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// Both queues hide messages for a minute and give up after three times.
pub(crate) fn queue_in(database: Database) -> SqliteQueue {
    let settings =
        QueueSettings { visibility_timeout: seconds(VISIBILITY), max_receive_count: 3, seed: 7 };
    let start = "2026-11-23T09:45:19.821Z".parse().unwrap();
    SqliteQueue::new(database, Clock::following_tokio(start), settings)
}

pub(crate) fn queue() -> SqliteQueue {
    queue_in(Database::in_memory().unwrap())
}

/// A message in `group`; its body is its deduplication id.
pub(crate) fn message(group: &str, id: &str) -> OutgoingMessage {
    routes::verbatim(group, id, id)
}

/// Sends messages given as `group/id`.
pub(crate) async fn send(queue: &SqliteQueue, messages: &[&str]) {
    let messages = messages.iter().map(|text| {
        let (group, id) = text.split_once('/').unwrap();
        message(group, id)
    });
    queue.send(QUEUE, messages.collect()).await.unwrap();
}

pub(crate) fn receive(queue: &SqliteQueue) -> Vec<Received> {
    queue.receive(QUEUE, 10).unwrap()
}

/// The bodies of what is received.
pub(crate) fn received(queue: &SqliteQueue) -> Vec<String> {
    receive(queue).into_iter().map(|message| message.body).collect()
}

pub(crate) fn delete(queue: &SqliteQueue, message: &Received) {
    queue.delete(QUEUE, &message.receipt).unwrap();
}

pub(crate) fn dead_letter(message_id: &str, reason: &str) -> NewDeadLetter {
    NewDeadLetter {
        group: "g".to_owned(),
        message_id: message_id.to_owned(),
        body: "odd".to_owned(),
        reason: reason.to_owned(),
    }
}

/// The bodies and reasons of the dead letters.
pub(crate) fn dead(queue: &SqliteQueue) -> Vec<String> {
    let letters = queue.dead_letters(QUEUE).unwrap().into_iter();
    letters.map(|letter| format!("{}: {}", letter.body, letter.reason)).collect()
}
