//! What the pages of one system have in common, and why one of them is not shown.

use super::book::Book;
use super::flash::Flashes;
use super::guard::{FormToken, Refused};
use super::source::Source;
use crate::result::Fault;
use shared::core::ids::RunId;
use std::sync::Arc;

/// The page over one system.
pub(crate) struct Page {
    pub(super) source: Source,
    pub(super) book: Book,
    pub(super) token: FormToken,
    pub(super) flashes: Flashes,
}

/// Why a page is not shown.
pub(super) enum Problem {
    Refused(Refused),
    /// There is no such page, run or action.
    NotFound(String),
    /// What was asked for cannot be done, and why.
    Wrong(String),
    /// The run is large and is still being read: so many of its events, of so many.
    Reading(RunId, usize, usize),
    /// The system could not be asked.
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

    /// Folds the runs before somebody asks for them, newest first.
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
