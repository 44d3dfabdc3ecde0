//! Everything that was observed.

use super::invocation::{Invocation, Plans};
use super::json::{at, count, parsed, run_of_unread};
use super::lanes::{Lanes, attempt_of};
use super::lead_book::LeadBook;
use super::log_book::State;
use super::oddities::Oddities;
use super::promise::{Invariant, Violation};
use super::rates::Rates;
use super::run_book::RunBook;
use crate::scenario::Scenario;
use crate::trace::Trace;
use shared::ports::QueueName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) struct Oracle {
    pub(crate) runs: BTreeMap<String, RunBook>,
    pub(crate) leads: BTreeMap<String, LeadBook>,
    pub(crate) invocations: BTreeMap<u64, Invocation>,
    pub(crate) rates: Rates,
    /// What the finalizer's invocations last read, by run.
    pub(crate) logs_read: BTreeMap<(u64, String), State>,
    pub(crate) words_by_url: BTreeMap<String, String>,
    /// By the id of a post in one call.
    pub(crate) words_by_id: BTreeMap<String, String>,
    /// By the id of a profile in one call.
    pub(crate) slugs_by_id: BTreeMap<String, String>,
    /// By the key that messages use for a lead.
    pub(crate) slugs_by_key: BTreeMap<String, String>,
    /// The keys of leads that a harvest found by their profiles.
    pub(crate) harvested_keys: BTreeSet<String>,
    pub(crate) slugs_by_word: BTreeMap<String, String>,
    pub(crate) records_by_slug: BTreeMap<String, String>,
    pub(crate) human: BTreeSet<String>,
    pub(crate) deleted_leads: BTreeSet<String>,
    pub(crate) violations: Vec<Violation>,
    /// Harvests by Apify's id, with the runs to which they may belong.
    pub(crate) harvests: BTreeMap<String, (usize, [String; 2])>,
    /// The endings of the ids of runs whose posts may use no tokens, because their client's limit
    /// is not a number.
    pub(crate) without_tokens: Vec<String>,
    /// What is odd about each harvest that ended.
    pub(crate) odd: BTreeMap<usize, Oddities>,
    /// Harvests that ended twice. The posts of the first end differ from the scenario.
    pub(crate) resurrected: BTreeSet<usize>,
    /// The run that first named each harvest, by Apify's id.
    pub(crate) cost_owners: BTreeMap<String, String>,
    /// Harvests that the tick found.
    pub(crate) clientless: BTreeSet<String>,
    pub(crate) lanes: Lanes,
    /// When each process heard that the model refuses all calls.
    pub(crate) halted: BTreeMap<String, Instant>,
    /// How many billed and reported calls contained each lead of a plan.
    pub(crate) paid: BTreeMap<(String, String), u32>,
    /// Plans and chunks that planning queued.
    pub(crate) planned: BTreeSet<(String, u64)>,
    /// Plans that two tasks queued, for example two webhooks of a harvest. Each copy counts on its
    /// own.
    pub(crate) planned_again: BTreeSet<String>,
    /// What the attempts at each task planned, if they lived to requeue the task.
    pub(crate) plans_of_tasks: BTreeMap<String, Plans>,
    /// Plans that a task queued again after an attempt that had reported them.
    pub(crate) queued_twice: BTreeSet<String>,
    pub(crate) trace: Arc<Trace>,
}

impl Oracle {
    pub(crate) fn new(scenario: &Scenario, trace: Arc<Trace>) -> Self {
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
            harvested_keys: BTreeSet::new(),
            slugs_by_word: BTreeMap::new(),
            records_by_slug: BTreeMap::new(),
            human: BTreeSet::new(),
            deleted_leads: BTreeSet::new(),
            violations: Vec::new(),
            harvests: BTreeMap::new(),
            odd: BTreeMap::new(),
            resurrected: BTreeSet::new(),
            cost_owners: BTreeMap::new(),
            clientless: BTreeSet::new(),
            lanes: Lanes::default(),
            halted: BTreeMap::new(),
            paid: BTreeMap::new(),
            planned: BTreeSet::new(),
            planned_again: BTreeSet::new(),
            plans_of_tasks: BTreeMap::new(),
            queued_twice: BTreeSet::new(),
            without_tokens: Vec::new(),
        };
        let unreadable = scenario.clients.iter().filter(|client| client.has_unreadable_limit);
        oracle.without_tokens.extend(unreadable.map(|client| format!("-{}", client.id)));
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

