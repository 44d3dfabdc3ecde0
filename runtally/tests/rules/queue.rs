//! Runs the cases of `queue.txt`, which explains its format.

use crate::support::*;
use futures_util::FutureExt;
use jiff::SignedDuration;
use runtally::storage::{Database, Received, SqliteQueue};
use shared::core::clock::Clock;
use shared::core::limits::MAX_MESSAGE_BYTES;
use shared::messages::{RetryState, routes};
use shared::ports::{OutgoingMessage, Queue, QueueError, QueueName};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::NamedTempFile;

/// Commands that wake those who wait for a change.
const CHANGES: [&str; 5] = ["send", "delete", "requeue", "dead-letter", "redrive"];

struct Case {
    file: NamedTempFile,
    queue: SqliteQueue,
    /// The machine's clock, and by how many seconds it was set.
    clock: Clock,
    clock_set: Arc<AtomicI64>,
    /// All received messages, by body and receive count.
    received: HashMap<String, Received>,
    /// The bodies of the messages, by message id.
    bodies: HashMap<String, String>,
    last: Option<Received>,
}

#[tokio::test(start_paused = true)]
async fn the_queue_keeps_the_rules_of_sqs() {
    for (name, commands) in cases(include_str!("queue.txt")) {
        let mut case = Case::new();
        for (command, expected) in commands {
            let answer = case.play(command).await.unwrap_or_else(|error| error.to_string());
            assert_eq!(answer, expected, "{name}: {command}");
        }
    }
}

impl Case {
    fn new() -> Self {
        let file = NamedTempFile::new().unwrap();
        let clock_set = Arc::<AtomicI64>::default();
        let (true_time, set) = (Clock::following_tokio(START), Arc::clone(&clock_set));
        let clock = Clock::showing(move || {
            true_time.now() + SignedDuration::from_secs(set.load(Ordering::Relaxed))
        });
        let queue = queue_at(Database::open(file.path()).unwrap(), clock.clone());
        let (received, bodies) = (HashMap::new(), HashMap::new());
        Self { file, queue, clock, clock_set, received, bodies, last: None }
    }

    async fn play(&mut self, command: &str) -> Result<String, QueueError> {
        let (name, command) = match command.split_once(' ') {
            Some(("scoring", command)) => (QueueName::Scoring, command),
            Some(("retry", command)) => (QueueName::Retry, command),
            _ => (QUEUE, command),
        };
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let queue = self.queue.clone();
        let changed = queue.changed(name);
        let answer = self.answer(name, verb, rest).await?;
        assert!(!CHANGES.contains(&verb) || changed.now_or_never().is_some(), "{verb} wakes");
        Ok(answer)
    }

    async fn answer(
        &mut self,
        name: QueueName,
        verb: &str,
        rest: &str,
    ) -> Result<String, QueueError> {
        let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
        let queue = &self.queue;
        match verb {
            "pass" => pass(seconds(rest.parse().unwrap())).await,
            "restart" => {
                let database = Database::open(self.file.path()).unwrap();
                self.queue = queue_at(database, self.clock.clone());
            }
            "release" => queue.release(name)?,
            "set-clock" => {
                self.clock_set.fetch_add(rest.parse().unwrap(), Ordering::Relaxed);
            }
            "wait" => {
                let (delay, state) = (seconds(others.parse().unwrap()), RetryState::default());
                let message = routes::next_attempt_later(first, &state, (QUEUE, "g"), delay);
                queue.let_wait(message).await?;
            }
            "send" => queue.send(name, rest.split(' ').map(parsed).collect()).await?,
            "delete" => queue.delete(name, self.receipt(first))?,
            "requeue" => {
                let delay = seconds(others.parse().unwrap());
                queue.requeue(name, self.receipt(first), delay).await?;
            }
            "note" => {
                let id = self.bodies.iter().find(|(_, body)| *body == first).unwrap().0;
                queue.note_failure(name, &[id], others)?;
            }
            "dead-letter" => queue.dead_letter(name, dead_letter(first, others)).await?,
            "redrive" => {
                let mut letters = queue.dead_letters(name).await?;
                letters.retain(|letter| letter.reason.contains(rest));
                let ids = letters.into_iter().map(|letter| letter.message_id).collect();
                let count = queue.redrive(name, &ids).await?;
                return Ok(count.to_string());
            }
            "receive" => {
                let batch = queue.receive(name, rest.parse().unwrap_or(10))?;
                return Ok(shown(batch.into_iter().map(|message| self.note(message)).collect()));
            }
            "details" => return Ok(self.details()),
            "delete-dead" => {
                let age = seconds(86_400 * rest.parse::<u64>().unwrap());
                return Ok(queue.delete_dead_letters(name, age)?.to_string());
            }
            "dead" => return Ok(shown(dead(queue).await)),
            "depth" => {
                let depth = queue.depth(name)?;
                let (visible, in_flight, dead) = (depth.visible, depth.in_flight, depth.dead);
                return Ok(format!("{visible} visible, {in_flight} in flight, {dead} dead"));
            }
            "next" => {
                let next = queue.time_to_next(name)?;
                return Ok(next.map_or("never".to_owned(), |wait| wait.as_secs().to_string()));
            }
            other => panic!("{other} is no command"),
        }
        Ok(String::new())
    }

    /// Remembers a received message. If it is received again, it is the same. A new message has its
    /// own id and a larger number, because no group overtakes another in these cases.
    fn note(&mut self, message: Received) -> String {
        let (body, count) = (&message.body, message.receive_count);
        if let Some(before) = self.received.get(&format!("{body}#{}", count - 1)) {
            assert_ne!(before.receipt, message.receipt);
            let receipt = message.receipt.clone();
            let same = Received { receipt, receive_count: count, ..before.clone() };
            assert_eq!(message, same);
        } else {
            let is_new = |known: &Received| known.sequence < message.sequence;
            assert!(self.bodies.insert(message.message_id.clone(), body.clone()).is_none());
            assert!(self.last.as_ref().is_none_or(is_new), "{message:?}");
        }
        let name = format!("{body}#{count}");
        self.received.insert(name.clone(), message.clone());
        self.last = Some(message);
        name
    }

    fn receipt<'a>(&'a self, name: &'a str) -> &'a str {
        self.received.get(name).map_or(name, |message| &message.receipt)
    }

    /// The properties of the last received message, without its body.
    fn details(&self) -> String {
        let Received { group, deduplication, sent_at, first_received_at, .. } =
            self.last.as_ref().unwrap();
        let known = self.bodies.get(deduplication).map(|body| format!("id of {body}"));
        let id = known.unwrap_or_else(|| deduplication.clone());
        let [sent, first] =
            [sent_at, first_received_at].map(|at| at.as_second() - START.as_second());
        format!("group {group}, deduplication {id}, sent at {sent}, first received at {first}")
    }
}

/// A message written as `group/id`. `group/id*5` has five bytes, and `_` is a space.
fn parsed(text: &str) -> OutgoingMessage {
    let (group, id) = text.split_once('/').unwrap();
    let (id, bytes) = id.split_once('*').unwrap_or((id, ""));
    let body = bytes.parse().map_or(id.to_owned(), |bytes: usize| "x".repeat(bytes));
    assert!(body.len() <= MAX_MESSAGE_BYTES + 1);
    routes::verbatim(&group.replace('_', " "), id, &body)
}

fn shown(what: Vec<String>) -> String {
    if what.is_empty() { "nothing".to_owned() } else { what.join(" ") }
}
