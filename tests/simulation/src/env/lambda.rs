//! Lambda's part: takes messages off a queue, calls a function in a process, and acts on its
//! answer.

use super::bugs;
use super::parts::Part;
use super::ports::Ports;
use super::queue_state::Received;
use super::variables::variable;
use super::worker::Worker;
use super::world::World;
use crate::branches::Branch;
use crate::bug::Bug;
use crate::fault::Fault;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use metrics_finalizer::{Adapters, Finalizer};
use scoring::{Limits, Scoring};
use shared::core::deadline::Deadline;
use shared::ports::QueueName;
use shared::services::airtable::{Limiters, Rate};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(150);
const SCORING_CONCURRENCY: usize = 12;
/// Most invocations of the finalizer at the same time. Those of one group do not overlap.
const FINALIZER_CONCURRENCY: usize = 2;
/// Most invocations of scoring at the same time that pass on waiting tasks.
const RETRY_CONCURRENCY: usize = 2;
/// The time that the functions reserve to report what they did not do.
const LAST_WORDS: Duration = Duration::from_secs(5);
const EVENTS: usize = 10;

/// A process of a function. It stays warm until it dies.
#[derive(Clone)]
enum Process {
    Scoring(Arc<Scoring<Ports>>, Arc<Worker>),
    Finalizer(Arc<Finalizer<Ports>>, Arc<Worker>),
}

impl Process {
    fn start(world: &Arc<World>, queue: QueueName, number: usize) -> Self {
        let worker = Arc::new(Worker::new(format!("{}#{number}", queue.as_str())));
        let ports = Ports { world: Arc::clone(world), worker: Arc::clone(&worker) };
        let clock = world.clock.clone();
        match queue {
            QueueName::Scoring | QueueName::Retry => {
                let of_world = |name| {
                    let is_drawn = name == "CALLS_AT_ONCE";
                    if is_drawn { Some(world.calls_at_once.to_owned()) } else { variable(name) }
                };
                let config = scoring::Config::read(of_world).expect("a configuration");
                let limits = Limits::of_one_process(config.lanes);
                let rng = world.dice.fork();
                let adapters = scoring::Adapters { transport: ports.clone(), queue: ports };
                let app = Scoring::new(config, adapters, limits, clock, rng);
                Self::Scoring(Arc::new(app), worker)
            }
            QueueName::Metrics => {
                let config = metrics_finalizer::Config::read(variable).expect("a configuration");
                let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
                let adapters =
                    Adapters { transport: ports.clone(), queue: ports.clone(), log: ports };
                let app = Finalizer::new(config, adapters, limiters, clock);
                Self::Finalizer(Arc::new(app), worker)
            }
        }
    }

    fn worker(&self) -> &Arc<Worker> {
        match self {
            Self::Scoring(_, worker) | Self::Finalizer(_, worker) => worker,
        }
    }

    async fn handle(&self, event: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        // Boxed, because each is some tens of kilobytes, and a call is moved several times before
        // it begins.
        match self {
            Self::Scoring(app, _) => Box::pin(scoring::handle(app, event, deadline)).await,
            Self::Finalizer(app, _) => {
                Box::pin(metrics_finalizer::handle(app, event, deadline)).await
            }
        }
    }
}

