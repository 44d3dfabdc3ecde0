//! Tells an open page that something changed.

use super::query::Query;
use super::site::Page;
use crate::storage::RunHead;
use crate::system::Reply;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{self, HeaderValue};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use shared::core::ids::RunId;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Changes within this time are told as one.
const TOGETHER: Duration = Duration::from_millis(60);
/// Shortest time between two tellings: so long may a change wait at most.
const REST: Duration = Duration::from_millis(200);
/// How often a page of runs is told of what is no event: a queue, a row in a simulated Airtable.
const ELSEWHERE: Duration = Duration::from_secs(2);
/// Without a change the page is shown again after this: what waits tells how long yet.
const NOW_AND_THEN: Duration = Duration::from_secs(10);
/// How often a system that runs elsewhere is looked at.
const POLL: Duration = Duration::from_secs(5);

struct Stream {
    page: Arc<Page>,
    /// The run that the page shows; `None` for a page of all runs.
    run: Option<RunId>,
    /// What the run was like when its page was told last.
    head: Option<RunHead>,
    /// `None` for a system that runs elsewhere.
    changes: Option<Changes>,
    told: u64,
    told_at: Instant,
}

/// How often something changed.
struct Changes {
    /// What the page shows first of all: the log for a page of runs.
    near: watch::Receiver<u64>,
    all: watch::Receiver<u64>,
}

/// A stream of server-sent events, one for every change of what the page shows: of the run that `query`
/// names, of the log if it says so, or of anything.
pub(super) fn stream(page: &Arc<Page>, query: &Query) -> Reply {
    let run: Option<RunId> = query.get("run").and_then(|run| run.parse().ok());
    let changes = page.source.inside.as_ref().map(|inside| {
        let all = inside.changes.clone();
        let is_of_log = run.is_some() || query.get("of") == Some("log");
        let near = if is_of_log { inside.log.changes() } else { all.clone() };
        Changes { near, all }
    });
    let page = Arc::clone(page);
    let start = Stream { page, run, head: None, changes, told: 0, told_at: Instant::now() };
    let events = unfold(start, |mut stream| async move {
        let text = stream.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), stream))
    });
    let mut reply = Reply::new(StreamBody::new(events).boxed_unsync());
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    reply
}

impl Stream {
    /// What is sent next; `None` when the system ends.
    async fn next(&mut self) -> Option<String> {
        if self.told == 0 {
            self.head = self.head_now().await;
        } else {
            match self.changes.take() {
                Some(mut changes) => {
                    self.changed(&mut changes).await?;
                    self.changes = Some(changes);
                }
                None => sleep(POLL).await,
            }
        }
        self.told += 1;
        self.told_at = Instant::now();
        // The browser waits so long before it connects again.
        let retry = if self.told == 1 { "retry: 1000\n" } else { "" };
        Some(format!("{retry}data: {}\n\n", self.told))
    }

    /// Waits until there is something to tell; `None` when the system ends.
    async fn changed(&mut self, changes: &mut Changes) -> Option<()> {
        let mut look_at = self.told_at + ELSEWHERE;
        loop {
            match timeout_at(look_at, changes.near.changed()).await {
                Ok(changed) => {
                    changed.ok()?;
                    sleep_until((Instant::now() + TOGETHER).max(self.told_at + REST)).await;
                    changes.near.mark_unchanged();
                    let head = self.head_now().await;
                    if head.is_none() || head != self.head {
                        self.head = head;
                        break;
                    }
                }
                Err(_elapsed) => {
                    look_at += ELSEWHERE;
                    if changes.all.has_changed().ok()? || self.told_at.elapsed() >= NOW_AND_THEN {
                        break;
                    }
                }
            }
        }
        changes.all.mark_unchanged();
        Some(())
    }

    /// The run of the page as it is now; `None` for a page of all runs.
    async fn head_now(&self) -> Option<RunHead> {
        self.page.source.deployment.head(self.run.as_ref()?).await.ok()?
    }
}
