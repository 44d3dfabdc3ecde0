//! Maps one function to one queue.

use super::event::{event_for, failed_of};
use super::turns::{Shares, Turn, Turns};
use crate::result::Fault;
use crate::storage::{Received, SqliteQueue};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::core::deadline::Deadline;
use shared::ports::{Queue, QueueError, QueueName};
use std::any::Any;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Largest batch size of a mapping on a FIFO queue.
const MAX_BATCH_SIZE: usize = 10;

/// Wait before the next try after a queue failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// When a queue is checked again whose messages have to wait for their turn.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long the result of a call is offered to a queue that fails, for example because its disk is
/// full. After that, its messages come back when their visibility timeout ends.
const PATIENCE: Duration = Duration::from_mins(2);
/// When messages come back that the function could not requeue because the queue failed.
const REQUEUED_FOR: Duration = Duration::from_secs(30);

/// How a function is mapped to a queue. The queue sets the visibility timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingOptions {
    /// Most messages in one call, 1 to 10.
    pub batch_size: usize,
    /// Most calls at the same time.
    pub concurrency: NonZeroUsize,
    /// A call that takes longer is stopped.
    pub function_timeout: Duration,
    /// How calls are shared among the clients with messages. If set, one message is received at a
    /// time. `None`: the oldest messages come first.
    pub shares: Option<Shares>,
}

/// One function mapped to one queue.
#[derive(Debug)]
pub struct Dispatcher<H> {
    queue: SqliteQueue,
    name: QueueName,
    options: MappingOptions,
    handler: H,
    /// Whether the queue failed at the last check. The log reports it once, not every second.
    is_failing: AtomicBool,
}

