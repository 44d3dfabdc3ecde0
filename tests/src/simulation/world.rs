//! Everything outside the functions, and what watches it.

use super::bugs::Bug;
use super::dice::Dice;
use super::event_log::Log;
use super::failures::Failures;
use super::faults::Faults;
use super::oracle::Oracle;
use super::queues::Queues;
use super::scenario::Scenario;
use super::trace::Trace;
use crate::MASTER_BASE;
use jiff::Timestamp;
use runtally::system::tokens;
use serde_json::Value;
use shared::core::clock::Clock;
use simulators::NoStore;
use simulators::airtable::{Airtable, AirtableOptions};
use simulators::apify::{Apify, ApifyOptions, DEFAULT_ACTOR, Delivery, WebhookSender};
use simulators::gemini::{Gemini, GeminiOptions};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The bearer token of the webhooks. Invented.
pub(super) const WEBHOOK_TOKEN: &str = "invented-webhook-token";
/// Rows of one page: few, so that a listing has several.
const PAGE_ROWS: usize = 16;

/// The services, the queues, the log; the faults; the oracle.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub(super) failures: Failures,
    pub(super) clock: Clock,
    pub(super) trace: Arc<Trace>,
    pub(super) airtable: Airtable,
    pub(super) apify: Apify,
    pub(super) gemini: Gemini,
    pub(super) queues: Queues,
    pub(super) log: Log,
    pub(super) scenario: Scenario,
    /// The bug that is planted.
    pub(super) bug: Option<Bug>,
    /// What a planted bug keeps in mind.
    remembered: Mutex<BTreeMap<String, Value>>,
    oracle: Mutex<Oracle>,
    /// Told of everything that may give a tick something to do.
    pub(super) activity: Notify,
    steps: AtomicU64,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(super) fn new(seed: u64, options: super::Options) -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().expect("a time");
        let clock = Clock::following_tokio(start);
        let dice = Dice::new(seed);
        let of_services = {
            let clock = clock.clone();
            simulators::Clock::new(move || clock.now())
        };
        let airtable = Airtable::new(
            AirtableOptions {
                page_rows: PAGE_ROWS,
                ..AirtableOptions::with_token(tokens::AIRTABLE)
            },
            of_services.clone(),
            Arc::new(NoStore),
            seed,
        )
        .expect("an empty store");
        let apify = Apify::new(
            ApifyOptions {
                tokens: vec![tokens::APIFY.to_owned()],
                seed,
                ..ApifyOptions::default()
            },
            of_services.clone(),
            Arc::new(NoStore),
            Arc::new(Nobody),
        );
        let gemini = Gemini::new(
            GeminiOptions {
                api_keys: vec![tokens::GEMINI.to_owned()],
                seed,
                ..GeminiOptions::default()
            },
            of_services,
            Arc::new(NoStore),
        );
        let scenario = Scenario::invent(&dice, &airtable, start);
        let trace = Arc::new(Trace::new(options.trace));
        let oracle = Mutex::new(Oracle::new(&scenario, Arc::clone(&trace)));
        Self {
            faults: Faults::draw(&dice, options.faults),
            failures: Failures::default(),
            trace,
            queues: Queues::new(clock.clone()),
            log: Log::default(),
            bug: options.bug,
            remembered: Mutex::default(),
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

    /// The oracle, to be told of what happened.
    pub(super) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `value` in a planted bug's mind; returns what was kept there before.
    pub(super) fn remember(&self, name: &str, value: Value) -> Option<Value> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(name.to_owned(), value)
    }

    /// A number that grows with everything that happens.
    pub(super) fn step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed)
    }

    /// How much has happened.
    pub(super) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Whether `bug` is planted.
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The functions' configuration by variable.
    pub(super) fn variable(name: &str) -> Option<String> {
        let value = match name {
            "WEBHOOK_TOKEN" => WEBHOOK_TOKEN,
            "AIRTABLE_API_URL" => "http://airtable.invalid",
            "AIRTABLE_TOKEN" => tokens::AIRTABLE,
            "MASTER_BASE_ID" => MASTER_BASE,
            "APIFY_API_URL" => "http://apify.invalid/v2",
            "APIFY_TOKEN" => tokens::APIFY,
            "APIFY_ACTORS" => DEFAULT_ACTOR,
            "GEMINI_API_URL" => "http://gemini.invalid",
            "GEMINI_API_KEY" => tokens::GEMINI,
            _ => return None,
        };
        Some(value.to_owned())
    }
}

/// The simulated Apify sends no webhook by itself: when one is sent is the schedule's to draw.
struct Nobody;

impl WebhookSender for Nobody {
    fn post(&self, _request: simulators::Request) -> Delivery {
        Box::pin(std::future::ready(None))
    }
}
