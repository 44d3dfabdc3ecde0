//! The log's events, each fact once, and their result.

use super::facts::{ChunkId, Kind, Outcome, Round, chunk_of, keep_outcome, kind, round, time};
use super::json::{at, count, list, text, texts};
use jiff::Timestamp;
use serde_json_borrow::Value;
use shared::schema::run_record as schema;
use std::collections::{BTreeMap, BTreeSet};

/// What the log says at some moment, as a record must show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// By field of the record.
    pub(crate) numbers: BTreeMap<&'static str, u64>,
    /// What is still to be done, in the record's words.
    pub(crate) missing: Vec<String>,
    /// Whether everything is planned, and every planned lead is settled or given up.
    pub(crate) is_settled: bool,
}

/// The log's events, each fact once.
#[derive(Default)]
pub(crate) struct LogBook {
    /// How many events were stored, including repetitions.
    pub(crate) stored: u64,
    /// The first event's time, and the times that events carry as the beginning of the run.
    pub(crate) started_at: Option<Timestamp>,
    /// When each chunk was first done.
    pub(crate) done: BTreeMap<ChunkId, Timestamp>,
    failed: BTreeSet<ChunkId>,
    billed: BTreeMap<Round, (Kind, u64)>,
    /// Leads with the posts examined and scored, by kind.
    examined: BTreeSet<(Kind, String, String)>,
    scored: BTreeSet<(Kind, String, String)>,
    outcomes: BTreeMap<(Kind, String), Outcome>,
    chunks: BTreeMap<ChunkId, (Kind, BTreeSet<String>)>,
    plans: BTreeMap<String, Plan>,
    /// Posts and plan of each harvest. Of several reports, the one with a plan counts, or the one
    /// about the last end, or else the latest.
    harvests: BTreeMap<String, (bool, [Timestamp; 2], u64, String)>,
    opened: BTreeSet<String>,
    /// Plans that end the planning of waiting leads, with their kind of scoring.
    closing: BTreeMap<String, String>,
    unreadable: BTreeSet<String>,
}

/// A queued plan. If it takes over another plan's leads, it names the first of all these plans.
struct Plan {
    at: Timestamp,
    chunks: u64,
    replaces: String,
}

impl LogBook {
    pub(crate) fn stored(&mut self, event: &Value<'_>) {
        self.stored += 1;
        let Some(fact) = at(event, "/fact") else { return };
        // A note is not work.
        let at = if text(fact, "/type") == "noted" { "/run/opened_at" } else { "/at" };
        let times = [time(event, at), time(event, "/run/opened_at")];
        self.started_at = times.into_iter().chain(self.started_at).min();
        match text(fact, "/type") {
            "opened" => {
                let (webhook, plan) = (text(fact, "/by/webhook"), text(fact, "/by/score/plan"));
                if plan.is_empty() {
                    self.opened.insert(webhook.to_owned());
                } else {
                    let kind = text(fact, "/by/score/kind").to_owned();
                    self.closing.insert(plan.to_owned(), kind);
                }
            }
            "harvested" => {
                let plan = text(fact, "/plan").to_owned();
                let at = [time(fact, "/finished_at"), time(event, "/at")];
                let report = (!plan.is_empty(), at, count(fact, "/posts"), plan);
                let known = self.harvests.entry(text(fact, "/apify_run").to_owned());
                known
                    .and_modify(|known| *known = known.clone().max(report.clone()))
                    .or_insert(report);
            }
            "run_failed" => {
                self.unreadable.insert(text(fact, "/apify_run").to_owned());
            }
            "planned" => {
                let plan = Plan {
                    at: time(event, "/at"),
                    chunks: count(fact, "/chunks"),
                    replaces: text(fact, "/replaces").to_owned(),
                };
                // If a plan is queued again, for example by a webhook that comes again after weeks,
                // it is not a new plan. A plan that took over its leads meanwhile still counts as
                // the later one, whatever order both have in the log. Otherwise a run would be open
                // again for leads that are all settled.
                let known = self.plans.entry(text(fact, "/plan").to_owned()).or_insert(plan);
                known.at = known.at.min(time(event, "/at"));
            }
            "planned_chunk" => {
                let chunk = (text(fact, "/plan").to_owned(), count(fact, "/chunk"));
                let leads = list(fact, "/leads");
                let leads = leads.map(|lead| text(lead, "/lead").to_owned());
                self.chunks.insert(chunk, (kind(fact), leads.collect()));
            }
            "billed" => {
                let calls = list(fact, "/calls");
                let tokens = calls.map(|call| count(call, "/usage/total")).sum();
                self.billed.insert(round(fact), (kind(fact), tokens));
            }
            "settled" => self.settled(fact),
            "chunk_done" => {
                let known = self.done.entry(chunk_of(fact)).or_insert(Timestamp::MAX);
                *known = time(event, "/at").min(*known);
            }
            "chunk_failed" => {
                self.failed.insert(chunk_of(fact));
            }
            _ => {}
        }
    }