impl<H, F> Dispatcher<H>
where
    H: Fn(SqsEvent, Deadline) -> F,
    F: Future<Output = SqsBatchResponse>,
{
    /// Maps `handler` to the queue `name`.
    ///
    /// # Errors
    /// Explains what is wrong with the options. Lambda refuses the same.
    pub fn new(
        queue: SqliteQueue,
        name: QueueName,
        options: MappingOptions,
        handler: H,
    ) -> Result<Self, Fault> {
        let MappingOptions { batch_size, function_timeout: function, .. } = options;
        let visibility = queue.settings().visibility(name);
        if !(1..=MAX_BATCH_SIZE).contains(&batch_size) {
            return Err(format!("the batch size is {batch_size}, not 1 to 10").into());
        }
        // A message could be received again while it is handled.
        if function > visibility {
            let (function, visibility) = (function.as_secs(), visibility.as_secs());
            return Err(format!(
                "the function timeout of {function} s is longer than the queue's visibility \
                 timeout of {visibility} s"
            )
            .into());
        }
        Ok(Self { queue, name, options, handler, is_failing: AtomicBool::new(false) })
    }

    /// Calls the function whenever the queue has messages, until this future is dropped. Dropping
    /// it stops running calls like a crash, and their messages come back.
    pub async fn run(self) {
        self.run_until(std::future::pending()).await;
    }

    /// Like [`Dispatcher::run`], until `stop`. Then no more messages are received, and the calls in
    /// flight end.
    ///
    /// The queue holds back a group while one of its messages is in flight, so each group is
    /// handled by one call at a time.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut in_work = FuturesUnordered::new();
        let mut turns = Turns::default();
        loop {
            // Created before receiving, so that it sees every later change.
            let changed = self.queue.changed(self.name);
            let mut wait = None;
            while in_work.len() < self.options.concurrency.get() && self.has_room(&turns) {
                match self.receive(&turns) {
                    Ok(batch) if batch.is_empty() => {
                        self.is_failing.store(false, Ordering::Relaxed);
                        wait = self.wait();
                        break;
                    }
                    Ok(batch) => {
                        let begun = batch.iter().map(|message| turns.begin(message)).collect();
                        in_work.push(self.call(batch, begun));
                    }
                    Err(error) => {
                        if !self.is_failing.swap(true, Ordering::Relaxed) {
                            report(self.name, &error);
                        }
                        wait = Some(PAUSE_AFTER_ERROR);
                        break;
                    }
                }
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = in_work.next() => ended.iter().for_each(|turn| turns.end(turn)),
                () = changed => {}
                () = sleep_or_forever(wait) => {}
            }
        }
        while in_work.next().await.is_some() {}
    }

    fn has_room(&self, turns: &Turns) -> bool {
        self.options.shares.is_none_or(|shares| turns.has_room(shares))
    }

    fn receive(&self, turns: &Turns) -> Result<Vec<Received>, QueueError> {
        let Some(shares) = self.options.shares else {
            return self.queue.receive(self.name, self.options.batch_size);
        };
        let choose = |groups: &[String]| turns.choose(groups, shares);
        Ok(self.queue.receive_of(self.name, choose)?.into_iter().collect())
    }

    /// How long there is nothing to receive unless something changes. `None` means forever.
    fn wait(&self) -> Option<Duration> {
        match self.queue.time_to_next(self.name) {
            // Messages that could be received have to wait for their turn, until a call ends.
            Ok(Some(Duration::ZERO)) if self.options.shares.is_some() => Some(LOOK_AGAIN),
            Ok(wait) => wait,
            Err(error) => {
                report(self.name, &error);
                Some(PAUSE_AFTER_ERROR)
            }
        }
    }

    /// Calls the function once and deletes the messages that it handled. Returns the turns that are
    /// over.
    async fn call(&self, batch: Vec<Received>, begun: Vec<Turn>) -> Vec<Turn> {
        let deadline = Deadline(Instant::now() + self.options.function_timeout);
        let event = event_for(self.name, &batch);
        tracing::debug!(queue.name = self.name.as_str(), messages = batch.len(), "calling");
        // Called inside the future, because it can panic before it returns one.
        let call = AssertUnwindSafe(async { (self.handler)(event, deadline).await });
        let outcome = tokio::time::timeout_at(deadline.0, call.catch_unwind()).await;
        let failed = match &outcome {
            Ok(Ok(response)) => failed_of(&batch, response),
            Ok(Err(panic)) => Err(format!("the function panicked: {}", text_of(panic.as_ref()))),
            Err(_elapsed) => Err(format!(
                "the function was stopped after {} s",
                self.options.function_timeout.as_secs()
            )),
        };
        self.settle(&batch, failed).await;
        begun
    }

    /// Deletes the handled messages. The others come back when their visibility timeout ends, or at
    /// the time for which the function requeued them.
    async fn settle(&self, batch: &[Received], failed: Result<Vec<&str>, String>) {
        let (failed, error) = match failed {
            Ok(failed) => (failed, "the function reported it as failed".to_owned()),
            Err(error) => (batch.iter().map(|message| &*message.message_id).collect(), error),
        };
        let patience = Deadline(Instant::now() + PATIENCE);
        let (handled, kept): (Vec<&Received>, Vec<&Received>) =
            batch.iter().partition(|message| !failed.contains(&&*message.message_id));
        if !kept.is_empty() {
            tracing::warn!(
                queue.name = self.name.as_str(),
                messages = failed.len(),
                error.message = error,
                "messages stay on the queue"
            );
            let note = || self.queue.note_failure(self.name, &failed, &error);
            if self.patiently(patience, note).await == Queued::Late {
                // While the queue failed, the function could not requeue them.
                for message in kept {
                    let requeued = self.queue.requeue(self.name, &message.receipt, REQUEUED_FOR);
                    if let Err(error) = requeued.await {
                        report(self.name, &error);
                    }
                }
            }
        }
        for message in handled {
            self.patiently(patience, || self.queue.delete(self.name, &message.receipt)).await;
        }
    }

    /// Does something with the queue, and repeats it while the queue fails.
    async fn patiently(
        &self,
        patience: Deadline,
        act: impl Fn() -> Result<(), QueueError>,
    ) -> Queued {
        let mut queued = Queued::AtOnce;
        loop {
            match act() {
                Ok(()) => return queued,
                Err(error @ QueueError::Unreachable { .. }) if !patience.remaining().is_zero() => {
                    if std::mem::replace(&mut queued, Queued::Late) == Queued::AtOnce {
                        report(self.name, &error);
                    }
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
                Err(error) => {
                    report(self.name, &error);
                    return Queued::Never;
                }
            }
        }
    }
}

/// Whether an operation on a queue succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queued {
    AtOnce,
    /// Only after the queue had failed.
    Late,
    Never,
}

async fn sleep_or_forever(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

fn report(queue: QueueName, error: &QueueError) {
    tracing::error!(queue.name = queue.as_str(), error.message = %error, "the queue failed");
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
