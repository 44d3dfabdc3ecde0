//! The runs of the log, folded once and kept. A run is read again only if it changed.

use super::open_book::{Details, Known, OpenBook};
use crate::result::Fault;
use crate::storage::RunHead;
use crate::system::Deployment;
use jiff::Timestamp;
use shared::core::ids::RunId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs are kept with all their events, up to this many events in total. The last ones that were
/// read are kept. A run of 25,000 leads has 8,500 events, a run of 50 leads has 20.
const KEPT_EVENTS: usize = 20_000;
/// This many runs are kept, however large they are, because each may be on a screen.
const KEPT_RUNS: usize = 2;

/// The cached runs.
#[derive(Default)]
pub(super) struct Book {
    shelf: Mutex<BTreeMap<RunId, (RunHead, Shelved)>>,
    open: tokio::sync::Mutex<Open>,
    readings: Mutex<BTreeMap<RunId, Arc<Reading>>>,
}

/// What the list shows of a run; `None` if none of its events can be read.
pub(super) type Shelved = Option<Arc<Known>>;

/// A run that is read for the first time. For a large run this takes a while.
#[derive(Default)]
struct Reading {
    /// Held by the task that reads; others wait.
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

    /// What the list shows of a run.
    pub(super) async fn known(
        &self,
        deployment: &Deployment,
        head: &RunHead,
    ) -> Result<Shelved, Fault> {
        if let Some(kept) = self.kept(head) {
            return Ok(kept);
        }
        let known = self.read(deployment, &head.run, |book| Arc::clone(&book.known)).await?;
        self.shelf().insert(head.run.clone(), (head.clone(), known.clone()));
        Ok(known)
    }

    /// What the list shows of a run that has not changed since it was read; `None` for any other
    /// run.
    pub(super) fn kept(&self, head: &RunHead) -> Option<Shelved> {
        let shelf = self.shelf();
        let (read, kept) = shelf.get(&head.run)?;
        (head.appends.is_some() && read == head).then(|| kept.clone())
    }

    /// What a search and the spending need of a run.
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
        let details = details.ok_or_else(|| format!("the log no longer has run {run}"))?;
        Ok(known.details.get_or_init(|| details))
    }

    /// Reads a run, and passes all of it to `look`. `None` if none of its events can be read.
    pub(super) async fn read<T>(
        &self,
        deployment: &Deployment,
        run: &RunId,
        look: impl FnOnce(&OpenBook) -> T,
    ) -> Result<Option<T>, Fault> {
        // While this waits, other requests may read many runs and displace this one: then read it
        // again.
        let (mut open, book) = loop {
            let mut open = self.open.lock().await;
            if let Some(book) = open.runs.remove(run) {
                break (open, book);
            }
            drop(open);
            if !self.read_first(deployment, run).await? {
                return Ok(None);
            }
        };
        open.count += 1;
        let used = open.count;
        let head = deployment.head(run).await?;
        let is_same = head.is_some() && book.head == head;
        let book = if is_same { book } else { grown(deployment, book, head.as_ref()).await? };
        let mut book = book;
        (book.used, book.head) = (used, head);
        let answer = look(&book);
        open.keep(run, book);
        Ok(Some(answer))
    }

    /// Reads a run that is not open yet. Returns whether any of its events can be read.
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

    /// The progress of reading a run for the first time: events read, and all events.
    pub(super) fn progress(&self, run: &RunId) -> Option<(usize, usize)> {
        let readings = self.readings();
        let Reading { read, all, .. } = &**readings.get(run)?;
        Some((read.load(Ordering::Relaxed), all.load(Ordering::Relaxed)))
    }

    fn readings(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, BTreeMap<RunId, (RunHead, Shelved)>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Keeps a run with all its events.
    fn keep(&mut self, run: &RunId, book: OpenBook) {
        self.runs.insert(run.clone(), book);
        self.forget(KEPT_EVENTS);
    }

    /// Keeps at most this many events. Runs that have not been used for the longest time are
    /// dropped.
    fn forget(&mut self, most: usize) {
        let mut events: usize = self.runs.values().map(|book| book.known.events).sum();
        while events > most && self.runs.len() > KEPT_RUNS {
            let oldest = self.runs.iter().min_by_key(|(_, book)| book.used);
            let Some(oldest) = oldest.map(|(run, _)| run.clone()) else { return };
            events -= self.runs.remove(&oldest).map_or(0, |book| book.known.events);
        }
    }
}

/// An open run with the events that came since it was read.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::ports::RunLog;

    /// A run of this many events. `used` says when it was last used.
    fn book(day: u32, events: usize, used: u64) -> (RunId, OpenBook) {
        let stamp = format!("2611{day:02}-094519");
        let body = |number| {
            let run = json!({"base_run": stamp, "client": "Guy-Wilson", "client_name": "Guy Wilson",
                "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
            let fact = json!({"type": "noted", "kind": "input", "text": format!("Note {number}.")});
            json!({"version": 1, "type": "event", "run": run, "at": "2026-11-23T10:00:01Z", "fact": fact})
                .to_string()
        };
        let log = RunLog { events: (0..events).map(body).collect(), projection: None, appends: 1 };
        let mut book = OpenBook::of(&log, &AtomicUsize::new(0)).unwrap();
        book.used = used;
        (format!("{stamp}-Guy-Wilson").parse().unwrap(), book)
    }

    #[test]
    fn runs_are_kept_by_their_events_and_those_that_were_read_last_stay() {
        let runs = (1..=20).map(|day| book(day, 3, day.into())).collect();
        let mut open = Open { runs, count: 0 };
        open.forget(60);
        assert_eq!(open.runs.len(), 20, "however many they are");
        open.forget(30);
        let kept: Vec<u64> = open.runs.values().map(|book| book.used).collect();
        assert_eq!(kept, (11..=20).collect::<Vec<_>>());
        open.forget(1);
        assert_eq!(open.runs.len(), KEPT_RUNS, "however large they are");
    }
}
