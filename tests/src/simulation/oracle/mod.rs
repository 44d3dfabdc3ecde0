//! Judges a schedule by what the services saw and did. It shares no code with what it judges:
//! messages and cells are read as plain JSON.

mod json;
mod leads;
mod model;
mod rates;
mod records;
mod run_book;
mod settled;
mod verdict;

use super::failures::Branch;
use super::scenario::Scenario;
use super::trace::Trace;
use crate::MASTER_BASE;
use json::{at, parsed, run_of, run_of_unread, text};
use leads::LeadBook;
use model::Pending;
use rates::Rates;
use run_book::{RunBook, State};
use serde_json_borrow::Value;
use shared::ports::{QueueName, StoredEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Tokens on the record are those of every answer that reached a worker that lived to report
    /// it; every other billed answer is counted as unobserved.
    Tokens,
    /// There is one record for each run and client.
    OneRecord,
    /// A record shows only states that the history passed through, and in the end the right one.
    Numbers,
    /// What people wrote stays.
    HumanFields,
    /// A run is Completed only when every planned lead is settled; every run ends or says what it
    /// waits for.
    Ends,
    /// A lead's row holds results of its own posts, from whole answers, and loses no post.
    Leads,
    /// A scored lead is not scored again in its run.
    ScoredOnce,
    /// An accepted webhook ends in a record; a message ends done, or as a dead letter with its
    /// reason, and redriving that completes the run.
    Messages,
    /// No base gets more requests than Airtable allows.
    Rates,
    /// `Balance` tells the truth.
    Balance,
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub what: String,
}

/// Everything that was seen.
pub(super) struct Oracle {
    runs: BTreeMap<String, RunBook>,
    leads: BTreeMap<String, LeadBook>,
    invocations: BTreeMap<u64, Invocation>,
    rates: Rates,
    /// What the finalizer's invocations read last of which run's log.
    logs_read: BTreeMap<(u64, String), State>,
    words_by_url: BTreeMap<String, String>,
    /// By the id that a post has in one call.
    words_by_id: BTreeMap<String, String>,
    /// By the id that a profile has in one call.
    slugs_by_id: BTreeMap<String, String>,
    /// By the key that messages name a lead with.
    slugs_by_key: BTreeMap<String, String>,
    slugs_by_word: BTreeMap<String, String>,
    records_by_slug: BTreeMap<String, String>,
    human: BTreeSet<String>,
    deleted_leads: BTreeSet<String>,
    violations: Vec<Violation>,
    /// Harvests by Apify's id, with the runs that they may belong to.
    harvests: BTreeMap<String, (usize, [String; 2])>,
    /// Harvests that the tick found.
    clientless: BTreeSet<String>,
    trace: Arc<Trace>,
}

/// What one invocation of scoring did so far.
#[derive(Default)]
struct Invocation {
    run: String,
    /// Model calls whose outcome is not reported yet.
    pending: Vec<Pending>,
    /// Words of posts that it asked about.
    asked: BTreeSet<String>,
    /// Scores of whole answers that reached it, by the post's word.
    scores: BTreeMap<String, u64>,
    /// Leads whose profiles it asked about.
    profiles: BTreeSet<String>,
    /// What whole answers that reached it say of profiles, by the lead's slug.
    reasons: BTreeMap<String, Vec<String>>,
    /// When it read the rows of its leads.
    read_at: u64,
}

impl Oracle {
    pub(super) fn new(scenario: &Scenario, trace: Arc<Trace>) -> Self {
        let mut oracle = Self {
            trace,
            runs: BTreeMap::new(),
            leads: BTreeMap::new(),
            invocations: BTreeMap::new(),
            rates: Rates::default(),
            logs_read: BTreeMap::new(),
            words_by_url: BTreeMap::new(),
            words_by_id: BTreeMap::new(),
            slugs_by_id: BTreeMap::new(),
            slugs_by_key: BTreeMap::new(),
            slugs_by_word: BTreeMap::new(),
            records_by_slug: BTreeMap::new(),
            human: BTreeSet::new(),
            deleted_leads: BTreeSet::new(),
            violations: Vec::new(),
            harvests: BTreeMap::new(),
            clientless: BTreeSet::new(),
        };
        for (word, post) in &scenario.posts {
            oracle.words_by_url.insert(post.url.clone(), word.clone());
            oracle.slugs_by_word.insert(word.clone(), post.slug.clone());
        }
        for lead in scenario.clients.iter().flat_map(|client| &client.leads) {
            oracle.records_by_slug.insert(lead.slug.clone(), lead.record.clone());
            oracle.leads.insert(lead.record.clone(), LeadBook::of(lead));
        }
        oracle
    }

    /// An invocation got these messages.
    pub(super) fn began(
        &mut self,
        invocation: u64,
        queue: QueueName,
        groups: BTreeSet<String>,
        bodies: &[&str],
    ) {
        self.rates.began(invocation, groups);
        if queue == QueueName::Scoring {
            let run = bodies.first().map(|body| run_of_unread(body)).unwrap_or_default();
            self.invocations.insert(invocation, Invocation { run, ..Invocation::default() });
        }
    }

    /// An invocation ended; what it did not report is lost with it.
    pub(super) fn ended(&mut self, invocation: u64) {
        self.rates.ended(invocation, Instant::now());
        self.invocations.remove(&invocation);
        self.logs_read.retain(|(reader, _), _| *reader != invocation);
    }

