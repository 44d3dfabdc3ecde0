//! Everything outside the functions, and the oracle that watches it.

use super::chance::Chance;
use super::event_log::{INDEX_LAG, Log};
use super::faults::Faults;
use super::queues::Queues;
use crate::branches::Failures;
use crate::bug::Bug;
use crate::dice::Dice;
use crate::options::Options;
use crate::oracle::Oracle;
use crate::scenario::Scenario;
use crate::script::Script;
use crate::trace::Trace;
use jiff::Timestamp;
use runtally::system::tokens;
use serde_json::Value;
use shared::core::clock::Clock;
use simulators::NoStore;
use simulators::airtable::{Airtable, AirtableOptions};
use simulators::apify::{Apify, ApifyOptions, Delivery, WebhookSender};
use simulators::gemini::{Gemini, GeminiOptions};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Rows per page: few, so that a listing has several pages.
const PAGE_ROWS: usize = 16;
/// The longest time for which a base denies requests.
const DENIED: Duration = Duration::from_secs(40);

/// The services, the queues, the log; the faults; the oracle.
pub(crate) struct World {
    pub(crate) dice: Arc<Dice>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) failures: Arc<Failures>,
    pub(crate) clock: Clock,
    pub(crate) trace: Arc<Trace>,
    pub(crate) airtable: Airtable,
    pub(crate) apify: Apify,
    pub(crate) gemini: Gemini,
    pub(crate) queues: Queues,
    pub(crate) log: Log,
    /// How much the indexes of the log lag behind, at most.
    pub(crate) index_lag: Duration,
    pub(crate) scenario: Scenario,
    /// `CALLS_AT_ONCE`: room for all waves of a chunk at the same time, for two, or for one call.
    pub(crate) calls_at_once: &'static str,
    /// Says what happens when, instead of draws.
    pub(crate) script: Option<Arc<Script>>,
    pub(crate) bug: Option<Bug>,
    /// What a planted bug remembers.
    remembered: Mutex<BTreeMap<String, Value>>,
    oracle: Mutex<Oracle>,
    /// Bases that deny requests: until when, and with which status.
    denied: Mutex<BTreeMap<String, (Instant, u16)>>,
    /// Notified of everything that may give a tick work.
    pub(crate) activity: Notify,
    steps: AtomicU64,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(seed: u64, options: Options, script: Option<Arc<Script>>) -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().expect("a time");
        let clock = Clock::following_tokio(start);
        let dice = Arc::new(Dice::new(seed));
        let (airtable, apify, gemini) = services(&clock, seed);
        let mut scenario = Scenario::invent(&dice, &airtable, start, script.as_deref());
        let trace = Arc::new(Trace::new(options.trace));
        let faults = Arc::new(Faults::draw(&dice, &trace, options, script.as_ref()));
        scenario.add_oddities(&dice, &airtable, |fault| faults.hits(fault));
        let oracle = Mutex::new(Oracle::new(&scenario, Arc::clone(&trace)));
        let failures = Arc::<Failures>::default();
        let chance = Chance {
            dice: Arc::clone(&dice),
            faults: Arc::clone(&faults),
            failures: Arc::clone(&failures),
            trace: Arc::clone(&trace),
        };
        let calls_at_once = if script.is_some() { "16" } else { ["1", "4", "16"][dice.below(3)] };
        Self {
            script,
            calls_at_once,
            queues: Queues::new(clock.clone(), chance),
            faults,
            failures,
            trace,
            log: Log::default(),
            index_lag: INDEX_LAG,
            bug: options.bug,
            remembered: Mutex::default(),
            denied: Mutex::default(),
            activity: Notify::new(),
            steps: AtomicU64::new(0),
            oracle,
            dice,
            clock,
            airtable,
            apify,
            gemini,
            scenario,
        }
    }

    /// The oracle, which is told everything that happens.
    pub(crate) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores `value` for a planted bug. Returns the previous value.
    pub(crate) fn remember(&self, name: &str, value: Value) -> Option<Value> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(name.to_owned(), value)
    }

    /// Denies requests to a base from now on, for some seconds.
    pub(crate) fn deny(&self, base: &str) {
        let until = Instant::now() + self.dice.within(DENIED);
        let status = if self.dice.chance(0.5) { 401 } else { 403 };
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.insert(base.to_owned(), (until, status));
    }

    /// The status with which a base denies requests now.
    pub(crate) fn denial(&self, base: &str) -> Option<u16> {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, status) = denied.get(base)?;
        (self.faults.are_active() && Instant::now() < *until).then_some(*status)
    }

    /// A number that grows with everything that happens.
    pub(crate) fn step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

fn services(clock: &Clock, seed: u64) -> (Airtable, Apify, Gemini) {
    let now = clock.clone();
    let clock = simulators::Clock::new(move || now.now());
    let options =
        AirtableOptions { page_rows: PAGE_ROWS, ..AirtableOptions::with_token(tokens::AIRTABLE) };
    let airtable = Airtable::new(options, clock.clone(), Arc::new(NoStore), seed);
    let tokens = vec![tokens::APIFY.to_owned()];
    let options = ApifyOptions { tokens, seed, ..ApifyOptions::default() };
    let apify = Apify::new(options, clock.clone(), Arc::new(NoStore), Arc::new(Nobody));
    let api_keys = vec![tokens::GEMINI.to_owned()];
    let options = GeminiOptions { api_keys, seed, ..GeminiOptions::default() };
    (airtable.expect("an empty store"), apify, Gemini::new(options, clock, Arc::new(NoStore)))
}

/// The simulated Apify sends no webhooks itself, because the schedule draws when they are sent.
struct Nobody;

impl WebhookSender for Nobody {
    fn post(&self, _request: simulators::Request) -> Delivery {
        Box::pin(std::future::ready(None))
    }
}
