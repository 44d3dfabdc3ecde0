//! Periodic work: notices messages of other processes, sends ticks, and removes what was deleted or
//! is too old from the files.

use crate::storage::{Database, SqliteQueue};
use jiff::Timestamp;
use shared::config::{ConfigError, Vars};
use shared::core::clock::Clock;
use shared::core::ids::BaseId;
use shared::messages::routes;
use shared::ports::{Queue, QueueError, QueueName};
use std::time::Duration;
use tokio::sync::watch;

/// Time between two ticks of the metrics finalizer.
const TICK_EVERY: Duration = Duration::from_secs(600);
/// How soon a message from another process is noticed.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// Longest time that deleted text stays in the write-ahead log, if no other process reads the file.
const CLEAN_EVERY: Duration = Duration::from_mins(1);
/// Wait before the next try while another process reads.
const CLEAN_AGAIN: Duration = Duration::from_secs(5);
/// The same as on the queues on AWS.
const DEAD_LETTER_DAYS: u32 = 14;
/// A hundred years.
const MOST_DEAD_LETTER_DAYS: u32 = 36_500;

/// How long dead letters are kept: `DEAD_LETTER_DAYS`.
pub(super) fn dead_letter_age(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<Duration, ConfigError> {
    let days = vars.within("DEAD_LETTER_DAYS", DEAD_LETTER_DAYS, 1..=MOST_DEAD_LETTER_DAYS)?;
    Ok(Duration::from_hours(24 * u64::from(days)))
}

/// Wakes the functions when another process, such as an operator's command, sends a message.
pub(super) async fn listen(database: Database, queue: SqliteQueue) {
    let mut timer = tokio::time::interval(LISTEN_EVERY);
    let mut known = None;
    let mut has_failed = false;
    loop {
        timer.tick().await;
        match database.version_by_others() {
            Ok(version) => {
                has_failed = false;
                if known.replace(version) != Some(version) {
                    queue.wake();
                    database.changed_elsewhere();
                }
            }
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::error!(%error, "messages of other processes are not seen");
            }
            Err(_) => {}
        }
    }
}

/// Deletes dead letters older than `age`, and removes deleted data from the files.
pub(super) async fn clean(database: Database, queue: SqliteQueue, age: Duration) {
    loop {
        if let Err(error) = delete_dead_letters(&queue, age) {
            tracing::error!(%error, "old dead letters could not be deleted");
        }
        let is_empty = database.empty_log().unwrap_or_else(|error| {
            tracing::error!(%error, "the write-ahead log could not be emptied");
            true
        });
        tokio::time::sleep(if is_empty { CLEAN_EVERY } else { CLEAN_AGAIN }).await;
    }
}

fn delete_dead_letters(queue: &SqliteQueue, age: Duration) -> Result<(), QueueError> {
    for name in QueueName::ALL {
        let letters = queue.delete_dead_letters(name, age)?;
        if letters > 0 {
            let (queue, days) = (name.as_str(), age.as_secs() / 86_400);
            tracing::warn!(
                queue.name = queue,
                letters,
                days,
                "dead letters were too old and are deleted"
            );
        }
    }
    Ok(())
}

/// Sends a tick at once, for runs that a crash interrupted, and then every ten minutes.
pub(super) async fn tick(
    queue: SqliteQueue,
    master: BaseId,
    clock: Clock,
    next: watch::Sender<Timestamp>,
) {
    let mut timer = tokio::time::interval(TICK_EVERY);
    loop {
        timer.tick().await;
        next.send_replace(clock.now() + TICK_EVERY);
        let tick = routes::tick(&master, clock.now());
        if let Err(error) = queue.send(QueueName::Metrics, vec![tick]).await {
            tracing::error!(%error, "the tick could not be sent; the next one follows");
        }
    }
}

/// Resolves when a function is told to stop; never if nobody can tell it any more.
pub(super) async fn until(mut stopped: watch::Receiver<bool>) {
    if stopped.wait_for(|is_said| *is_said).await.is_err() {
        std::future::pending().await
    }
}
