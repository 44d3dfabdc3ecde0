//! The runs of the log, folded once and kept: a run is read again only when it changed.

use crate::result::Fault;
use crate::storage::RunHead;
use crate::system::Deployment;
use crate::view::event_of;
use jiff::Timestamp;
use jiff::civil::Date;
use shared::core::ids::{RecordId, RunId};
use shared::core::linkedin::ProfileKey;
use shared::core::tokens::NanoUsd;
use shared::fold::{RunState, Summary};
use shared::messages::{Fact, MetricsEvent};
use shared::ports::{Projection, RunLog};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many runs are kept with all their events, those that were read last.
const OPEN_BOOKS: usize = 8;

/// A run as the list shows it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) summary: Summary,
    /// Events of the log, those of other releases too.
    pub(super) events: usize,
    /// What the record shows; `None` before it was written first.
    pub(super) projection: Option<Projection>,
    /// When it made its first call and heard of its last one.
    pub(super) asked: Option<(Timestamp, Timestamp)>,
    /// What the model cost by UTC day.
    pub(super) cost_by_day: BTreeMap<Date, NanoUsd>,
    /// Profiles and rows of its leads, one a line, for a search.
    pub(super) leads: String,
}

impl Known {
    /// Events that are not on the record yet.
    pub(super) fn behind(&self) -> usize {
        let shown = self.projection.as_ref().map_or(0, |projection| projection.events);
        self.events.saturating_sub(shown)
    }
}

/// A run with everything that is known of it.
pub(super) struct OpenBook {
    pub(super) known: Arc<Known>,
    pub(super) state: RunState,
    /// In the order they happened.
    pub(super) events: Vec<MetricsEvent>,
    /// Events that this release cannot read.
    pub(super) unreadable: usize,
    read: HashSet<u64>,
    /// What the log said of the run just before it was read.
    head: Option<RunHead>,
    used: u64,
}

/// What is kept of the runs.
#[derive(Default)]
pub(super) struct Book {
    known: Mutex<BTreeMap<RunId, (RunHead, Arc<Known>)>>,
    open: tokio::sync::Mutex<Open>,
    readings: Mutex<BTreeMap<RunId, Arc<Reading>>>,
}

/// A run that is read for the first time, which takes a while for a large one.
#[derive(Default)]
struct Reading {
    /// Who reads it; others wait.
    turn: tokio::sync::Mutex<()>,
    read: AtomicUsize,
    all: AtomicUsize,
}

#[derive(Default)]
struct Open {
    runs: BTreeMap<RunId, OpenBook>,
    count: u64,
}

impl Book {
    /// The runs, newest first.
    pub(super) async fn heads(
        &self,
        deployment: &Deployment,
        since: Timestamp,
    ) -> Result<Vec<RunHead>, Fault> {
        let mut heads = deployment.heads(since).await?;
        heads.sort_by(|a, b| b.run.cmp(&a.run));
        Ok(heads)
    }

    /// What the list shows of a run; `None` when no event of it can be read.
    pub(super) async fn known(
        &self,
        deployment: &Deployment,
        head: &RunHead,
    ) -> Result<Option<Arc<Known>>, Fault> {
        if head.appends.is_some()
            && let Some((read, known)) = self.shelf().get(&head.run)
            && read == head
        {
            return Ok(Some(Arc::clone(known)));
        }
        let known = self.read(deployment, &head.run, |book| Arc::clone(&book.known)).await?;
        if let Some(known) = &known {
            self.shelf().insert(head.run.clone(), (head.clone(), Arc::clone(known)));
        }
        Ok(known)
    }

    /// Reads a run, and shows `look` all of it; `None` when no event of it can be read.
    pub(super) async fn read<T>(
        &self,
        deployment: &Deployment,
        run: &RunId,
        look: impl FnOnce(&OpenBook) -> T,
    ) -> Result<Option<T>, Fault> {
        while !self.open.lock().await.runs.contains_key(run) {
            if !self.read_first(deployment, run).await? {
                return Ok(None);
            }
        }
        let mut open = self.open.lock().await;
        open.count += 1;
        let used = open.count;
        let head = deployment.head(run).await?;
        let Some(book) = open.runs.remove(run) else { return Ok(None) };
        let is_same = head.is_some() && book.head == head;
        let book = if is_same { book } else { grown(deployment, book, head.as_ref()).await? };
        let book = OpenBook { used, head, ..book };
        let answer = look(&book);
        open.keep(run, book);
        Ok(Some(answer))
    }

