//! What is known of one run.

use super::{count, text, texts};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A round of model calls: attempt, wave, round.
pub(super) type Round = (String, u64, u64);

/// What is known of one run.
#[derive(Default)]
pub(super) struct RunBook {
    /// Whether a webhook for it was accepted.
    pub(super) is_accepted: bool,
    /// Its harvests that were announced.
    pub(super) harvests: BTreeSet<usize>,
    /// Kind and calls by round, of every announcement that was queued.
    pub(super) announced: BTreeMap<Round, (Kind, u64)>,
    /// Calls without a known end, of every round whose bill was queued.
    pub(super) lost: BTreeMap<Round, u64>,
    /// Tokens of answers that reached a worker which then reported them, by kind.
    pub(super) reported_tokens: BTreeMap<Kind, u64>,
    /// Answers that were billed.
    pub(super) billed_answers: u64,
    /// Those of them that were reported.
    pub(super) reported_answers: u64,
    /// Words of posts that were sent to the model.
    pub(super) asked_about: BTreeSet<String>,
    /// Words of posts with a valid score in a whole answer that reached a worker.
    pub(super) answered: BTreeSet<String>,
    /// What the settlements said that were queued, by kind.
    pub(super) reports: BTreeMap<Kind, Settlements>,
    /// Leads of the chunks that were queued.
    pub(super) planned: BTreeSet<(Kind, String)>,
    /// What is in the log.
    log: LogBook,
    /// What the log said after each append.
    pub(super) history: BTreeSet<State>,
}

/// What was scored: `post` or `profile`, as messages spell it.
pub(super) type Kind = String;

/// The kind that a message is about.
fn kind(message: &Value) -> Kind {
    text(message, "/kind").to_owned()
}

/// What a record can show at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) tokens: u64,
    pub(super) examined: u64,
    pub(super) scored: u64,
    /// Whether every lead that the log knows to be planned is settled.
    pub(super) is_settled: bool,
}

/// What settlements said.
#[derive(Default)]
pub(super) struct Settlements {
    pub(super) examined: BTreeSet<(String, String)>,
    pub(super) scored: BTreeSet<(String, String)>,
    /// The outcomes that each lead had.
    pub(super) outcomes: BTreeMap<String, BTreeSet<String>>,
}

/// The log's events, each fact once.
#[derive(Default)]
struct LogBook {
    billed: BTreeMap<Round, (Kind, u64)>,
    settled: BTreeMap<Kind, Settlements>,
    planned: BTreeMap<(String, u64), (Kind, BTreeSet<String>)>,
    over: BTreeSet<(String, u64)>,
}

impl RunBook {
    pub(super) fn chunk_queued(&mut self, message: &Value) {
        for lead in message["leads"].as_array().into_iter().flatten() {
            self.planned.insert((kind(message), text(lead, "/key").to_owned()));
        }
    }

    pub(super) fn announced(&mut self, fact: &Value) {
        self.announced.insert(round(fact), (kind(fact), count(fact, "/calls")));
    }

    /// What became of leads was queued.
    pub(super) fn settled(&mut self, fact: &Value) {
        self.reports.entry(kind(fact)).or_default().settled(fact);
    }

    /// Model calls of a kind that were announced and of which nobody knows what they used.
    pub(super) fn unobserved(&self, of: &str) -> u64 {
        let of_kind = self.announced.iter().filter(|(_, (kind, _))| kind == of);
        of_kind.map(|(round, (_, calls))| self.lost.get(round).copied().unwrap_or(*calls)).sum()
    }

    /// An event was stored.
    pub(super) fn stored(&mut self, fact: &Value) {
        let log = &mut self.log;
        match text(fact, "/type") {
            "billed" => {
                let calls = fact["calls"].as_array().into_iter().flatten();
                let tokens = calls.map(|call| count(call, "/usage/total")).sum();
                log.billed.insert(round(fact), (kind(fact), tokens));
            }
            "settled" => log.settled.entry(kind(fact)).or_default().settled(fact),
            "planned_chunk" => {
                let chunk = (text(fact, "/plan").to_owned(), count(fact, "/chunk"));
                let leads = fact["leads"].as_array().into_iter().flatten();
                let leads = leads.map(|lead| text(lead, "/lead").to_owned());
                log.planned.insert(chunk, (kind(fact), leads.collect()));
            }
            "chunk_done" | "chunk_failed" => {
                let attempt = &fact["attempt"];
                log.over.insert((text(attempt, "/plan").to_owned(), count(attempt, "/chunk")));
            }
            _ => {}
        }
    }

    /// Remembers what the log says now.
    pub(super) fn remember(&mut self) {
        let log = &self.log;
        let is_settled = log.planned.iter().all(|(chunk, (kind, leads))| {
            let settled = log.settled.get(kind).map(|settled| &settled.outcomes);
            let is_known = |lead| settled.is_some_and(|settled| settled.contains_key(lead));
            log.over.contains(chunk) || leads.iter().all(is_known)
        });
        let posts = log.settled.get("post");
        let billed = log.billed.values().filter(|(kind, _)| kind == "post");
        self.history.insert(State {
            tokens: billed.map(|(_, tokens)| tokens).sum(),
            examined: posts.map_or(0, |posts| posts.examined.len() as u64),
            scored: posts.map_or(0, |posts| posts.scored.len() as u64),
            is_settled,
        });
    }
}

impl Settlements {
    pub(super) fn settled(&mut self, fact: &Value) {
        for lead in fact["leads"].as_array().into_iter().flatten() {
            let key = text(lead, "/lead").to_owned();
            let outcome = text(lead, "/outcome").to_owned();
            self.outcomes.entry(key.clone()).or_default().insert(outcome);
            let of_lead = |post: String| (key.clone(), post);
            self.examined.extend(texts(lead, "/examined").into_iter().map(of_lead));
            self.scored.extend(texts(lead, "/scored").into_iter().map(of_lead));
        }
    }
}

/// The round that a fact is about.
pub(super) fn round(fact: &Value) -> Round {
    let attempt = text(fact, "/attempt/attempt").to_owned();
    (attempt, count(fact, "/wave"), count(fact, "/round"))
}
