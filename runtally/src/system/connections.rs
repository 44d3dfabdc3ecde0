//! Connections of the webhook server: as many as a process can afford, and none forever. Nothing
//! here knows the meaning of a request.

use super::canned::Canned;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lambda_http::http::{Request, Response};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

/// Most connections at the same time. A request is answered within milliseconds, and a process
/// whose `ulimit -n` is 256 has other files and connections, too.
const MOST_CONNECTIONS: usize = 64;
/// A connection is closed if it sends no request, or no complete headers, within this time.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// Largest request line with headers, and the most of a body that is buffered.
const BUFFER_BYTES: usize = 64 * 1024;
/// Pause after a connection could not be accepted, because the process may have no file descriptor
/// left.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a server that stops waits for the requests that it is answering.
const FINISHED_WITHIN: Duration = Duration::from_secs(5);

/// An answer. Its body may be a stream.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Waits for a request, or sends a stream. May be closed at any moment.
const IDLE: u8 = 0;
/// Is answering a request.
const ANSWERING: u8 = 1;
/// Is being closed.
const CLOSED: u8 = 2;

/// Answers requests on `listener` with `handler` until `stop`, and then those in work. Dropping the
/// future closes all connections at once.
pub(super) async fn serve_connections<H, F>(
    listener: TcpListener,
    handler: H,
    stop: impl Future<Output = ()>,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut connections = Connections::default();
    tokio::select! {
        () = accept_all(&listener, &handler, &mut connections) => {}
        () = stop => {}
    }
    drop(listener);
    // A request that takes longer loses its connection; its sender sends it again.
    tokio::time::timeout(FINISHED_WITHIN, connections.finish()).await.ok();
}

async fn accept_all<H, F>(listener: &TcpListener, handler: &H, connections: &mut Connections)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut has_failed = false;
    loop {
        connections.make_room().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                has_failed = false;
                connections.open(stream, handler.clone());
            }
            Err(error) => {
                // One log line for all failures in a row, to keep the log small.
                if !std::mem::replace(&mut has_failed, true) {
                    tracing::warn!(%error, "connections cannot be accepted");
                }
                connections.close_oldest_idle();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The open connections, oldest first.
#[derive(Default)]
struct Connections {
    open: VecDeque<(AbortHandle, Arc<AtomicU8>)>,
    tasks: JoinSet<()>,
    /// Notified whenever a connection is idle again.
    idle: Arc<Notify>,
}

impl Connections {
    fn open<H, F>(&mut self, stream: TcpStream, handler: H)
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let state = Arc::new(AtomicU8::new(IDLE));
        let (of_service, idle) = (Arc::clone(&state), Arc::clone(&self.idle));
        let service = service_fn(move |request| {
            let (handler, state, idle) =
                (handler.clone(), Arc::clone(&of_service), Arc::clone(&idle));
            async move {
                if !change(&state, IDLE, ANSWERING) {
                    return std::future::pending().await;
                }
                let response = handler(request).await;
                change(&state, ANSWERING, IDLE);
                idle.notify_one();
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_buf_size(BUFFER_BYTES)
            // A sender may close its sending half and still wait for the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(Canned::new(stream)), service);
        let task = self.tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
        self.open.push_back((task, state));
    }

    /// Returns when one more connection may be opened. If there are too many, the oldest idle
    /// connection is closed. So a sender that keeps connections open blocks nobody.
    async fn make_room(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.tasks.len() >= MOST_CONNECTIONS {
            self.close_oldest_idle();
            self.next_change().await;
        }
        self.open.retain(|(task, _)| !task.is_finished());
    }

    fn close_oldest_idle(&mut self) {
        if let Some((task, _)) = self.open.iter().find(|(_, state)| change(state, IDLE, CLOSED)) {
            task.abort();
        }
    }

    /// Closes each connection as soon as it is idle. Returns when all are closed.
    async fn finish(&mut self) {
        while !self.tasks.is_empty() {
            for (task, _) in self.open.iter().filter(|(_, state)| change(state, IDLE, CLOSED)) {
                task.abort();
            }
            self.next_change().await;
        }
    }

    /// Waits until a connection ends or is idle again.
    async fn next_change(&mut self) {
        tokio::select! {
            _ = self.tasks.join_next() => {}
            () = self.idle.notified() => {}
        }
    }
}

fn change(state: &AtomicU8, from: u8, to: u8) -> bool {
    state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
}