    /// Reads a run that is not open yet; returns whether any event of it can be read.
    async fn read_first(&self, deployment: &Deployment, run: &RunId) -> Result<bool, Fault> {
        let reading = Arc::clone(self.readings().entry(run.clone()).or_default());
        let _turn = reading.turn.lock().await;
        if self.open.lock().await.runs.contains_key(run) {
            return Ok(true);
        }
        let head = deployment.head(run).await?;
        let log = deployment.read(run).await?;
        reading.all.store(log.events.len(), Ordering::Relaxed);
        let counted = Arc::clone(&reading);
        let book = tokio::task::spawn_blocking(move || OpenBook::of(&log, &counted.read)).await;
        let book = book.expect("the fold does not panic");
        self.readings().remove(run);
        let Some(book) = book else { return Ok(false) };
        let mut open = self.open.lock().await;
        open.count += 1;
        let book = OpenBook { head, used: open.count, ..book };
        open.keep(run, book);
        Ok(true)
    }

    /// How many events of how many are read of a run that is being read for the first time.
    pub(super) fn progress(&self, run: &RunId) -> Option<(usize, usize)> {
        let readings = self.readings();
        let Reading { read, all, .. } = &**readings.get(run)?;
        Some((read.load(Ordering::Relaxed), all.load(Ordering::Relaxed)))
    }

    fn readings(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, BTreeMap<RunId, (RunHead, Arc<Known>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Keeps a run with all its events, and no longer the one that was used the longest time ago.
    fn keep(&mut self, run: &RunId, book: OpenBook) {
        self.runs.insert(run.clone(), book);
        if self.runs.len() > OPEN_BOOKS {
            let oldest = self.runs.iter().min_by_key(|(_, book)| book.used);
            if let Some(oldest) = oldest.map(|(run, _)| run.clone()) {
                self.runs.remove(&oldest);
            }
        }
    }
}

/// An open run with what came since it was read.
async fn grown(
    deployment: &Deployment,
    book: OpenBook,
    head: Option<&RunHead>,
) -> Result<OpenBook, Fault> {
    Ok(match deployment.news(book.head.as_ref(), head).await? {
        Some(news) => book.grown(&news.events, news.projection),
        None => {
            let log = deployment.read(&book.known.summary.run).await?;
            book.grown(&log.events, log.projection)
        }
    })
}

impl OpenBook {
    /// Reads a run from its log, and counts the events that are read.
    fn of(log: &RunLog, count: &AtomicUsize) -> Option<Self> {
        let decoded = log.events.iter().filter_map(|body| {
            count.fetch_add(1, Ordering::Relaxed);
            event_of(body)
        });
        let mut events: Vec<MetricsEvent> = decoded.collect();
        events.sort_by_key(|event| event.at);
        let unreadable = log.events.len() - events.len();
        let state = RunState::fold(&events)?;
        let read = log.events.iter().map(|body| digest(body)).collect();
        let known = known(&state, &events, unreadable, log.projection.clone());
        Some(Self { known, state, events, unreadable, read, head: None, used: 0 })
    }

    /// With the events that came since, those of before among them or not. An event never changes, and
    /// their order means nothing to the fold, so only new ones are folded.
    fn grown(mut self, events: &[String], projection: Option<Projection>) -> Self {
        let mut is_new = false;
        for body in events {
            if !self.read.insert(digest(body)) {
                continue;
            }
            is_new = true;
            match event_of(body) {
                Some(event) => {
                    self.state.absorb(&event);
                    self.events.push(event);
                }
                None => self.unreadable += 1,
            }
        }
        if is_new {
            self.events.sort_by_key(|event| event.at);
        }
        if is_new || self.known.projection != projection {
            self.known = known(&self.state, &self.events, self.unreadable, projection);
        }
        self
    }
}

fn known(
    state: &RunState,
    events: &[MetricsEvent],
    unreadable: usize,
    projection: Option<Projection>,
) -> Arc<Known> {
    let mut leads = String::new();
    for lead in state.lead_views() {
        let (profile, record) =
            (lead.profile.map(ProfileKey::as_str), lead.record.map(RecordId::as_str));
        for name in profile.into_iter().chain(record) {
            leads.push_str(name);
            leads.push('\n');
        }
    }
    Arc::new(Known {
        leads,
        asked: asked(events),
        cost_by_day: state.cost_by_day(),
        summary: state.summary(),
        events: events.len() + unreadable,
        projection,
    })
}

/// When a run made its first call and heard of its last one.
fn asked(events: &[MetricsEvent]) -> Option<(Timestamp, Timestamp)> {
    let is_of_calls = |fact: &Fact| matches!(fact, Fact::Announced(_) | Fact::Billed(_));
    let mut at = events.iter().filter(|event| is_of_calls(&event.fact)).map(|event| event.at);
    let first = at.next()?;
    Some((first, at.next_back().unwrap_or(first)))
}

fn digest(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}
