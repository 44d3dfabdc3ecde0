//! The runs of the log, folded once and kept: a run is read again only when it changed.

use crate::result::Fault;
use crate::storage::RunHead;
use crate::system::Deployment;
use crate::view::{event_of, events_of};
use jiff::Timestamp;
use jiff::civil::Date;
use shared::core::ids::RunId;
use shared::core::tokens::NanoUsd;
use shared::fold::{RunState, Summary};
use shared::messages::{Fact, MetricsEvent};
use shared::ports::{Projection, RunLog};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
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
    /// Profiles and rows of its leads, for a search.
    pub(super) leads: Vec<String>,
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
        let mut open = self.open.lock().await;
        open.count += 1;
        let used = open.count;
        let head = deployment.head(run).await?;
        let book = match open.runs.remove(run) {
            Some(book) if head.is_some() && book.head == head => Some(book),
            Some(book) => Some(book.grown(deployment.read(run).await?)),
            None => OpenBook::of(deployment.read(run).await?),
        };
        let Some(book) = book else { return Ok(None) };
        let book = OpenBook { used, head, ..book };
        let answer = look(&book);
        open.runs.insert(run.clone(), book);
        if open.runs.len() > OPEN_BOOKS {
            let oldest = open.runs.iter().min_by_key(|(_, book)| book.used);
            if let Some(oldest) = oldest.map(|(run, _)| run.clone()) {
                open.runs.remove(&oldest);
            }
        }
        Ok(Some(answer))
    }

    fn shelf(&self) -> MutexGuard<'_, BTreeMap<RunId, (RunHead, Arc<Known>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenBook {
    fn of(log: RunLog) -> Option<Self> {
        let (events, unreadable) = events_of(&log);
        let state = RunState::fold(&events)?;
        let read = log.events.iter().map(|body| digest(body)).collect();
        let known = known(&state, &events, &log);
        Some(Self { known, state, events, unreadable, read, head: None, used: 0 })
    }

    /// With the events that came since. An event never changes, and their order means nothing to
    /// the fold, so only new ones are folded.
    fn grown(mut self, log: RunLog) -> Self {
        let mut is_new = false;
        for body in &log.events {
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
        if is_new || self.known.projection != log.projection {
            self.known = known(&self.state, &self.events, &log);
        }
        self
    }
}

fn known(state: &RunState, events: &[MetricsEvent], log: &RunLog) -> Arc<Known> {
    let leads = state.lead_views().into_iter().flat_map(|lead| {
        let profile = lead.profile.map(|profile| profile.as_str().to_owned());
        profile.into_iter().chain(lead.record.map(|record| record.as_str().to_owned()))
    });
    Arc::new(Known {
        leads: leads.collect(),
        asked: asked(events),
        cost_by_day: state.cost_by_day(),
        summary: state.summary(),
        events: log.events.len(),
        projection: log.projection.clone(),
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