    /// A message was put on its queue. Returns the branch of failed work that it tells of.
    pub(super) fn sent(&mut self, invocation: u64, queue: QueueName, body: &str) -> Option<Branch> {
        let message = parsed(body);
        match (queue, text(&message, "/type")) {
            (QueueName::Scoring, "ingest") => self.ingest_queued(&message),
            (QueueName::Scoring, "chunk") => {
                let run = run_of(&message);
                self.learn_keys(&message);
                self.run(&run).chunk_queued(&message);
            }
            (QueueName::Metrics, "event") => {
                let run = run_of(&message);
                let fact = at(&message, "/fact")?;
                match text(fact, "/type") {
                    "opened" => self.opened(&run, fact),
                    "announced" => self.run(&run).announced(fact),
                    "billed" => self.billed(invocation, &run, fact),
                    "settled" => self.settled(invocation, &run, fact),
                    "chunk_failed" => {
                        self.run(&run).is_given_up = true;
                        return Some(Branch::ChunkFailed);
                    }
                    "run_failed" => {
                        self.run(&run).is_given_up = true;
                        return Some(Branch::RunFailed);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        None
    }

    /// Events were stored.
    pub(super) fn appended(&mut self, run: &str, events: &[StoredEvent]) {
        let log = &mut self.run(run).log;
        for event in events {
            log.stored(&parsed(&event.body));
        }
    }

    /// A harvest ended.
    pub(super) fn harvest_ended(
        &mut self,
        apify_run: &str,
        harvest: usize,
        run: &str,
        derived: &str,
    ) {
        let runs = [run.to_owned(), derived.to_owned()];
        self.harvests.insert(apify_run.to_owned(), (harvest, runs));
    }

    /// The task to read a harvest was queued: from now on it belongs to its run.
    fn ingest_queued(&mut self, message: &Value<'_>) {
        let apify_run = text(message, "/apify_run_id");
        let Some((harvest, [run, derived])) = self.harvests.get(apify_run).cloned() else { return };
        let run = match text(message, "/hints/client") {
            "Nobody" => format!("{derived}-(unattributed)"),
            // Found by the tick: whose it is shows when its run is opened.
            "" => {
                self.clientless.insert(apify_run.to_owned());
                return;
            }
            _ => run,
        };
        self.run(&run).harvests.insert(harvest);
    }

    /// A harvest's run was opened. That of one which the tick found is its own run, or nobody's.
    fn opened(&mut self, run: &str, fact: &Value<'_>) {
        let apify_run = text(fact, "/by/webhook");
        let Some((harvest, [own, derived])) = self.harvests.get(apify_run).cloned() else { return };
        let is_nobodys = run == format!("{derived}-(unattributed)");
        if self.clientless.contains(apify_run) && (run == own || is_nobodys) {
            self.run(run).harvests.insert(harvest);
        }
    }

    /// A harvest ended and no webhook says so: the tick finds it, and this is the run it must get.
    pub(super) fn missed(&mut self, apify_run: &str, run: &str) {
        let Some((harvest, runs)) = self.harvests.get_mut(apify_run) else { return };
        *runs = [run.to_owned(), runs[1].clone()];
        let harvest = *harvest;
        let book = self.run(run);
        book.is_accepted = true;
        book.harvests.insert(harvest);
    }

    /// A webhook was accepted: its run must have a record in the end.
    pub(super) fn accepted(&mut self, run: &str) {
        self.run(run).is_accepted = true;
    }

    /// A person deleted a run record.
    pub(super) fn record_deleted(&mut self, record: &str) {
        self.human.remove(record);
    }

    /// An operator took up a dead letter.
    pub(super) fn dead(&mut self, message: &str, reason: &str) {
        if reason.is_empty() {
            let what = format!("message {message} is a dead letter without a reason");
            self.violate(Invariant::Messages, what);
        }
    }

    /// A message became a dead letter though nothing goes wrong any more.
    pub(super) fn dead_after_all(&mut self, message: &str, reason: &str) {
        let what = format!("message {message} is given up after the faults: {reason}");
        self.violate(Invariant::Messages, what);
    }

    /// Something is still on a queue when all should be done.
    pub(super) fn not_empty(&mut self) {
        let what = "messages are left on a queue 20 minutes after the faults".to_owned();
        self.violate(Invariant::Messages, what);
    }

    /// A person wrote a field of their own on a record.
    pub(super) fn human_wrote(&mut self, record: &str) {
        self.human.insert(record.to_owned());
    }

    /// A person deleted a lead's row.
    pub(super) fn lead_deleted(&mut self, record: &str) {
        self.deleted_leads.insert(record.to_owned());
    }

    /// A request that an invocation sent at `sent` arrived at Airtable.
    pub(super) fn airtable_asked(&mut self, invocation: u64, base: &str, sent: Instant) {
        if let Some(what) = self.rates.asked(invocation, base, sent, Instant::now()) {
            self.violate(Invariant::Rates, what);
        }
    }

    /// An invocation heard from Airtable that it asks a base too much.
    pub(super) fn airtable_limited(&mut self, invocation: u64, base: &str) {
        self.rates.limited(invocation, base, Instant::now());
    }

    /// Everything that was broken so far.
    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    fn run(&mut self, run: &str) -> &mut RunBook {
        self.runs.entry(run.to_owned()).or_default()
    }

    fn violate(&mut self, invariant: Invariant, what: String) {
        let violation = Violation { invariant, what };
        if self.violations.len() < 50 && !self.violations.contains(&violation) {
            self.trace.say(|| format!("BROKEN {invariant:?}: {}", violation.what));
            self.violations.push(violation);
        }
    }
}

/// The base with the run records.
fn master() -> &'static str {
    MASTER_BASE
}