    /// An invocation received these messages.
    pub(crate) fn began(
        &mut self,
        invocation: u64,
        queue: QueueName,
        groups: BTreeSet<String>,
        messages: &[(&str, &str)],
    ) {
        self.rates.began(invocation, groups);
        if queue == QueueName::Scoring {
            let Some((id, body)) = messages.first() else { return };
            let (run, message) = (run_of_unread(body), parsed(body));
            let known = attempt_of(&message);
            let attempt = known.as_ref().map_or((1, 0), |(_, attempt, waits)| (*attempt, *waits));
            let task = known.map(|(task, ..)| task);
            let is_limited = at(&message, "/token_share").is_some_and(|share| !share.is_null());
            let progressed = count(&message, "/progressed");
            let begun = Invocation { run, task, attempt, progressed, ..Invocation::default() };
            let begun = Invocation { is_limited, ..begun };
            self.invocations.insert(invocation, begun);
            self.task_began(id, &message);
        }
    }

    /// An invocation ended. What it did not report is lost.
    pub(crate) fn ended(&mut self, invocation: u64) {
        self.rates.ended(invocation, Instant::now());
        self.check_reported(invocation);
        self.invocations.remove(&invocation);
        self.logs_read.retain(|(reader, _), _| *reader != invocation);
    }

    pub(crate) fn harvest_ended(
        &mut self,
        apify_run: &str,
        (harvest, odd): (usize, Oddities),
        run: &str,
        derived: &str,
    ) {
        self.odd.insert(harvest, odd);
        let runs = [run.to_owned(), derived.to_owned()];
        self.harvests.insert(apify_run.to_owned(), (harvest, runs));
    }

    /// A harvest ended without a webhook. The tick must find it and use this run.
    pub(crate) fn missed(&mut self, apify_run: &str, run: &str) {
        let Some((harvest, runs)) = self.harvests.get_mut(apify_run) else { return };
        *runs = [run.to_owned(), runs[1].clone()];
        let harvest = *harvest;
        let book = self.run(run);
        book.is_accepted = true;
        book.harvests.insert(harvest);
    }

    /// A webhook was accepted. Its run must have a record at the end.
    pub(crate) fn accepted(&mut self, run: &str) {
        self.run(run).is_accepted = true;
    }

    pub(crate) fn record_deleted(&mut self, record: &str) {
        self.human.remove(record);
    }

    /// An operator handled a dead letter.
    pub(crate) fn dead(&mut self, message: &str, reason: &str) {
        if reason.is_empty() {
            let what = format!("message {message} is a dead letter without a reason");
            self.violate(Invariant::Messages, what);
        }
    }

    /// A message became a dead letter although the faults have ended.
    pub(crate) fn dead_after_all(&mut self, message: &str, reason: &str) {
        let what = format!("message {message} is given up after the faults: {reason}");
        self.violate(Invariant::Messages, what);
    }

    /// A queue still has messages when all work should be done.
    pub(crate) fn not_empty(&mut self) {
        let what = "messages are left on a queue 45 minutes after the faults".to_owned();
        self.violate(Invariant::Messages, what);
    }

    /// A person wrote one of their own fields on a record.
    pub(crate) fn human_wrote(&mut self, record: &str) {
        self.human.insert(record.to_owned());
    }

    pub(crate) fn lead_deleted(&mut self, record: &str) {
        self.deleted_leads.insert(record.to_owned());
    }

    /// A request that an invocation sent at `sent` arrived at Airtable.
    pub(crate) fn airtable_asked(&mut self, invocation: u64, base: &str, sent: Instant) {
        if let Some(what) = self.rates.asked(invocation, base, sent, Instant::now()) {
            self.violate(Invariant::Rates, what);
        }
    }

    /// Airtable told an invocation that it sends too many requests to a base.
    pub(crate) fn airtable_limited(&mut self, invocation: u64, base: &str) {
        self.rates.limited(invocation, base, Instant::now());
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(crate) fn run(&mut self, run: &str) -> &mut RunBook {
        self.runs.entry(run.to_owned()).or_default()
    }

    pub(crate) fn violate(&mut self, invariant: Invariant, what: String) {
        let violation = Violation { invariant, what };
        if self.violations.len() < 50 && !self.violations.contains(&violation) {
            self.trace.say(|| format!("BROKEN {invariant:?}: {}", violation.what));
            self.violations.push(violation);
        }
    }
}
