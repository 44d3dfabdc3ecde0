//! The function's parts and how they are wired.

use crate::config::Config;
use crate::events::Events;
use crate::later::Later;
use crate::running::Running;
use shared::core::clock::Clock;
use shared::ports::Env;
use shared::run_records::RunRecords;
use shared::services::airtable::{Airtable, Limiters};
use shared::services::apify::Apify;
use std::sync::Arc;

/// The function and everything it needs, created once per process.
pub struct Finalizer<E: Env> {
    pub(crate) airtable: Airtable<E::Transport>,
    pub(crate) limiters: Arc<Limiters>,
    pub(crate) apify: Option<Apify<E::Transport>>,
    pub(crate) records: RunRecords,
    pub(crate) events: Events,
    pub(crate) running: Running,
    pub(crate) later: Later,
    pub(crate) queue: E::Queue,
    pub(crate) log: E::EventLog,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
}

/// The adapters with which the function reaches external services.
pub struct Adapters<E: Env> {
    /// HTTP to Airtable and Apify.
    pub transport: E::Transport,
    /// The queues.
    pub queue: E::Queue,
    /// The event log.
    pub log: E::EventLog,
}

impl<E: Env> Finalizer<E> {
    /// Wires the function.
    pub fn new(
        config: Config,
        adapters: Adapters<E>,
        limiters: Arc<Limiters>,
        clock: Clock,
    ) -> Self {
        let Adapters { transport, queue, log } = adapters;
        let apify = config.missed.as_ref().map(|missed| {
            let reached = &missed.apify;
            Apify::new(transport.clone(), reached.url.clone(), reached.token.clone())
        });
        if apify.is_none() {
            tracing::info!("APIFY_ACTORS is not set: ticks do not look for missed webhooks");
        }
        let airtable = Airtable::new(
            transport,
            config.airtable.url.clone(),
            config.airtable.token.clone(),
            Arc::clone(&limiters),
        )
        .urgent();
        let records = RunRecords::new(config.airtable.master_base.clone(), clock.clone());
        Self {
            airtable,
            limiters,
            apify,
            records,
            events: Events::default(),
            running: Running::default(),
            later: Later::default(),
            queue,
            log,
            clock,
            config,
        }
    }
}
