//! Sends an open page its changes.

use super::content::content;
use super::query::Query;
use super::site::Page;
use super::wanted::Wanted;
use crate::storage::RunHead;
use crate::system::Reply;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{self, HeaderValue};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use shared::core::ids::RunId;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Changes within this time are sent together.
const TOGETHER: Duration = Duration::from_millis(60);
/// Shortest time between two updates, and the longest time that a change waits.
const REST: Duration = Duration::from_millis(200);
/// How often a page of runs is checked for changes that are not events, such as a queue or a row in
/// a simulated Airtable.
const ELSEWHERE: Duration = Duration::from_secs(2);
/// Parts that are not on the screen are sent this long after the visible ones, unless they come
/// into view.
const UNSEEN: Duration = Duration::from_secs(8);
/// Without changes, the page is sent again after this time, because waiting tasks show the time
/// left.
const NOW_AND_THEN: Duration = Duration::from_secs(10);
/// How often a system that runs elsewhere is checked.
const POLL: Duration = Duration::from_secs(5);

struct Stream {
    page: Arc<Page>,
    /// The path of the open page.
    path: String,
    query: Query,
    /// The parts that are on the screen.
    seen: Wanted,
    /// The run that the page shows, if any.
    run: Option<RunId>,
    /// The state of the run when it was last sent.
    head: Option<RunHead>,
    /// `None` for a system that runs elsewhere.
    changes: Option<Changes>,
    is_new: bool,
    sent_at: Instant,
    /// When the whole page was last sent or loaded.
    whole_at: Instant,
    /// Whether the parts out of view may be outdated.
    is_behind: bool,
    /// Whether there are unread runs that may belong on the page.
    is_unread: bool,
}

/// Counters that grow with each change.
struct Changes {
    /// The main content of the page: the log for a page of runs.
    near: watch::Receiver<u64>,
    all: watch::Receiver<u64>,
}

/// A stream of server-sent events. For every change of the page that `of` names, it sends the parts
/// that `parts` names, as HTML.
pub(super) fn stream(page: &Arc<Page>, query: &Query) -> Reply {
    let of = query.get("of").unwrap_or("/");
    let (path, of_path) = of.split_once('?').unwrap_or((of, ""));
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let run: Option<RunId> = path.strip_prefix("/run/").and_then(|run| run.parse().ok());
    let changes = page.source.inside.as_ref().map(|inside| {
        let all = inside.changes.clone();
        let is_of_runs = run.is_some() || path == "/";
        let near = if is_of_runs { inside.log.changes() } else { all.clone() };
        Changes { near, all }
    });
    let now = Instant::now();
    let start = Stream {
        page: Arc::clone(page),
        path,
        query: Query::parse(of_path.as_bytes()),
        seen: Wanted::of(query.get("parts").unwrap_or_default()),
        run,
        head: None,
        changes,
        is_new: true,
        sent_at: now,
        whole_at: now,
        is_behind: false,
        is_unread: false,
    };
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
    /// The next event to send; `None` when the system ends.
    async fn next(&mut self) -> Option<String> {
        // The time that the browser waits before it connects again.
        let retry = if self.is_new { "retry: 1000\n" } else { "" };
        loop {
            self.changed().await?;
            self.sent_at = Instant::now();
            let is_whole = self.whole_at.elapsed() >= UNSEEN;
            let wanted = if is_whole { &Wanted::Content } else { &self.seen };
            // If there is no answer, the page stays as it is. The next change may have one.
            let content = content(&self.page, &self.path, &self.query, wanted).await;
            let Ok(content) = content else {
                continue;
            };
            self.is_unread = content.unread > 0;
            self.is_behind = matches!(wanted, Wanted::Parts(_));
            if !self.is_behind {
                self.whole_at = self.sent_at;
            }
            return Some(event(retry, &content.body.into_string()));
        }
    }

    /// Waits until there is something to send; `None` when the system ends.
    async fn changed(&mut self) -> Option<()> {
        if self.is_new {
            self.is_new = false;
            self.head = self.head_now().await;
            return Some(());
        }
        if self.is_unread {
            sleep(REST).await;
            return Some(());
        }
        let Some(mut changes) = self.changes.take() else {
            sleep(POLL).await;
            return Some(());
        };
        self.wait(&mut changes).await?;
        changes.all.mark_unchanged();
        self.changes = Some(changes);
        Some(())
    }

    async fn wait(&mut self, changes: &mut Changes) -> Option<()> {
        let mut look_at = self.sent_at + ELSEWHERE;
        loop {
            match timeout_at(look_at, changes.near.changed()).await {
                Ok(changed) => {
                    changed.ok()?;
                    sleep_until((Instant::now() + TOGETHER).max(self.sent_at + REST)).await;
                    changes.near.mark_unchanged();
                    let head = self.head_now().await;
                    if head.is_none() || head != self.head {
                        self.head = head;
                        return Some(());
                    }
                }
                Err(_elapsed) => {
                    look_at += ELSEWHERE;
                    let is_late = self.is_behind && self.whole_at.elapsed() >= UNSEEN;
                    let is_old = self.sent_at.elapsed() >= NOW_AND_THEN;
                    if changes.all.has_changed().ok()? || is_late || is_old {
                        return Some(());
                    }
                }
            }
        }
    }

    /// The current state of the page's run; `None` for a page of all runs.
    async fn head_now(&self) -> Option<RunHead> {
        self.page.source.deployment.head(self.run.as_ref()?).await.ok()?
    }
}

/// A server-sent event. Each line of its data follows the word `data:`.
fn event(retry: &str, html: &str) -> String {
    let mut text = String::with_capacity(html.len() + 64);
    text.push_str(retry);
    for line in html.lines().flat_map(|line| line.split('\r')) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_part_arrives() {
        let html = "<pre>one\ntwo\r\nthree\rfour</pre>";
        let sent = "retry: 1\ndata: <pre>one\ndata: two\ndata: three\ndata: four</pre>\n\n";
        assert_eq!(event("retry: 1\n", html), sent);
    }
}
