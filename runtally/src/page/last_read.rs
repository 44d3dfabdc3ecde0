//! Results that the page read a short time ago and shows again.

use super::open_book::Known;
use super::waits::Waiting;
use crate::view::{Comparison, Letter};
use jiff::{SignedDuration, Timestamp};
use shared::core::ids::{RecordId, RunId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a score is shown after it was read.
const SCORE_AGE: SignedDuration = SignedDuration::from_mins(10);

/// How long waiting tasks and dead letters are shown after they were read. The script requests them
/// several times a second.
const QUEUES_AGE: SignedDuration = SignedDuration::from_secs(2);

/// How long a record from a real Airtable is shown after it was read.
const RECORD_AGE: SignedDuration = SignedDuration::from_secs(30);

/// The last results of all reads that are expensive.
#[derive(Default)]
pub(crate) struct LastRead {
    pub(super) records: ReadRecords,
    pub(super) scores: ReadScores,
    pub(super) tasks: Recent<Vec<Waiting>>,
    pub(super) given_up: Recent<GivenUp>,
}

/// The dead letters of all queues.
pub(super) struct GivenUp {
    pub(super) letters: Vec<Letter>,
    /// How many more dead letters exist that were not read.
    pub(super) unread: u64,
}

/// The contents of the queues, with the time of reading.
pub(super) struct Recent<T>(Mutex<Option<(Timestamp, Arc<T>)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    pub(super) fn of(&self, now: Timestamp) -> Option<Arc<T>> {
        let read = lock(&self.0);
        let (at, read) = read.as_ref()?;
        // If the clock was set back, the age is negative and the result counts as too old.
        let age = now.duration_since(*at);
        (SignedDuration::ZERO..QUEUES_AGE).contains(&age).then(|| Arc::clone(read))
    }

    pub(super) fn keep(&self, now: Timestamp, read: T) -> Arc<T> {
        let read = Arc::new(read);
        *lock(&self.0) = Some((now, Arc::clone(&read)));
        read
    }
}

/// Scores that were read from leads' rows, with the time of reading.
#[derive(Default)]
pub(super) struct ReadScores(Mutex<BTreeMap<RecordId, (Timestamp, String)>>);

impl ReadScores {
    pub(super) fn keep(&self, at: Timestamp, read: Vec<(RecordId, String)>) {
        let mut scores = lock(&self.0);
        scores.retain(|_, (then, _)| at.duration_since(*then) < SCORE_AGE);
        scores.extend(read.into_iter().map(|(record, score)| (record, (at, score))));
    }

    pub(super) fn of(&self, record: &RecordId) -> Option<String> {
        lock(&self.0).get(record).map(|(_, score)| score.clone())
    }
}

/// Records, with the number of events that their runs had when they were read, and the time.
#[derive(Default)]
pub(super) struct ReadRecords(Mutex<BTreeMap<RunId, ReadRecord>>);

struct ReadRecord {
    events: usize,
    at: Timestamp,
    read: Arc<Comparison>,
}

impl ReadRecords {
    /// Forgets all records, because one was just changed.
    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// The record of a run, if it was read a short time ago and the run has not changed since.
    pub(super) fn of(&self, known: &Known, now: Timestamp) -> Option<(Timestamp, Arc<Comparison>)> {
        let records = lock(&self.0);
        let record = records.get(&known.summary.run)?;
        let is_recent = now.duration_since(record.at) < RECORD_AGE;
        let counts = record.events == known.events && is_recent;
        counts.then(|| (record.at, Arc::clone(&record.read)))
    }

    pub(super) fn keep(&self, known: &Known, at: Timestamp, read: &Arc<Comparison>) {
        let mut records = lock(&self.0);
        records.retain(|_, record| at.duration_since(record.at) < RECORD_AGE);
        let record = ReadRecord { events: known.events, at, read: Arc::clone(read) };
        records.insert(known.summary.run.clone(), record);
    }
}

fn lock<T>(read: &Mutex<T>) -> MutexGuard<'_, T> {
    read.lock().unwrap_or_else(PoisonError::into_inner)
}
