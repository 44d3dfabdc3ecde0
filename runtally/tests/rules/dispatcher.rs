//! The rules of Lambda's event source mapping, kept by the dispatcher.

use crate::support::*;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::BoxFuture;
use runtally::storage::SqliteQueue;
use runtally::system::{Dispatcher, MappingOptions};
use shared::core::deadline::Deadline;
use shared::ports::Queue;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const MAPPING: MappingOptions = MappingOptions {
    batch_size: 10,
    concurrency: std::num::NonZeroUsize::new(4).unwrap(),
    function_timeout: Duration::from_secs(10),
};

/// What a function did and when, in order.
#[derive(Clone)]
struct Journal(Arc<Mutex<Vec<String>>>, Instant);

impl Journal {
    fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(format!("{}s {text}", self.1.elapsed().as_secs()));
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn bodies(event: &SqsEvent) -> String {
    event.records.iter().map(body).collect::<Vec<_>>().join(" ")
}

fn body(record: &SqsMessage) -> &str {
    record.body.as_deref().unwrap()
}

fn id(record: &SqsMessage) -> String {
    record.message_id.clone().unwrap()
}

fn failing(event: &SqsEvent, failed: &[&str]) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in event.records.iter().filter(|record| failed.contains(&body(record))) {
        response.add_failure(id(record));
    }
    response
}

fn all_done() -> SqsBatchResponse {
    SqsBatchResponse::default()
}

async fn run_for<F>(
    time: Duration,
    queue: &SqliteQueue,
    options: MappingOptions,
    handler: impl Fn(SqsEvent, Deadline) -> F + Send + Sync + 'static,
) where
    F: Future<Output = SqsBatchResponse> + Send + 'static,
{
    let dispatcher = Dispatcher::new(queue.clone(), QUEUE, options, handler).unwrap();
    let running = tokio::spawn(dispatcher.run());
    sleep(time).await;
    running.abort();
    running.await.unwrap_err();
}

/// A function that notes what it was given and answers at once.
fn noting<A: Fn(&SqsEvent) -> SqsBatchResponse>(
    journal: &Journal,
    answer: A,
) -> impl Fn(SqsEvent, Deadline) -> std::future::Ready<SqsBatchResponse> + use<A> {
    let journal = journal.clone();
    move |event, _| {
        journal.note(&bodies(&event));
        std::future::ready(answer(&event))
    }
}

