//! Runs the cases of `dispatcher.txt`, which explains its format.

use crate::support::*;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use runtally::result::Fault;
use runtally::storage::SqliteQueue;
use runtally::system::{Dispatcher, MappingOptions, Shares};
use shared::core::deadline::Deadline;
use shared::ports::Queue;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// What the functions did and when, in order.
#[derive(Clone)]
struct Journal(Arc<Mutex<Vec<String>>>, Instant);

impl Journal {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(format!("{}s {text}", self.1.elapsed().as_secs()));
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A call that records its end when it is dropped.
struct Call(String, Journal);

impl Drop for Call {
    fn drop(&mut self) {
        self.1.note(&format!("end of {}", self.0));
    }
}

struct Case {
    queue: SqliteQueue,
    journal: Journal,
    mapping: MappingOptions,
    steps: Vec<&'static str>,
}

#[tokio::test(start_paused = true)]
async fn the_dispatcher_keeps_the_rules_of_the_mapping() {
    for (name, commands) in cases(include_str!("dispatcher.txt")) {
        let journal = Journal(Arc::default(), Instant::now());
        let mut case = Case { queue: queue(), journal, mapping: mapped(""), steps: Vec::new() };
        for (command, expected) in commands {
            let answer = case.play(command).await.unwrap_or_else(|error| error.to_string());
            assert_eq!(answer, expected, "{name}: {command}");
        }
    }
}

impl Case {
    async fn play(&mut self, command: &'static str) -> Result<String, Fault> {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let queue = self.queue.clone();
        match verb {
            "mapping" => self.mapping = mapped(rest),
            "function" => self.steps = rest.split(' ').collect(),
            "send" => send(&queue, &rest.split(' ').collect::<Vec<_>>()).await,
            "after" => {
                let (time, messages) = rest.split_once(' ').unwrap();
                tokio::spawn(async move {
                    sleep(seconds(time.parse().unwrap())).await;
                    send(&queue, &messages.split(' ').collect::<Vec<_>>()).await;
                });
            }
            "run" => {
                let running = self.started()?;
                sleep(seconds(rest.parse().unwrap())).await;
                running.abort();
                running.await.unwrap_err();
            }
            "until-idle" => {
                let (running, start) = (self.started()?, Instant::now());
                queue.idle().await?;
                running.abort();
                return Ok(format!("{}s", start.elapsed().as_secs()));
            }
            "pass" => sleep(seconds(rest.parse().unwrap())).await,
            "journal" => return Ok(first(self.journal.lines(), rest)),
            "dead" => return Ok(first(dead(&queue).await, rest)),
            "in-flight" => return Ok(queue.depth(QUEUE)?.in_flight.to_string()),
            "idle" => return Ok(queue.depth(QUEUE)?.is_idle().to_string()),
            other => panic!("{other} is no command"),
        }
        Ok(String::new())
    }

    fn started(&self) -> Result<JoinHandle<()>, Fault> {
        let (steps, queue, journal) =
            (self.steps.clone(), self.queue.clone(), self.journal.clone());
        let handler = move |event: SqsEvent, deadline| -> BoxFuture<'static, SqsBatchResponse> {
            let bodies: Vec<&str> = event.records.iter().map(body).collect();
            journal.note(&bodies.join(" "));
            assert!(!steps.contains(&"panic"), "index 3 of 2");
            called(steps.clone(), queue.clone(), journal.clone(), event, deadline).boxed()
        };
        let dispatcher = Dispatcher::new(self.queue.clone(), QUEUE, self.mapping, handler)?;
        Ok(tokio::spawn(dispatcher.run()))
    }
}

async fn called(
    steps: Vec<&'static str>,
    queue: SqliteQueue,
    journal: Journal,
    event: SqsEvent,
    deadline: Deadline,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for step in steps {
        let (step, rest) = step.split_once(':').unwrap_or((step, ""));
        match step {
            "left" => journal.note(&format!("{}s left", deadline.remaining().as_secs())),
            "sleep" => sleep(seconds(rest.parse().unwrap())).await,
            "note" => journal.note(rest),
            "requeue" => {
                for record in &event.records {
                    let receipt = record.receipt_handle.as_ref().unwrap();
                    queue.requeue(QUEUE, receipt, seconds(rest.parse().unwrap())).await.unwrap();
                }
            }
            "fail-once" if journal.lines().len() > 1 => {}
            "fail" | "fail-once" => {
                let failed = |record: &&SqsMessage| rest.split(',').any(|id| id == body(record));
                for record in event.records.iter().filter(failed) {
                    response.add_failure(record.message_id.clone().unwrap());
                }
            }
            "report" => response.add_failure(rest),
            "hang" => {
                let _call = Call(body(&event.records[0]).to_owned(), journal.clone());
                std::future::pending().await
            }
            other => panic!("{other} is no step"),
        }
    }
    response
}

fn body(record: &SqsMessage) -> &str {
    record.body.as_deref().unwrap()
}

fn mapped(words: &str) -> MappingOptions {
    let of = |name: &str, default: u64| {
        let mut pairs = words.split(' ').filter_map(|word| word.split_once(':'));
        pairs.find(|(key, _)| *key == name).map_or(default, |(_, value)| value.parse().unwrap())
    };
    MappingOptions {
        batch_size: of("batch", 10).try_into().unwrap(),
        concurrency: usize::try_from(of("concurrency", 4)).unwrap().try_into().unwrap(),
        function_timeout: seconds(of("timeout", 10)),
        shares: words.contains("plans:").then(|| Shares {
            plans: usize::try_from(of("plans", 1)).unwrap().try_into().unwrap(),
            bytes: of("bytes", 1_000).try_into().unwrap(),
        }),
    }
}

/// The first `count` entries of a list, or all.
fn first(mut list: Vec<String>, count: &str) -> String {
    list.truncate(count.parse().unwrap_or(usize::MAX));
    list.join(" | ")
}
