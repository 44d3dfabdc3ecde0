//! The runs of the log, folded once and kept: a run is read again only when it changed.

use super::open_book::{Details, Known, OpenBook};
use crate::result::Fault;
use crate::storage::RunHead;
use crate::system::Deployment;
use jiff::Timestamp;
use shared::core::ids::RunId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many runs are kept with all their events, those that were read last.
const OPEN_BOOKS: usize = 8;

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

    /// What a search and the spending ask of a run.
    pub(super) async fn details<'a>(
        &self,
        deployment: &Deployment,
        known: &'a Known,
    ) -> Result<&'a Details, Fault> {
        if let Some(details) = known.details.get() {
            return Ok(details);
        }
        let run = &known.summary.run;
        let details = self.read(deployment, run, |book| Details::of(&book.state)).await?;
        Ok(known.details.get_or_init(|| details.unwrap_or_default()))
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
        let mut book = book;
        (book.used, book.head) = (used, head);
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
        let Some(mut book) = book else { return Ok(false) };
        let mut open = self.open.lock().await;
        open.count += 1;
        (book.used, book.head) = (open.count, head);
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
        Some(news) => {
            let shown = news.shown.or_else(|| book.known.projection.clone());
            book.grown(&news.events, shown)
        }
        None => {
            let log = deployment.read(&book.known.summary.run).await?;
            book.grown(&log.events, log.projection)
        }
    })
}