    fn settled(&mut self, fact: &Value<'_>) {
        for lead in list(fact, "/leads") {
            keep_outcome(&mut self.outcomes, fact, lead);
            let of_lead = |post| (kind(fact), text(lead, "/lead").to_owned(), post);
            self.examined.extend(texts(lead, "/examined").into_iter().map(of_lead));
            self.scored.extend(texts(lead, "/scored").into_iter().map(of_lead));
        }
    }

    /// The current state.
    pub(crate) fn state(&self) -> State {
        let missing = self.missing();
        let is_settled = missing.is_empty() && self.leads_are_settled();
        State { numbers: self.numbers(), missing, is_settled }
    }

    fn numbers(&self) -> BTreeMap<&'static str, u64> {
        let tokens = |of: &str| {
            let of_kind = self.billed.values().filter(|(kind, _)| *kind == of);
            of_kind.map(|(_, tokens)| tokens).sum()
        };
        let count = |of: &BTreeSet<(Kind, String, String)>, wanted: &str| {
            of.iter().filter(|(kind, ..)| *kind == wanted).count() as u64
        };
        BTreeMap::from([
            (schema::POST_TOKENS, tokens("post")),
            (schema::PROFILE_TOKENS, tokens("profile")),
            (schema::POSTS_EXAMINED, count(&self.examined, "post")),
            (schema::POSTS_SCORED, count(&self.scored, "post")),
            (schema::PROFILES_EXAMINED, count(&self.examined, "profile")),
            (schema::PROFILES_SCORED, count(&self.scored, "profile")),
            (schema::POSTS_HARVESTED, self.harvests.values().map(|(_, _, posts, _)| posts).sum()),
        ])
    }

    /// The names of harvests that are not read, plans that are not queued and chunks that did not
    /// end.
    fn missing(&self) -> Vec<String> {
        let is_unread = |harvest: &&String| {
            !self.harvests.contains_key(*harvest) && !self.unreadable.contains(*harvest)
        };
        let unread = self.opened.iter().filter(is_unread).cloned();
        let of_harvests = self.harvests.values().map(|(_, _, _, plan)| plan);
        let is_unplanned = |plan: &&String| !plan.is_empty() && !self.plans.contains_key(*plan);
        let unplanned = of_harvests.filter(is_unplanned).cloned();
        let planned = self.plans.iter().flat_map(|(plan, known)| {
            (0..known.chunks).map(move |index| ((plan.clone(), index), Some(known.chunks)))
        });
        // Queued by a planning that died before it reported the plan.
        let unreported = self.chunks.keys().filter(|chunk| !self.plans.contains_key(&chunk.0));
        let unfinished = planned.chain(unreported.map(|chunk| (chunk.clone(), None)));
        let unfinished = unfinished.filter(|(chunk, _)| !self.is_over(chunk));
        let unfinished = unfinished.map(|((plan, index), of)| {
            let of = of.map(|chunks| format!(" of {chunks}")).unwrap_or_default();
            format!("chunk {}{of} (plan {plan})", index + 1)
        });
        let unclosed = self.closing.iter().filter(|(plan, _)| !self.plans.contains_key(*plan));
        let unclosed = unclosed.map(|(_, kind)| format!("leads waiting for {kind}"));
        let is_unheard_of = self.opened.is_empty()
            && self.closing.is_empty()
            && self.plans.is_empty()
            && self.harvests.is_empty()
            && self.unreadable.is_empty();
        let unheard_of = is_unheard_of.then(|| "nothing is planned".to_owned());
        let named = unread.chain(unplanned).chain(unfinished).chain(unclosed);
        named.chain(unheard_of).collect()
    }

    fn is_over(&self, chunk: &ChunkId) -> bool {
        let Some((kind, leads)) = self.chunks.get(chunk) else { return false };
        let is_known = |lead: &String| self.outcomes.contains_key(&(*kind, lead.clone()));
        let is_done = self.done.contains_key(chunk) && leads.iter().all(is_known);
        let is_over = is_done || self.failed.contains(chunk);
        is_over || leads.is_subset(&self.taken_over_from(&chunk.0))
    }

    /// The leads that later plans took over from a plan.
    fn taken_over_from(&self, plan: &str) -> BTreeSet<String> {
        let known = self.plans.get(plan);
        let root = known.map(|known| known.replaces.as_str()).filter(|root| !root.is_empty());
        let root = root.unwrap_or(plan);
        let later = self.plans.iter().filter(|(id, other)| {
            other.replaces == root
                && known.is_none_or(|known| (&other.at, id.as_str()) > (&known.at, plan))
        });
        let later: BTreeSet<&String> = later.map(|(id, _)| id).collect();
        let chunks = self.chunks.iter().filter(|((plan, _), _)| later.contains(plan));
        chunks.flat_map(|(_, (_, leads))| leads.iter().cloned()).collect()
    }

    /// Whether every planned lead has an outcome, or was given up with one of its chunks.
    fn leads_are_settled(&self) -> bool {
        let failed = self.chunks.iter().filter(|(chunk, _)| self.failed.contains(*chunk));
        let given_up: BTreeSet<(Kind, &String)> =
            failed.flat_map(|(_, (kind, leads))| leads.iter().map(|lead| (*kind, lead))).collect();
        self.chunks.values().all(|(kind, leads)| {
            leads.iter().all(|lead| {
                let is_known = self.outcomes.contains_key(&(*kind, lead.clone()));
                is_known || given_up.contains(&(*kind, lead))
            })
        })
    }
}