/// Calls a queue's function whenever the queue has messages.
pub(crate) async fn run(world: Arc<World>, queue: QueueName) {
    let (batch_size, concurrency) = match queue {
        QueueName::Scoring => (1, SCORING_CONCURRENCY),
        QueueName::Metrics => (EVENTS, FINALIZER_CONCURRENCY),
        QueueName::Retry => (EVENTS, RETRY_CONCURRENCY),
    };
    let idle: Arc<Mutex<Vec<Process>>> = Arc::default();
    let mut started = 0;
    let mut calls = JoinSet::new();
    loop {
        while calls.len() < concurrency && !world.faults.is_away(Part::Queue) {
            let batch = world.queues.receive(queue, batch_size);
            if batch.is_empty() {
                break;
            }
            let is_cold = world.script.as_ref().is_some_and(|script| script.is_cold);
            let warm = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let warm = warm.filter(|_| !is_cold);
            let process = warm.unwrap_or_else(|| {
                started += 1;
                Process::start(&world, queue, started)
            });
            calls.spawn(call(Arc::clone(&world), queue, process, batch, Arc::clone(&idle)));
        }
        let next = world.queues.next_visible(queue);
        let outage = world.faults.is_away(Part::Queue);
        let wake = if outage { Some(Instant::now() + Duration::from_mins(1)) } else { next };
        tokio::select! {
            biased;
            Some(_) = calls.join_next() => {}
            () = world.queues.changed(queue).notified() => {}
            () = sleep_until(wake) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// One invocation. If its process dies or takes too long, its messages stay hidden until their
/// visibility timeout ends.
async fn call(
    world: Arc<World>,
    queue: QueueName,
    process: Process,
    batch: Vec<Received>,
    idle: Arc<Mutex<Vec<Process>>>,
) {
    let invocation = world.step();
    let worker = process.worker();
    let messages: Vec<(&str, &str)> =
        batch.iter().map(|message| (&*message.id, &*message.body)).collect();
    let bodies = messages.iter().map(|(_, body)| *body);
    let groups = batch.iter().map(|message| message.group.clone()).collect();
    world.oracle().began(invocation, queue, groups, &messages);
    worker.begin(invocation, queue, bodies);
    let is_short = world.faults.is_drawn(Fault::DeadlineShort);
    let time = if is_short { Duration::from_secs(world.dice.between(2, 110)) } else { TIMEOUT };
    let deadline = Deadline::after(time);
    let ids: Vec<&str> = batch.iter().map(|message| message.id.as_str()).collect();
    world.trace.say(|| format!("{} gets {} for {} s", worker.name, ids.join(" "), time.as_secs()));
    if queue != QueueName::Metrics && world.faults.meets_outage(Part::Scoring) {
        worker.die();
    }
    let handled = async {
        tokio::select! {
            biased;
            () = worker.died() => None,
            response = process.handle(event(&world, queue, &batch), deadline) => Some(response),
        }
    };
    let response = tokio::time::timeout_at(deadline.0, handled).await;
    let gave_back = |response: &Option<SqsBatchResponse>| {
        response.as_ref().is_some_and(|response| !response.batch_item_failures.is_empty())
    };
    // The finalizer requeues nothing: a tick does what is not projected in time.
    if is_short && response.as_ref().map_or(true, gave_back)
        || is_short && deadline.remaining() <= LAST_WORDS && !worker.is_dead()
    {
        world.faults.count(Fault::DeadlineShort);
    }
    world.oracle().ended(invocation);
    world.queues.let_go(queue, &batch);
    let Some(response) = response.ok().flatten() else {
        world.trace.say(|| format!("{} is gone", worker.name));
        return;
    };
    let failures = &response.batch_item_failures;
    let has_failed = |message: &Received| {
        failures.iter().any(|failure| failure.item_identifier == message.id)
            && !world.has(Bug::FailuresIgnored)
    };
    count_failures(&world, &batch, worker, has_failed);
    for message in &batch {
        if has_failed(message) {
            world.trace.say(|| format!("{} gives {} back", worker.name, message.id));
        } else {
            delete(&world, queue, message);
        }
    }
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(process.clone());
}

/// Counts why messages of a batch were returned. `has_failed` says which were.
fn count_failures(
    world: &World,
    batch: &[Received],
    worker: &Worker,
    has_failed: impl Fn(&Received) -> bool,
) {
    let tried = worker.tried();
    let mut groups = BTreeSet::new();
    for message in batch.iter().filter(|message| has_failed(message)) {
        let branch = if !groups.insert(message.group.as_str()) {
            Branch::HeldBack
        } else if tried.not_dead_lettered.contains(&message.id) {
            Branch::NotDeadLettered
        } else {
            Branch::RequeuedInPlace
        };
        world.failures.count(branch);
        if tried.not_requeued.contains(&message.receipt) {
            world.failures.count(Branch::NotRequeued);
        }
    }
}

/// Takes a handled message off its queue. If that fails, the message comes again.
fn delete(world: &World, queue: QueueName, message: &Received) {
    let is_away = world.faults.meets_outage(Part::Queue);
    if is_away || world.faults.hits(Fault::QueueNotReached) {
        world.trace.say(|| format!("{} cannot be deleted", message.id));
        world.queues.not_deleted(queue, &message.receipt);
    } else {
        world.queues.delete(queue, &message.receipt);
    }
}

fn event(world: &World, queue: QueueName, batch: &[Received]) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(|message| record(world, queue, message)).collect();
    event
}

fn record(world: &World, queue: QueueName, message: &Received) -> SqsMessage {
    let mut attributes = vec![
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("SentTimestamp", message.sent_at.as_millisecond().to_string()),
    ];
    if queue.is_fifo() {
        attributes.push(("MessageGroupId", message.group.clone()));
        attributes.push(("MessageDeduplicationId", message.deduplication.clone()));
    }
    let mut record = SqsMessage::default();
    record.message_id = Some(message.id.clone());
    record.receipt_handle = Some(message.receipt.clone());
    record.body = Some(bugs::received(world, &message.body));
    record.attributes =
        attributes.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    record
}
