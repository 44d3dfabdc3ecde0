//! The queues and their dead-letter queues: settings, depth, and waiting for a change.

use crate::storage::database::{Database, StoreError};
use jiff::Timestamp;
use rusqlite::Transaction;
use shared::core::clock::Clock;
use shared::core::failure::{RETRY_RECEIVES, RETRY_VISIBILITY};
use shared::ports::{QueueError, QueueName};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

/// The settings of the FIFO queues, and the seed for all queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long a received message stays hidden unless it is deleted or requeued.
    pub visibility_timeout: Duration,
    /// A message that was received this often without success goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// Message ids are made from this seed and a counter in the database. No id repeats, even if a
    /// file is opened again with the same seed.
    pub seed: u64,
}

impl QueueSettings {
    /// How long a received message of `queue` stays hidden.
    pub fn visibility(self, queue: QueueName) -> Duration {
        if queue.is_fifo() { self.visibility_timeout } else { RETRY_VISIBILITY }
    }

    /// How often a message of `queue` is received before it goes to the dead-letter queue.
    pub(super) fn receives(self, queue: QueueName) -> u32 {
        if queue.is_fifo() { self.max_receive_count } else { RETRY_RECEIVES }
    }
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait, including those behind another message of their group.
    pub visible: usize,
    /// Messages received or requeued that are still hidden.
    pub in_flight: usize,
    /// Messages on the dead-letter queue.
    pub dead: usize,
}

impl Depth {
    /// Whether no message is left. Dead letters do not count.
    pub fn is_idle(self) -> bool {
        self.visible == 0 && self.in_flight == 0
    }
}

/// The queues in the local database. Clones share the queues.
///
/// Every method fails with [`QueueError::Unreachable`] when the database fails, and then changes
/// nothing.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    database: Database,
    /// The clock's time when this was created, in milliseconds since 1970.
    began_at: i64,
    began: Instant,
    pub(super) settings: QueueSettings,
    changed: Arc<Changed>,
}

#[derive(Debug, Default)]
struct Changed {
    scoring: Notify,
    metrics: Notify,
    retry: Notify,
}

impl SqliteQueue {
    /// The queues in `database`. `clock` is read once. After that, setting the machine's clock does
    /// not change how long anything waits.
    pub fn new(database: Database, clock: Clock, settings: QueueSettings) -> Self {
        let (began_at, began) = (clock.now().as_millisecond(), Instant::now());
        Self { database, began_at, began, settings, changed: Arc::default() }
    }

    /// The settings of the queues.
    pub fn settings(&self) -> QueueSettings {
        self.settings
    }

    /// How full `queue` is.
    pub fn depth(&self, queue: QueueName) -> Result<Depth, QueueError> {
        let now = self.now();
        self.transact(queue, |tx| {
            let (visible, in_flight) = tx
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                            count(*) FILTER (WHERE visible_at > ?2)
                     FROM message WHERE queue = ?1",
                )?
                .query_row((queue.as_str(), now), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let dead = tx
                .prepare_cached("SELECT count(*) FROM dead_letter WHERE queue = ?1")?
                .query_row([queue.as_str()], |row| row.get(0))?;
            Ok(Depth { visible, in_flight, dead })
        })
    }

    /// The time until `queue` may have something to receive, if nothing changes before. Zero if it
    /// has something now, `None` if it is empty.
    pub fn time_to_next(&self, queue: QueueName) -> Result<Option<Duration>, QueueError> {
        let now = self.now();
        let next: Option<i64> = self.transact(queue, |tx| {
            // Only groups with a hidden message have to wait. Few of thousands of messages are
            // hidden.
            let is_free = tx
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM message WHERE queue = ?1 AND group_id NOT IN
                         (SELECT group_id FROM message WHERE queue = ?1 AND visible_at > ?2))",
                )?
                .query_row((queue.as_str(), now), |row| row.get(0))?;
            if is_free {
                return Ok(Some(now));
            }
            tx.prepare_cached(
                "SELECT min(free_at) FROM (
                     SELECT max(visible_at) AS free_at FROM message
                     WHERE queue = ?1 AND visible_at > ?2 GROUP BY group_id)",
            )?
            .query_row((queue.as_str(), now), |row| row.get(0))
        })?;
        Ok(next.map(|at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0))))
    }

    /// Resolves at the next change to `queue` after this call: something is sent, dead-lettered,
    /// requeued, deleted or redriven through this handle or a clone of it.
    pub fn changed(&self, queue: QueueName) -> Notified<'_> {
        self.notify(queue).notified()
    }

    /// Resolves when all queues are empty: nothing is visible, in flight or waiting, except records
    /// that are to be written later.
    pub async fn idle(&self) -> Result<(), QueueError> {
        loop {
            // Created before the check, so that it sees every later change.
            let changes = QueueName::ALL.map(|queue| self.changed(queue));
            let mut idle = true;
            for queue in QueueName::ALL {
                idle &= self.has_no_work(queue)?;
            }
            if idle {
                return Ok(());
            }
            let [scoring, metrics, retry] = changes;
            tokio::select! {
                () = scoring => {}
                () = metrics => {}
                () = retry => {}
            }
        }
    }

    fn has_no_work(&self, queue: QueueName) -> Result<bool, QueueError> {
        self.transact(queue, |tx| {
            tx.prepare_cached(
                "SELECT count(*) FROM message WHERE queue = ?1
                 AND NOT (queue = 'retry' AND body ->> '$.queue' = 'metrics')",
            )?
            .query_row([queue.as_str()], |row| Ok(row.get::<_, u64>(0)? == 0))
        })
    }

    /// Wakes the waiting tasks because another process may have changed a queue.
    pub fn wake(&self) {
        for queue in QueueName::ALL {
            self.notify(queue).notify_waiters();
        }
    }

    pub(super) fn notify(&self, queue: QueueName) -> &Notify {
        match queue {
            QueueName::Scoring => &self.changed.scoring,
            QueueName::Metrics => &self.changed.metrics,
            QueueName::Retry => &self.changed.retry,
        }
    }

    /// Milliseconds since 1970, by a clock that cannot be set.
    pub(super) fn now(&self) -> i64 {
        self.began_at.saturating_add(millis(self.began.elapsed()))
    }

    /// Like [`SqliteQueue::transact`], and wakes those who wait for a change to `queue`.
    pub(super) fn change<T>(
        &self,
        queue: QueueName,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        let done = self.transact(queue, work)?;
        self.notify(queue).notify_waiters();
        Ok(done)
    }

    pub(super) fn transact<T>(
        &self,
        queue: QueueName,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        self.database.transact(work).map_err(|error: StoreError| QueueError::Unreachable {
            queue,
            reason: error.to_string(),
        })
    }
}

/// The next number that orders messages and dead letters.
pub(super) fn next_sequence(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    tx.prepare_cached("UPDATE sequence SET last = last + 1 RETURNING last")?
        .query_row((), |row| row.get(0))
}

pub(super) fn timestamp(millis: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(millis)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, millis))
}

pub(super) fn millis(duration: Duration) -> i64 {
    duration.as_millis().try_into().unwrap_or(i64::MAX)
}