/// What this file promises about itself ([`super::CHECKS`]).
pub(super) mod checks {
    use super::super::json::parsed;
    use super::*;

    fn told(log: &mut LogBook, at: &str, fact: &str) {
        let run = r#"{"opened_at":"2026-11-23T10:00:00Z"}"#;
        log.stored(&parsed(&format!(
            r#"{{"run":{run},"at":"2026-11-23T{at}:00Z","fact":{fact}}}"#
        )));
    }

    /// The state of a run whose only chunk never ended and was taken over, before or after its plan
    /// is reported again.
    fn taken_over(again: [&str; 2]) -> State {
        let mut log = LogBook::default();
        let chunk = |plan: &str| {
            format!(
                r#"{{"type":"planned_chunk","plan":"{plan}","chunk":0,"leads":[{{"lead":"a"}}]}}"#
            )
        };
        let first = r#"{"type":"planned","plan":"first","chunks":1}"#;
        let second = r#"{"type":"planned","plan":"second","chunks":1,"replaces":"first"}"#;
        told(&mut log, "10:01", &chunk("first"));
        told(&mut log, "11:00", &chunk("second"));
        told(&mut log, "11:00", second);
        told(&mut log, "11:01", r#"{"type":"settled","leads":[{"lead":"a","outcome":"scored"}]}"#);
        told(&mut log, "11:02", r#"{"type":"chunk_done","attempt":{"plan":"second","chunk":0}}"#);
        again.iter().for_each(|at| told(&mut log, at, first));
        log.state()
    }

    pub(crate) fn a_plan_that_is_told_of_once_more_is_no_younger_than_what_took_its_leads_over() {
        for order in [["10:01", "12:00"], ["12:00", "10:01"]] {
            let state = taken_over(order);
            assert!(state.is_settled, "{:?}", state.missing);
        }
        assert!(!taken_over(["12:00", "12:00"]).is_settled, "nothing took it over");
    }
}
