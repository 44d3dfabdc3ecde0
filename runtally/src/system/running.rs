//! The three functions in one process, over one SQLite file.

use super::dispatcher::{Dispatcher, MappingOptions, Shares};
use super::one_machine::OneMachine;
use super::pricing::{Pricer, pricer};
use super::upkeep::{self, until};
use super::webhook_server::{self, Front};
use crate::result::Fault;
use crate::storage::{Database, QueueSettings, SqliteEventLog, SqliteQueue};
use jiff::Timestamp;
use metrics_finalizer::{Adapters, Finalizer};
use scoring::{Limits, Scoring};
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;
use shared::core::failure::QUEUE_RECEIVES;
use shared::ports::{Env, QueueName};
use shared::services::airtable::Limiters;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use webhook_intake::Intake;

/// A function call that takes longer is stopped.
pub(super) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(150);
/// A message whose handler died comes back after this time: six times the function's timeout, as
/// AWS recommends.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(900);
/// Most scoring tasks at the same time, over all clients. Each may have `CALLS_AT_ONCE` calls in
/// flight. Ten tasks use up Airtable's limit for one user's tokens.
const CONCURRENT_TASKS: NonZeroUsize = NonZeroUsize::new(40).expect("not zero");
/// How tasks are shared among the clients, and the limit on their memory.
const SHARES: Shares =
    Shares { plans: NonZeroUsize::new(16).expect("not zero"), bytes: 32 * 1024 * 1024 };
/// Most batches of events at the same time. Batches of one base are handled one by one.
const CONCURRENT_BATCHES: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

const FITS: &str = "the mapping's options are constants that fit";
/// How long a stopping system waits for the finalizer, and how often it checks.
const REPORTED_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Configuration by variable name, as the functions read it.
pub trait Variables: Fn(&'static str) -> Option<String> {}
impl<F: Fn(&'static str) -> Option<String>> Variables for F {}

/// What only the process itself knows about its functions.
#[derive(Clone)]
pub(crate) struct Inside {
    /// The queues.
    pub(crate) queue: SqliteQueue,
    /// The event log.
    pub(crate) log: SqliteEventLog,
    /// Changes whenever something is stored.
    pub(crate) changes: watch::Receiver<u64>,
    /// The request slots of each base in Airtable.
    pub(crate) limiters: Arc<Limiters>,
    /// Computes the price of scoring waiting leads.
    pub(crate) price: Pricer,
    /// When the next tick is sent.
    pub(crate) next_tick: watch::Receiver<Timestamp>,
}

/// The running system. Dropping it stops it like a crash. If it is started again on the same
/// database, it continues with everything that it had accepted.
pub struct System {
    /// The queues.
    pub queue: SqliteQueue,
    /// The event log.
    pub log: SqliteEventLog,
    database: Database,
    functions: Functions,
    webhooks: JoinSet<()>,
    stop_webhooks: watch::Sender<bool>,
}

impl System {
    /// Starts the functions over `database`, and answers webhooks on `listener`.
    ///
    /// # Errors
    /// Names what is missing or wrong.
    pub fn start(
        variables: impl Variables,
        database: &Database,
        listener: TcpListener,
        seed: u64,
    ) -> Result<Self, Fault> {
        Self::start_behind(variables, database, listener, seed, |_| Ok(None))
    }

    /// Like [`System::start`], with a handler for requests that are not webhooks.
    pub(crate) fn start_behind(
        variables: impl Variables,
        database: &Database,
        listener: TcpListener,
        seed: u64,
        front: impl FnOnce(&Inside) -> Result<Option<Front>, Fault>,
    ) -> Result<Self, Fault> {
        let clock = Clock::system();
        let transport = HttpTransport::new().map_err(|error| format!("no HTTP client: {error}"))?;
        let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(seed));
        for name in QueueName::ALL {
            queue.release(name)?;
        }
        let log = SqliteEventLog::new(database.clone());
        let adapters = Adapters { transport, queue: queue.clone(), log: log.clone() };
        let (intake, mut functions) =
            start_functions::<OneMachine>(&variables, adapters, &clock, seed)?;
        let inside = Inside {
            queue: queue.clone(),
            log: log.clone(),
            changes: database.changes(),
            limiters: Arc::clone(&functions.limiters),
            price: Arc::clone(&functions.price),
            next_tick: functions.next_tick.subscribe(),
        };
        let age = upkeep::dead_letter_age(&Vars::new(&variables))?;
        functions.others.spawn(upkeep::listen(database.clone(), queue.clone()));
        functions.others.spawn(upkeep::clean(database.clone(), queue.clone(), age));
        let (mut webhooks, stop_webhooks) = (JoinSet::new(), watch::Sender::new(false));
        let (front, stop) = (front(&inside)?, until(stop_webhooks.subscribe()));
        webhooks.spawn(webhook_server::serve(listener, Arc::new(intake), front, stop));
        let database = database.clone();
        Ok(Self { queue, log, database, functions, webhooks, stop_webhooks })
    }

    /// Waits until a part of the system stops. This happens only after a bug.
    pub async fn ended(&mut self) {
        tokio::select! {
            _ = self.webhooks.join_next() => {}
            () = self.functions.ended() => {}
        }
    }

    /// Stops like a crash, at once and in the middle of any work, and frees its address.
    pub(crate) async fn kill(&mut self) {
        for tasks in [
            &mut self.webhooks,
            &mut self.functions.scoring,
            &mut self.functions.finalizer,
            &mut self.functions.others,
        ] {
            tasks.shutdown().await;
        }
    }

    /// Stops without loss: no new webhook and no new task is taken, model calls in flight finish,
    /// and their results are billed, written and on the record. The rest waits in the queues.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drain(mut self) -> Result<(), Fault> {
        self.stop_webhooks.send_replace(true);
        while self.webhooks.join_next().await.is_some() {}
        self.functions.drain(&self.queue).await?;
        self.database.empty_log()?;
        Ok(())
    }
}

