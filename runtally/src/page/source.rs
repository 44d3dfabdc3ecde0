//! What the page reads and, where that is allowed, acts on.

use super::open_book::Known;
use super::waits::Waiting;
use crate::invented::InventedClient;
use crate::result::Fault;
use crate::system::{Deployment, Inside};
use crate::view::{Comparison, Letter};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::core::ids::{BaseId, RecordId, RunId};
use shared::run_records::Shape;
use shared::schema::run_record;
use shared::services::airtable::{Airtable, Row};
use simulators::Simulated;
use simulators::airtable::Airtable as SimulatedAirtable;
use simulators::apify::Apify;
use simulators::gemini::Gemini;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a score that was read is shown.
const SCORE_AGE: SignedDuration = SignedDuration::from_mins(10);

/// How long the waiting tasks that were read are shown: a script asks several times a second.
const TASKS_AGE: SignedDuration = SignedDuration::from_secs(2);

/// Most dead letters of a queue that the pages of runs tell of.
const MOST_LETTERS: u64 = 200;

/// How long a record that was read from a real Airtable is shown.
const REAL_AGE: SignedDuration = SignedDuration::from_secs(30);

/// One outside service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceState {
    pub(crate) name: &'static str,
    pub(crate) is_real: bool,
    /// Where it is.
    pub(crate) place: String,
}

/// The services that are simulated in this process.
#[derive(Default, Clone)]
pub(crate) struct Simulators {
    pub(crate) airtable: Option<Arc<Simulated<SimulatedAirtable>>>,
    pub(crate) apify: Option<Arc<Simulated<Apify>>>,
    pub(crate) gemini: Option<Arc<Simulated<Gemini>>>,
    /// The invented clients, for whom a harvest can be invented.
    pub(crate) clients: Vec<InventedClient>,
    /// Where the simulated Apify sends its webhooks, and the token that they carry.
    pub(crate) webhook: Option<(String, String)>,
}

/// A system as the page sees it.
pub(crate) struct Source {
    pub(crate) deployment: Deployment,
    pub(crate) airtable: Airtable<HttpTransport>,
    pub(crate) master: BaseId,
    pub(crate) services: Vec<ServiceState>,
    pub(crate) simulators: Simulators,
    /// What only the system's own process knows; `None` for one that runs elsewhere.
    pub(crate) inside: Option<Inside>,
    /// Whether the page may change something.
    pub(crate) allow_actions: bool,
    /// How many chunks of a base are scored at the same time.
    pub(crate) lanes: u32,
    /// How long the records of finished runs are checked, which is how far a deployed log is listed.
    pub(crate) verify_for: SignedDuration,
    pub(crate) clock: Clock,
    pub(crate) records: ReadRecords,
    pub(crate) scores: ReadScores,
    pub(crate) tasks: ReadTasks,
}

/// Scores of leads that were read from their rows, with when.
#[derive(Default)]
pub(crate) struct ReadScores(Mutex<BTreeMap<RecordId, (Timestamp, String)>>);

/// The tasks that wait for their next attempt, with when they were looked at.
#[derive(Default)]
pub(crate) struct ReadTasks(Mutex<Option<(Timestamp, Arc<Vec<Waiting>>)>>);

impl ReadTasks {
    fn of(&self, now: Timestamp) -> Option<Arc<Vec<Waiting>>> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, tasks) = tasks.as_ref()?;
        // A clock that is set back makes them too old as well.
        let age = now.duration_since(*at);
        (SignedDuration::ZERO..TASKS_AGE).contains(&age).then(|| Arc::clone(tasks))
    }
}

/// Records that were read, with how many events their runs had then, and when.
#[derive(Default)]
pub(crate) struct ReadRecords(Mutex<BTreeMap<RunId, ReadRecord>>);

struct ReadRecord {
    events: usize,
    at: Timestamp,
    read: Arc<Comparison>,
}

