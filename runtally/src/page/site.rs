//! What the pages of one system share, and why a page cannot be shown.

use super::book::Book;
use super::flash::Flashes;
use super::guard::{FormToken, Refused};
use super::source::Source;
use crate::result::Fault;
use shared::core::ids::RunId;
use std::sync::Arc;

/// The page of one system.
pub(crate) struct Page {
    pub(super) source: Source,
    pub(super) book: Book,
    pub(super) token: FormToken,
    pub(super) flashes: Flashes,
}

/// Why a page cannot be shown.
pub(super) enum Problem {
    Refused(Refused),
    /// The page, run or action does not exist.
    NotFound(String),
    /// The request cannot be fulfilled, and why.
    Wrong(String),
    /// The run is large and still being read: events read so far, and all events.
    Reading(RunId, usize, usize),
    /// The system could not be reached.
    Failed(Fault),
}

impl From<Fault> for Problem {
    fn from(error: Fault) -> Self {
        Self::Failed(error)
    }
}

impl Page {
    pub(crate) fn new(source: Source) -> Arc<Self> {
        let page = Arc::new(Self {
            source,
            book: Book::default(),
            token: FormToken::new(),
            flashes: Flashes::default(),
        });
        tokio::spawn(Arc::clone(&page).read_ahead());
        page
    }

    /// Folds the runs before they are requested, newest first.
    async fn read_ahead(self: Arc<Self>) {
        let since = self.source.now() - self.source.verify_for;
        let Ok(heads) = self.book.heads(&self.source.deployment, since).await else { return };
        for head in &heads {
            if self.book.known(&self.source.deployment, head).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
