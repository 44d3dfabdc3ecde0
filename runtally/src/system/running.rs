//! The three functions in one process, over one SQLite file.

use super::dispatcher::{Dispatcher, MappingOptions};
use super::webhook_server;
use crate::result::Fault;
use crate::storage::{Database, QueueSettings, SqliteEventLog, SqliteQueue};
use metrics_finalizer::{Adapters, Finalizer};
use scoring::{Limits, Scoring};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::core::failure::QUEUE_RECEIVES;
use shared::core::ids::BaseId;
use shared::messages::routes;
use shared::ports::{Env, Queue, QueueName};
use shared::services::airtable::Limiters;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use webhook_intake::Intake;

/// A call of a function that takes longer is stopped.
pub(super) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(150);
/// A message whose handler died comes back after this: six times the function's timeout, as AWS
/// recommends.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(900);
/// Time between two ticks of the metrics finalizer.
const TICK_EVERY: Duration = Duration::from_secs(600);
/// Time until a message from another process is seen.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// Longest time that deleted text stays in the write-ahead log.
const EMPTY_LOG_EVERY: Duration = Duration::from_mins(1);
/// Most scoring tasks at the same time, over all clients.
const CONCURRENT_CHUNKS: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");
/// Most batches of events at the same time. Those of one base are handled one by one.
const CONCURRENT_BATCHES: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// Configuration by variable, as the functions read it.
pub trait Variables: Fn(&'static str) -> Option<String> {}
impl<F: Fn(&'static str) -> Option<String>> Variables for F {}

struct OneMachine;

impl Env for OneMachine {
    type Transport = HttpTransport;
    type Queue = SqliteQueue;
    type EventLog = SqliteEventLog;
}

/// The running system. Dropping it stops it like a crash. Started again on the same database, it
/// continues with everything it had accepted.
pub struct System {
    /// The queues.
    pub queue: SqliteQueue,
    /// The event log.
    pub log: SqliteEventLog,
    tasks: JoinSet<()>,
}

impl System {
    /// Starts the functions over `database`, answering webhooks on `listener`.
    ///
    /// # Errors
    /// Names what is missing or wrong.
    pub fn start(
        variables: impl Variables,
        database: &Database,
        listener: TcpListener,
        seed: u64,
    ) -> Result<Self, Fault> {
        let clock = Clock::system();
        let transport = HttpTransport::new().map_err(|error| format!("no HTTP client: {error}"))?;
        let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(seed));
        for name in QueueName::ALL {
            queue.release(name)?;
        }
        let log = SqliteEventLog::new(database.clone());
        let adapters = Adapters { transport, queue: queue.clone(), log: log.clone() };
        let (intake, mut tasks) =
            start_functions::<OneMachine>(&variables, adapters, &clock, seed)?;
        tasks.spawn(webhook_server::serve(listener, Arc::new(intake)));
        tasks.spawn(listen(database.clone(), queue.clone()));
        tasks.spawn(empty_log(database.clone()));
        Ok(Self { queue, log, tasks })
    }

    /// Waits until a part of the system stops, which only happens after a bug.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// Starts the two functions that queues trigger, and their ticks. Returns the third, which webhooks
/// call, and the tasks that stop when they are dropped.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn start_functions<E: Env<Queue = SqliteQueue>>(
    variables: &impl Variables,
    adapters: Adapters<E>,
    clock: &Clock,
    seed: u64,
) -> Result<(Intake<SqliteQueue>, JoinSet<()>), Fault> {
    let queue = adapters.queue.clone();
    // One process: each base's whole limit, shared by all that reach it.
    let limiters = Arc::new(Limiters::of_the_only_process());
    let intake =
        Intake::new(webhook_intake::Config::read(variables)?, queue.clone(), clock.clone());
    let scoring = Arc::new(Scoring::<E>::new(
        scoring::Config::read(variables)?,
        scoring::Adapters { transport: adapters.transport.clone(), queue: queue.clone() },
        Limits::of_the_only_process(&limiters),
        clock.clone(),
        fastrand::Rng::with_seed(seed),
    ));
    let config = metrics_finalizer::Config::read(variables)?;
    // One group per record base, ticks included: one batch is in work at a time.
    let record_base = config.airtable.master_base.clone();
    let finalizer = Arc::new(Finalizer::new(config, adapters, limiters, clock.clone()));

    let mapping = |batch_size, concurrency| MappingOptions {
        batch_size,
        concurrency,
        function_timeout: FUNCTION_TIMEOUT,
    };
    let fits = "the mapping's options are constants that fit";
    let mut tasks = JoinSet::new();
    for (name, options) in [
        (QueueName::Scoring, mapping(1, CONCURRENT_CHUNKS)),
        (QueueName::Retry, mapping(10, NonZeroUsize::MIN)),
    ] {
        let scoring = Arc::clone(&scoring);
        let dispatcher = Dispatcher::new(queue.clone(), name, options, move |event, left| {
            let scoring = Arc::clone(&scoring);
            async move { scoring::handle(&scoring, event, left).await }
        });
        tasks.spawn(dispatcher.expect(fits).run());
    }
    let options = mapping(10, CONCURRENT_BATCHES);
    let events = Dispatcher::new(queue.clone(), QueueName::Metrics, options, move |event, left| {
        let finalizer = Arc::clone(&finalizer);
        async move { metrics_finalizer::handle(&finalizer, event, left).await }
    });
    tasks.spawn(events.expect(fits).run());
    tasks.spawn(tick(queue, record_base, clock.clone()));
    Ok((intake, tasks))
}

/// The settings of the queues on one machine; `seed` as in [`QueueSettings`].
pub fn queue_settings(seed: u64) -> QueueSettings {
    QueueSettings {
        visibility_timeout: VISIBILITY_TIMEOUT,
        max_receive_count: QUEUE_RECEIVES,
        seed,
    }
}

/// Wakes the functions when another process, such as an operator's command, sends a message.
async fn listen(database: Database, queue: SqliteQueue) {
    let mut timer = tokio::time::interval(LISTEN_EVERY);
    let mut known = None;
    loop {
        timer.tick().await;
        match database.version_by_others() {
            Ok(version) if known == Some(version) => {}
            Ok(version) => {
                known = Some(version);
                queue.wake();
            }
            Err(error) => tracing::error!(%error, "messages of other processes are not seen"),
        }
    }
}

/// Sees to it that what was deleted is gone from the files.
async fn empty_log(database: Database) {
    let mut timer = tokio::time::interval(EMPTY_LOG_EVERY);
    loop {
        timer.tick().await;
        if let Err(error) = database.empty_log() {
            tracing::error!(%error, "the write-ahead log could not be emptied");
        }
    }
}

/// Sends a tick at once, for runs that a crash interrupted, and then every ten minutes.
async fn tick(queue: SqliteQueue, master: BaseId, clock: Clock) {
    let mut timer = tokio::time::interval(TICK_EVERY);
    loop {
        timer.tick().await;
        let tick = routes::tick(&master, clock.now());
        if let Err(error) = queue.send(QueueName::Metrics, vec![tick]).await {
            tracing::error!(%error, "the tick could not be sent; the next one follows");
        }
    }
}
