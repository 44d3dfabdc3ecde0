//! Tells an open page that something changed.

use super::source::Source;
use crate::system::Reply;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{self, HeaderValue};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Changes within this time are told as one.
const TOGETHER: Duration = Duration::from_millis(60);
/// Without a change the page is shown again after this: what waits tells how long yet.
const NOW_AND_THEN: Duration = Duration::from_secs(10);
/// How often a system that runs elsewhere is looked at.
const POLL: Duration = Duration::from_secs(5);

struct Stream {
    changes: Option<watch::Receiver<u64>>,
    told: u64,
}

/// A stream of server-sent events, one for every change of the log or a queue.
pub(super) fn stream(source: &Source) -> Reply {
    let changes = source.inside.as_ref().map(|inside| inside.changes.clone());
    let start = Stream { changes, told: 0 };
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
        self.told += 1;
        if self.told == 1 {
            // The browser waits so long before it connects again.
            return Some("retry: 1000\ndata: 1\n\n".to_owned());
        }
        let told = format!("data: {}\n\n", self.told);
        let Some(changes) = &mut self.changes else {
            sleep(POLL).await;
            return Some(told);
        };
        match timeout(NOW_AND_THEN, changes.changed()).await {
            Ok(Ok(())) => {
                sleep(TOGETHER).await;
                changes.mark_unchanged();
                Some(told)
            }
            Ok(Err(_)) => None,
            Err(_elapsed) => Some(told),
        }
    }
}
