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
    /// Calls by round, of every announcement that was queued.
    pub(super) announced: BTreeMap<Round, u64>,
    /// Calls without a known end, of every round whose bill was queued.
    pub(super) lost: BTreeMap<Round, u64>,
    /// Tokens of answers that reached a worker which then reported them.
    pub(super) reported_tokens: u64,
    /// Answers that were billed.
    pub(super) billed_answers: u64,
    /// Those of them that were reported.
    pub(super) reported_answers: u64,
    /// Words of posts that were sent to the model.
    pub(super) asked_about: BTreeSet<String>,
    /// Words of posts with a valid score in a whole answer that reached a worker.
    pub(super) answered: BTreeSet<String>,
    /// What the settlements said that were queued.
    pub(super) reports: Settlements,
    /// Leads of the chunks that were queued.
    pub(super) planned: BTreeSet<String>,
    /// What is in the log.
    log: LogBook,
    /// What the log said after each append.
    pub(super) history: BTreeSet<State>,
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
    billed: BTreeMap<Round, u64>,
    settled: Settlements,
    planned: BTreeMap<(String, u64), BTreeSet<String>>,
    over: BTreeSet<(String, u64)>,
}

impl RunBook {
    pub(super) fn chunk_queued(&mut self, message: &Value) {
        for lead in message["leads"].as_array().into_iter().flatten() {
            self.planned.insert(text(lead, "/key").to_owned());
        }
    }

    pub(super) fn announced(&mut self, fact: &Value) {
        self.announced.insert(round(fact), count(fact, "/calls"));
    }

    /// Model calls that were announced and of which nobody knows what they used.
    pub(super) fn unobserved(&self) -> u64 {
        self.announced
            .iter()
            .map(|(round, calls)| self.lost.get(round).copied().unwrap_or(*calls))
            .sum()
    }

    /// An event was stored.
    pub(super) fn stored(&mut self, fact: &Value) {
        let log = &mut self.log;
        match text(fact, "/type") {
            "billed" => {
                let calls = fact["calls"].as_array().into_iter().flatten();
                let tokens = calls.map(|call| count(call, "/usage/total")).sum();
                log.billed.insert(round(fact), tokens);
            }
            "settled" => log.settled.settled(fact),
            "planned_chunk" => {
                let chunk = (text(fact, "/plan").to_owned(), count(fact, "/chunk"));
                let leads = fact["leads"].as_array().into_iter().flatten();
                let leads = leads.map(|lead| text(lead, "/lead").to_owned());
                log.planned.insert(chunk, leads.collect());
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
        let is_settled = log.planned.iter().all(|(chunk, leads)| {
            let settled = &log.settled.outcomes;
            log.over.contains(chunk) || leads.iter().all(|lead| settled.contains_key(lead))
        });
        self.history.insert(State {
            tokens: log.billed.values().sum(),
            examined: log.settled.examined.len() as u64,
            scored: log.settled.scored.len() as u64,
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
