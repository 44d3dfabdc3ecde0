//! Reading many runs for one page, which must not wait for all of them.

use super::book::Shelved;
use super::site::Page;
use crate::result::Fault;
use crate::storage::RunHead;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a page waits for runs that are not read yet: it is asked for again until all are read.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads runs for one page.
pub(super) struct Reading<'a> {
    page: &'a Arc<Page>,
    /// `None`: the page waits for all of its runs.
    until: Option<Instant>,
    /// How many runs were not read in time.
    pub(super) unread: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(page: &'a Arc<Page>, is_of_many: bool) -> Self {
        let until = is_of_many.then(|| Instant::now() + PATIENCE);
        Self { page, until, unread: 0 }
    }

    /// What the list shows of a run; `None` for one that is not read in time, or of which no event can be
    /// read.
    pub(super) async fn known(&mut self, head: &RunHead) -> Result<Shelved, Fault> {
        let Page { book, source, .. } = &**self.page;
        if let Some(kept) = book.kept(head) {
            return Ok(kept);
        }
        // A run of which only reading its log tells whether it changed has to be read each time.
        let Some(until) = self.until.filter(|_| head.appends.is_some()) else {
            return book.known(&source.deployment, head).await;
        };
        if Instant::now() < until {
            let (page, head) = (Arc::clone(self.page), head.clone());
            // It is read to its end, whoever waits for it.
            let read =
                tokio::spawn(async move { page.book.known(&page.source.deployment, &head).await });
            if let Ok(read) = timeout_at(until, read).await {
                return read.expect("reading a run does not panic");
            }
        }
        self.unread += 1;
        Ok(None)
    }
}
