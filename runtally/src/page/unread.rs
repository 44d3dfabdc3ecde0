//! Reads many runs for one page, without making the page wait for all of them.

use super::book::Shelved;
use super::site::Page;
use crate::result::Fault;
use crate::storage::RunHead;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a page waits for unread runs. It is requested again until all are read.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads runs for one page.
pub(super) struct Reading<'a> {
    page: &'a Arc<Page>,
    /// `None` if the page waits for all of its runs.
    until: Option<Instant>,
    /// How many runs were not read in time.
    pub(super) unread: usize,
}

impl<'a> Reading<'a> {
    /// Reads all runs.
    pub(super) fn of_few(page: &'a Arc<Page>) -> Self {
        Self { page, until: None, unread: 0 }
    }

    /// Reads as many runs as it can in a short time.
    pub(super) fn of_many(page: &'a Arc<Page>) -> Self {
        Self { page, until: Some(Instant::now() + PATIENCE), unread: 0 }
    }

    /// What the list shows of a run. `None` if it is not read in time, or if none of its events can
    /// be read.
    pub(super) async fn known(&mut self, head: &RunHead) -> Result<Shelved, Fault> {
        let Page { book, source, .. } = &**self.page;
        if let Some(kept) = book.kept(head) {
            return Ok(kept);
        }
        // If only reading the log shows whether a run changed, it has to be read each time.
        let Some(until) = self.until.filter(|_| head.appends.is_some()) else {
            return book.known(&source.deployment, head).await;
        };
        if Instant::now() < until {
            let (page, head) = (Arc::clone(self.page), head.clone());
            // The reading continues even if this page no longer waits.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::book::Book;
    use crate::page::flash::Flashes;
    use crate::page::guard::FormToken;
    use crate::page::{LastRead, Simulators, Source};
    use crate::storage::{Database, SqliteEventLog, SqliteQueue};
    use crate::system::{Deployment, queue_settings};
    use jiff::SignedDuration;
    use serde_json::json;
    use shared::adapters::http::HttpTransport;
    use shared::core::clock::Clock;
    use shared::ports::{EventLog, StoredEvent};
    use shared::services::airtable::{Airtable, Limiters};
    use std::path::Path;

    /// A page over a log that has one event of each of these runs. None of them is read yet.
    async fn page(runs: &[(&str, String)]) -> Arc<Page> {
        let database = Database::in_memory().unwrap();
        let log = SqliteEventLog::new(database.clone());
        for (stamp, body) in runs {
            let event = StoredEvent { id: "n-1".to_owned(), body: body.clone() };
            log.append(&format!("{stamp}-Guy-Wilson").parse().unwrap(), &[event]).await.unwrap();
        }
        let queue = SqliteQueue::new(database, Clock::system(), queue_settings(1));
        let url = "http://127.0.0.1:9".parse().unwrap();
        let limiters = Arc::new(Limiters::of_the_only_process());
        let transport = HttpTransport::new().unwrap();
        let source = Source {
            deployment: Deployment::of_this_process(Path::new("runtally.sqlite"), queue, log),
            airtable: Airtable::new(transport, url, "patInvented".into(), limiters),
            master: "appMasterBase0001".parse().unwrap(),
            services: Vec::new(),
            simulators: Simulators::default(),
            inside: None,
            allow_actions: false,
            lanes: 2,
            verify_for: SignedDuration::from_hours(1),
            clock: Clock::system(),
            last: LastRead::default(),
        };
        let (book, token, flashes) = (Book::default(), FormToken::new(), Flashes::default());
        Arc::new(Page { source, book, token, flashes })
    }

    /// A run and one of its events.
    fn noted(stamp: &str) -> (&str, String) {
        let run = json!({"base_run": stamp, "client": "Guy-Wilson", "client_name": "Guy Wilson",
            "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
        let fact = json!({"type": "noted", "kind": "input", "text": "A note."});
        let event = json!({"version": 1, "type": "event", "run": run, "at": "2026-11-23T10:00:01Z",
            "fact": fact});
        (stamp, event.to_string())
    }

    #[tokio::test]
    async fn a_page_counts_the_runs_for_which_it_has_no_time_and_shows_them_once_they_are_read() {
        let page = page(&[noted("261123-094519"), noted("261124-094519")]).await;
        let heads = page.book.heads(&page.source.deployment, page.source.now()).await.unwrap();
        let mut late = Reading { page: &page, until: Some(Instant::now()), unread: 0 };
        for head in &heads {
            assert!(late.known(head).await.unwrap().is_none());
        }
        assert_eq!(late.unread, 2);
        tokio::task::yield_now().await;
        assert!(page.book.kept(&heads[0]).is_none(), "nothing was begun without time for it");

        let mut patient = Reading::of_few(&page);
        assert!(patient.known(&heads[0]).await.unwrap().is_some());
        let mut late = Reading { page: &page, until: Some(Instant::now()), unread: 0 };
        let found = [late.known(&heads[0]).await.unwrap(), late.known(&heads[1]).await.unwrap()];
        assert_eq!((found.map(|run| run.is_some()), late.unread), ([true, false], 1));
    }

    #[tokio::test]
    async fn a_run_of_which_no_event_can_be_read_is_read_once() {
        let page = page(&[("261123-094519", "{}".to_owned())]).await;
        let heads = page.book.heads(&page.source.deployment, page.source.now()).await.unwrap();
        assert!(Reading::of_few(&page).known(&heads[0]).await.unwrap().is_none());
        let mut late = Reading { page: &page, until: Some(Instant::now()), unread: 0 };
        assert!(late.known(&heads[0]).await.unwrap().is_none());
        assert_eq!(late.unread, 0, "it is known that nothing can be shown of it");
    }
}
