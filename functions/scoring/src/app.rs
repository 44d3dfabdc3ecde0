//! The function and everything it needs, created once per process.

use crate::config::Config;
use crate::gemini::Gemini;
use crate::limits::Limits;
use crate::master::nobodys::Nobodys;
use crate::master::rows::MasterBase;
use crate::random::Random;
use crate::report::{Reporter, told_note};
use shared::core::clock::Clock;
use shared::core::failure::Failure;
use shared::messages::{Fact, Opened, OpenedBy, RunHeader};
use shared::ports::{Env, OutgoingMessage, Queue, QueueName};
use shared::services::airtable::{Airtable, Limiters};
use shared::services::apify::Apify;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The scoring function, created once per process.
pub struct Scoring<E: Env> {
    /// For chunks: the lanes of a client's base share its request limit.
    pub(crate) chunk_airtable: Airtable<E::Transport>,
    /// For plans: they share the master base's request limit with the finalizer.
    pub(crate) plan_airtable: Airtable<E::Transport>,
    pub(crate) limits: Limits,
    pub(crate) apify: Apify<E::Transport>,
    pub(crate) gemini: Gemini<E::Transport>,
    pub(crate) queue: E::Queue,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) random: Random,
    pub(crate) nobodys: Nobodys,
    is_stopping: AtomicBool,
}

/// The adapters of the ports.
pub struct Adapters<E: Env> {
    /// HTTP to Airtable, Apify and the model.
    pub transport: E::Transport,
    /// The queues between the functions.
    pub queue: E::Queue,
}

impl<E: Env> Scoring<E> {
    /// Wires the function. `rng` provides attempt ids and jitter.
    pub fn new(
        config: Config,
        adapters: Adapters<E>,
        limits: Limits,
        clock: Clock,
        rng: fastrand::Rng,
    ) -> Self {
        let Adapters { transport, queue } = adapters;
        let airtable = |limiters: &Arc<Limiters>| {
            let (url, token) = (config.airtable.url.clone(), config.airtable.token.clone());
            Airtable::new(transport.clone(), url, token, Arc::clone(limiters))
        };
        let (plan_airtable, chunk_airtable) = (airtable(&limits.plans), airtable(&limits.chunks));
        let (url, token) = (config.apify.url.clone(), config.apify.token.clone());
        let apify = Apify::new(transport.clone(), url, token);
        let gemini = Gemini::new(transport, config.model.clone(), clock.clone());
        Self {
            chunk_airtable,
            plan_airtable,
            limits,
            apify,
            gemini,
            queue,
            clock,
            config,
            random: Random::new(rng),
            nobodys: Nobodys::default(),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// Starts no further calls to the model. Work in progress is billed, written and settled, and
    /// the rest of its chunk goes back to the queue for another process.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn master(&self) -> MasterBase<'_, E::Transport> {
        MasterBase { airtable: &self.plan_airtable, id: &self.config.airtable.master_base }
    }

    /// The first facts of a run's record.
    pub(crate) fn opened(&self, by: OpenedBy) -> Vec<Fact> {
        let simulated = self.config.simulated.iter().map(|services| {
            told_note(format!("simulated here: {services}; their data is invented"))
        });
        std::iter::once(Fact::Opened(Opened { by })).chain(simulated).collect()
    }

    pub(crate) fn reporter<'a>(&'a self, run: &'a RunHeader) -> Reporter<'a, E::Queue> {
        Reporter {
            queue: &self.queue,
            clock: &self.clock,
            record_base: &self.config.airtable.master_base,
            run,
        }
    }

    pub(crate) async fn queue_tasks(&self, tasks: Vec<OutgoingMessage>) -> Result<(), Failure> {
        self.queue.send(QueueName::Scoring, tasks).await.map_err(Failure::retry)
    }
}