/// The two functions that queues trigger, running. Dropping it stops them like a crash.
pub struct Functions {
    scoring: JoinSet<()>,
    finalizer: JoinSet<()>,
    others: JoinSet<()>,
    stop_scoring: watch::Sender<bool>,
    stop_finalizer: watch::Sender<bool>,
    limiters: Arc<Limiters>,
    price: Pricer,
    next_tick: watch::Sender<Timestamp>,
}

impl Functions {
    async fn ended(&mut self) {
        tokio::select! {
            _ = self.scoring.join_next() => {}
            _ = self.finalizer.join_next() => {}
            _ = self.others.join_next() => {}
        }
    }

    /// Lets scoring finish its work, and then the finalizer what scoring reported.
    async fn drain(mut self, queue: &SqliteQueue) -> Result<(), Fault> {
        self.others.shutdown().await;
        self.stop_scoring.send_replace(true);
        while self.scoring.join_next().await.is_some() {}
        let reported = async {
            while !queue.depth(QueueName::Metrics)?.is_idle() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok::<(), Fault>(())
        };
        // The rest stays in the queue, and gets on its record after the next start.
        tokio::time::timeout(REPORTED_WITHIN, reported).await.unwrap_or(Ok(()))?;
        self.stop_finalizer.send_replace(true);
        while self.finalizer.join_next().await.is_some() {}
        Ok(())
    }
}

/// Starts the two functions that queues trigger, and their ticks. Returns the third, which webhooks
/// call, and the two that run.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn start_functions<E: Env<Queue = SqliteQueue>>(
    variables: &impl Variables,
    adapters: Adapters<E>,
    clock: &Clock,
    seed: u64,
) -> Result<(Intake<SqliteQueue>, Functions), Fault> {
    let queue = adapters.queue.clone();
    // One process: it has the whole limit of each base, shared by everything that uses the base.
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
    // One group per record base, ticks included, so that one batch is in work at a time.
    let record_base = config.airtable.master_base.clone();
    let finalizer =
        Arc::new(Finalizer::new(config, adapters, Arc::clone(&limiters), clock.clone()));
    let mut functions = Functions {
        scoring: JoinSet::new(),
        finalizer: JoinSet::new(),
        others: JoinSet::new(),
        stop_scoring: watch::Sender::new(false),
        stop_finalizer: watch::Sender::new(false),
        limiters,
        price: pricer(&scoring, FUNCTION_TIMEOUT),
        next_tick: watch::Sender::new(clock.now()),
    };
    let tasks = MappingOptions { shares: Some(SHARES), ..mapping(1, CONCURRENT_TASKS) };
    let retries = mapping(10, NonZeroUsize::MIN);
    for (name, options) in [(QueueName::Scoring, tasks), (QueueName::Retry, retries)] {
        let handler = Arc::clone(&scoring);
        let dispatcher = Dispatcher::new(queue.clone(), name, options, move |event, left| {
            let scoring = Arc::clone(&handler);
            async move { scoring::handle(&scoring, event, left).await }
        });
        let (scoring, stopped) = (Arc::clone(&scoring), functions.stop_scoring.subscribe());
        let stop = async move {
            until(stopped).await;
            scoring.stop();
        };
        functions.scoring.spawn(dispatcher.expect(FITS).run_until(stop));
    }
    let options = mapping(10, CONCURRENT_BATCHES);
    let events = Dispatcher::new(queue.clone(), QueueName::Metrics, options, move |event, left| {
        let finalizer = Arc::clone(&finalizer);
        async move { metrics_finalizer::handle(&finalizer, event, left).await }
    });
    let stopped = functions.stop_finalizer.subscribe();
    functions.finalizer.spawn(events.expect(FITS).run_until(until(stopped)));
    let next_tick = functions.next_tick.clone();
    functions.others.spawn(upkeep::tick(queue, record_base, clock.clone(), next_tick));
    Ok((intake, functions))
}

fn mapping(batch_size: usize, concurrency: NonZeroUsize) -> MappingOptions {
    MappingOptions { batch_size, concurrency, function_timeout: FUNCTION_TIMEOUT, shares: None }
}

/// The settings of the queues on one machine. `seed` is as in [`QueueSettings`].
pub fn queue_settings(seed: u64) -> QueueSettings {
    QueueSettings {
        visibility_timeout: VISIBILITY_TIMEOUT,
        max_receive_count: QUEUE_RECEIVES,
        seed,
    }
}