impl Source {
    /// How often something that is stored changed; always the same for a system that runs elsewhere.
    pub(super) fn changes(&self) -> u64 {
        self.inside.as_ref().map_or(0, |inside| *inside.changes.borrow())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The record of a run as Airtable shows it. A simulated Airtable is always asked; a real one
    /// only if `is_asked`, and its answer is shown again for half a minute, unless the run changes.
    pub(super) async fn comparison(
        &self,
        known: &Known,
        is_asked: bool,
    ) -> Result<Option<(Timestamp, Arc<Comparison>)>, Fault> {
        let (now, summary) = (self.now(), &known.summary);
        let read = match &self.simulators.airtable {
            Some(airtable) => {
                Comparison::of(&Shape::default(), self.rows(airtable, known), summary)
            }
            None if is_asked => crate::view::compare(&self.airtable, &self.master, summary).await?,
            None => return Ok(self.records.of(known, now)),
        };
        let read = Arc::new(read);
        self.records.keep(known, now, &read);
        Ok(Some((now, read)))
    }

    /// The run's rows in a simulated Airtable; `None` for a real one.
    pub(super) fn simulated_rows(&self, known: &Known) -> Option<Vec<Row>> {
        self.simulators.airtable.as_ref().map(|airtable| self.rows(airtable, known))
    }

    /// The tasks that wait for their next attempt. With `may_be_old` those of up to two seconds ago.
    pub(super) async fn waiting(&self, may_be_old: bool) -> Result<Arc<Vec<Waiting>>, Fault> {
        let now = self.now();
        if may_be_old && let Some(tasks) = self.tasks.of(now) {
            return Ok(tasks);
        }
        let (tasks, _) = self.deployment.waiting().await?;
        let tasks: Arc<Vec<Waiting>> = Arc::new(tasks.into_iter().map(Waiting::from).collect());
        *self.tasks.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((now, Arc::clone(&tasks)));
        Ok(tasks)
    }

    /// The dead letters. On AWS none is told: looking at them hides them from others for a moment. Of
    /// very many none is told either: the page of the system counts them.
    pub(super) async fn given_up(&self) -> Result<Vec<Letter>, Fault> {
        let mut all = Vec::new();
        if self.deployment.is_on_aws() {
            return Ok(all);
        }
        for queue in self.deployment.queues() {
            let dead = self.deployment.state(queue).await?.dead;
            if (1..=MOST_LETTERS).contains(&dead) {
                let letters = self.deployment.dead_letters(queue).await?;
                all.extend(letters.iter().map(|letter| Letter::of(queue, letter)));
            }
        }
        Ok(all)
    }

    /// The run's rows in a simulated Airtable: the one that was written last, if it is still the
    /// run's, or else all with the run's identity.
    fn rows(&self, airtable: &Simulated<SimulatedAirtable>, known: &Known) -> Vec<Row> {
        let (airtable, base) = (airtable.service(), self.master.as_str());
        let is_of_run = |fields: &Map<String, Value>| {
            let run = fields.get(run_record::RUN_ID).and_then(Value::as_str);
            run == Some(known.summary.run.as_str())
        };
        let written = known.projection.as_ref().map(|projection| projection.record.as_str());
        let written = written.and_then(|id| airtable.row(base, run_record::TABLE, id).ok()?);
        let rows = match written.filter(|row| is_of_run(&row.fields)) {
            Some(row) => Ok(vec![row]),
            None => airtable.rows(base, run_record::TABLE),
        };
        let rows = rows.unwrap_or_default().into_iter().filter(|row| is_of_run(&row.fields));
        let as_read = |row: simulators::airtable::Row| {
            let id: RecordId = row.id.parse().ok()?;
            Some(Row { id, created_time: row.created_time, fields: row.fields })
        };
        rows.filter_map(as_read).collect()
    }
}

impl ReadScores {
    pub(super) fn keep(&self, at: Timestamp, read: Vec<(RecordId, String)>) {
        let mut scores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scores.retain(|_, (then, _)| at.duration_since(*then) < SCORE_AGE);
        scores.extend(read.into_iter().map(|(record, score)| (record, (at, score))));
    }

    pub(super) fn of(&self, record: &RecordId) -> Option<String> {
        let scores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scores.get(record).map(|(_, score)| score.clone())
    }
}

impl ReadRecords {
    /// Forgets what was read, because it was just changed.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was read of the run as it is now, a short time ago.
    fn of(&self, known: &Known, now: Timestamp) -> Option<(Timestamp, Arc<Comparison>)> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = records.get(&known.summary.run)?;
        let is_recent = now.duration_since(record.at) < REAL_AGE;
        let counts = record.events == known.events && is_recent;
        counts.then(|| (record.at, Arc::clone(&record.read)))
    }

    fn keep(&self, known: &Known, at: Timestamp, read: &Arc<Comparison>) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.retain(|_, record| at.duration_since(record.at) < REAL_AGE);
        let record = ReadRecord { events: known.events, at, read: Arc::clone(read) };
        records.insert(known.summary.run.clone(), record);
    }
}