/// A function that takes this long and notes its start and its end.
fn taking(
    journal: &Journal,
    time: Duration,
) -> impl Fn(SqsEvent, Deadline) -> BoxFuture<'static, SqsBatchResponse> + use<> {
    let journal = journal.clone();
    move |event, _| {
        let journal = journal.clone();
        Box::pin(async move {
            journal.note(&bodies(&event));
            sleep(time).await;
            journal.note(&format!("end of {}", bodies(&event)));
            all_done()
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_handled_as_soon_as_it_is_sent() {
    let (queue, journal) = (queue(), Journal::new());
    let sender = queue.clone();
    tokio::spawn(async move {
        sleep(seconds(3)).await;
        send(&sender, &["a/1", "b/2", "a/3"]).await;
        sleep(seconds(1)).await;
        send(&sender, &["a/4"]).await;
    });
    run_for(seconds(10), &queue, MAPPING, noting(&journal, |_| all_done())).await;
    assert_eq!(journal.lines(), ["3s 1 2 3", "4s 4"]);
    assert!(queue.depth(QUEUE).unwrap().is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_the_function_reports_as_failed_comes_back_and_the_rest_is_deleted() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1", "b/2", "a/3"]).await;
    let answer = |event: &SqsEvent| failing(event, &["1", "3"]);
    run_for(seconds(61), &queue, MAPPING, noting(&journal, answer)).await;
    assert_eq!(journal.lines(), ["0s 1 2 3", "60s 1 3"]);
    assert_eq!(queue.depth(QUEUE).unwrap().in_flight, 2);
}

#[tokio::test(start_paused = true)]
async fn a_requeued_failure_comes_back_exactly_after_its_delay() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1"]).await;
    let (at, journal_) = (queue.clone(), journal.clone());
    let handler = move |event: SqsEvent, _| {
        let (queue, journal) = (at.clone(), journal_.clone());
        async move {
            journal.note(&bodies(&event));
            let receipt = event.records[0].receipt_handle.as_ref().unwrap();
            queue.requeue(QUEUE, receipt, seconds(7)).await.unwrap();
            failing(&event, &["1"])
        }
    };
    run_for(seconds(15), &queue, MAPPING, handler).await;
    assert_eq!(journal.lines(), ["0s 1", "7s 1", "14s 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_an_unknown_or_empty_id_fails_the_whole_batch() {
    for odd in ["11d6ee51-4cc7-4302-9e22-7cd8afdaadf5", ""] {
        let (queue, journal) = (queue(), Journal::new());
        send(&queue, &["a/1", "b/2"]).await;
        let answer = move |_: &SqsEvent| {
            let mut response = all_done();
            response.add_failure(odd);
            response
        };
        run_for(seconds(200), &queue, MAPPING, noting(&journal, answer)).await;
        assert_eq!(journal.lines(), ["0s 1 2", "60s 1 2", "120s 1 2"]);
        let reason = format!("the function reported {odd:?}, which it was not given");
        assert_eq!(
            dead(&queue).await[0],
            format!("1: received 3 times without success; last error: {reason}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_fails_the_whole_batch_and_is_called_again() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1"]).await;
    let handler = noting(&journal, |_| panic!("index 3 of 2"));
    run_for(seconds(200), &queue, MAPPING, handler).await;
    assert_eq!(journal.lines(), ["0s 1", "60s 1", "120s 1"]);
    assert_eq!(
        dead(&queue).await,
        ["1: received 3 times without success; last error: the function panicked: index 3 of 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_takes_too_long_is_stopped_and_its_messages_come_back() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1"]).await;
    let noted = journal.clone();
    let handler = move |event: SqsEvent, deadline: Deadline| {
        let journal = noted.clone();
        async move {
            let left = deadline.remaining().as_secs();
            journal.note(&format!("{} with {left}s left", bodies(&event)));
            sleep(seconds(9)).await;
            journal.note("still there");
            sleep(seconds(2)).await;
            journal.note("never");
            all_done()
        }
    };
    run_for(seconds(200), &queue, MAPPING, handler).await;
    assert_eq!(journal.lines()[..2], ["0s 1 with 10s left", "9s still there"]);
    assert_eq!(journal.lines()[2..4], ["60s 1 with 10s left", "69s still there"]);
    assert_eq!(
        dead(&queue).await,
        ["1: received 3 times without success; last error: the function was stopped after 10 s"]
    );
}

#[tokio::test(start_paused = true)]
async fn groups_are_handled_side_by_side_and_each_one_message_after_the_other() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1", "a/2", "b/3", "c/4"]).await;
    let two_at_a_time =
        MappingOptions { batch_size: 1, concurrency: 2.try_into().unwrap(), ..MAPPING };
    run_for(seconds(30), &queue, two_at_a_time, taking(&journal, seconds(5))).await;
    let starts = journal.lines().into_iter().filter(|line| !line.contains("end"));
    assert_eq!(starts.collect::<Vec<_>>(), ["0s 1", "0s 3", "5s 2", "5s 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_that_is_dropped_stops_its_calls_at_once() {
    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1"]).await;
    run_for(seconds(3), &queue, MAPPING, taking(&journal, seconds(5))).await;
    sleep(seconds(10)).await;
    assert_eq!(journal.lines(), ["0s 1"]);
    assert_eq!(queue.depth(QUEUE).unwrap().in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn the_queues_are_idle_once_no_message_waits_is_in_flight_or_is_requeued() {
    // A message that fails three times is a dead letter, and no work.
    for (failures, idle_after) in [(0, 0), (1, VISIBILITY), (3, 3 * VISIBILITY)] {
        let (queue, journal) = (queue(), Journal::new());
        queue.idle().await.unwrap();
        send(&queue, &["a/1"]).await;
        let left = Mutex::new(failures);
        let answer = move |event: &SqsEvent| {
            let mut left = left.lock().unwrap();
            let fails = *left > 0;
            *left -= i32::from(fails);
            if fails { failing(event, &["1"]) } else { all_done() }
        };
        let handler = noting(&journal, answer);
        let dispatcher = Dispatcher::new(queue.clone(), QUEUE, MAPPING, handler).unwrap();
        let running = tokio::spawn(dispatcher.run());
        let start = Instant::now();
        queue.idle().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), idle_after, "{failures} failures");
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_lambda_refuses_is_refused() {
    let refusal = |options| {
        let handler = noting(&Journal::new(), |_| all_done());
        Dispatcher::new(queue(), QUEUE, options, handler).err().unwrap().to_string()
    };
    assert_eq!(
        refusal(MappingOptions { function_timeout: seconds(61), ..MAPPING }),
        "the function timeout of 61 s is longer than the queue's visibility timeout of 60 s"
    );
    for size in [0, 11] {
        assert_eq!(
            refusal(MappingOptions { batch_size: size, ..MAPPING }),
            format!("the batch size is {size}, not 1 to 10")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_group_is_in_work_twice_even_when_it_comes_back_as_its_call_is_stopped() {
    struct Call(String, Journal);

    impl Drop for Call {
        fn drop(&mut self) {
            self.1.note(&format!("end of {}", self.0));
        }
    }

    let (queue, journal) = (queue(), Journal::new());
    send(&queue, &["a/1", "b/2"]).await;
    let noted = journal.clone();
    let handler = move |event: SqsEvent, _| {
        noted.note(&bodies(&event));
        let call = Call(bodies(&event), noted.clone());
        async move {
            std::future::pending::<()>().await;
            drop(call);
            all_done()
        }
    };
    let no_margin =
        MappingOptions { batch_size: 1, function_timeout: seconds(VISIBILITY), ..MAPPING };
    run_for(seconds(VISIBILITY + 1), &queue, no_margin, handler).await;
    assert_eq!(
        journal.lines()[..6],
        ["0s 1", "0s 2", "60s end of 1", "60s end of 2", "60s 1", "60s 2"]
    );
}
