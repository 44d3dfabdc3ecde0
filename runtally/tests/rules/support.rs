//! A queue in memory on paused time, and short functions to use it.

use jiff::Timestamp;
use runtally::storage::{Database, QueueSettings, SqliteQueue};
use shared::core::clock::Clock;
use shared::messages::routes;
use shared::ports::{NewDeadLetter, Queue, QueueName};
use std::time::Duration;

pub(crate) const QUEUE: QueueName = QueueName::Metrics;
pub(crate) const VISIBILITY: u64 = 60;
pub(crate) const START: Timestamp = Timestamp::constant(1_795_427_119, 821_000_000);

/// The cases of a text file by name: their commands, each with the expected answer.
pub(crate) fn cases(text: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let cases = text.split("\n== ").skip(1).map(|case| {
        let mut lines = case.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let name = lines.next().unwrap();
        (name, lines.map(|line| line.split_once(" => ").unwrap_or((line, ""))).collect())
    });
    let cases: Vec<_> = cases.collect();
    assert!(!cases.is_empty());
    cases
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// Both queues hide messages for a minute and give up after three receives.
pub(crate) fn queue_in(database: Database) -> SqliteQueue {
    queue_at(database, Clock::following_tokio(START))
}

/// Like [`queue_in`], with this clock.
pub(crate) fn queue_at(database: Database, clock: Clock) -> SqliteQueue {
    let settings =
        QueueSettings { visibility_timeout: seconds(VISIBILITY), max_receive_count: 3, seed: 7 };
    SqliteQueue::new(database, clock, settings)
}

pub(crate) fn queue() -> SqliteQueue {
    queue_in(Database::in_memory().unwrap())
}

/// Sends messages written as `group/id`; the body is the deduplication id.
pub(crate) async fn send(queue: &SqliteQueue, messages: &[&str]) {
    let messages = messages.iter().map(|text| {
        let (group, id) = text.split_once('/').unwrap();
        routes::verbatim(group, id, id)
    });
    queue.send(QUEUE, messages.collect()).await.unwrap();
}

pub(crate) fn dead_letter(message_id: &str, reason: &str) -> NewDeadLetter {
    NewDeadLetter {
        group: "g".to_owned(),
        message_id: message_id.to_owned(),
        body: "odd".to_owned(),
        reason: reason.to_owned(),
    }
}

pub(crate) async fn dead(queue: &SqliteQueue) -> Vec<String> {
    let letters = queue.dead_letters(QUEUE).await.unwrap().into_iter();
    letters.map(|letter| format!("{}: {}", letter.body, letter.reason)).collect()
}
