//! Runs the suite of promises of each port on every implementation: on the ones for a single
//! machine, and on the ones for AWS against an emulator on this machine. `tests/simulation/tests`
//! runs it on the simulation's.

use crate::emulator::Emulator;
use runtally::storage::Database;
use runtally::storage::SqliteEventLog;
use runtally::storage::{QueueSettings, SqliteQueue};
use shared::core::clock::Clock;
use shared::ports::{Queue, QueueName};
use std::time::Duration;
use tests::conformance::queue::{Mailbox, Taken};
use tests::conformance::{event_log, queue};

/// Longer than the check of any promise takes.
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_event_log_on_sqlite_keeps_its_promises() {
    let log = SqliteEventLog::new(Database::in_memory().unwrap());
    event_log::all(&log, looks_at).await;
}

#[tokio::test(start_paused = true)]
async fn the_queues_on_sqlite_keep_their_promises() {
    let make = async || {
        let settings = QueueSettings { visibility_timeout: MINUTE, max_receive_count: 3, seed: 7 };
        let clock = Clock::following_tokio("2026-11-23T09:45:19.821Z".parse().unwrap());
        OnSqlite(SqliteQueue::new(Database::in_memory().unwrap(), clock, settings))
    };
    queue::all(make, MINUTE, looks_at).await;
}

#[tokio::test]
async fn the_event_log_on_dynamodb_and_the_queues_on_sqs_keep_their_promises() {
    let Some(emulator) = Emulator::start().await else { return };
    event_log::all(&emulator.event_log().await, looks_at).await;
    queue::all(async || emulator.mailbox(MINUTE).await, MINUTE, looks_at).await;
    let short = Duration::from_secs(3);
    looks_at("a_message_comes_again_when_its_visibility_ends");
    let mailbox = emulator.mailbox(short).await;
    queue::a_message_comes_again_when_its_visibility_ends(&mailbox, short).await;
}

fn looks_at(promise: &str) {
    println!("{promise}");
}

/// SQLite's queues with their receiving end.
struct OnSqlite(SqliteQueue);

impl Mailbox for OnSqlite {
    const TIME_MOVES: bool = true;

    fn queue(&self) -> &impl Queue {
        &self.0
    }

    async fn receive(&self, queue: QueueName, most: usize) -> Vec<Taken> {
        let received = self.0.receive(queue, most).unwrap();
        let taken = received.into_iter().map(|message| Taken {
            message_id: message.message_id,
            receipt: message.receipt,
            group: message.group,
            body: message.body,
            receive_count: message.receive_count,
        });
        taken.collect()
    }

    async fn delete(&self, queue: QueueName, receipt: &str) {
        self.0.delete(queue, receipt).unwrap();
    }

    async fn dead_letters(&self, queue: QueueName) -> Vec<(String, String)> {
        let letters = self.0.dead_letters(queue).await.unwrap();
        letters.into_iter().map(|letter| (letter.body, letter.reason)).collect()
    }
}
