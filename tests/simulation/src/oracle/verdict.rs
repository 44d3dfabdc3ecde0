//! The end of a schedule: what every record and every row must say.

use super::judged::{Judged, cell};
use super::lead_book::LeadBook;
use super::oracle::Oracle;
use super::promise::Invariant;
use super::run_book::{RunBook, UNATTRIBUTED};
use crate::scenario::{Client, HUMAN_FIELD, Scenario};
use serde_json::Value;
use shared::schema::run_record as schema;
use simulators::airtable::{Airtable, Row};
use simulators::apify::RunStatus;
use std::collections::BTreeSet;
use tests::MASTER_BASE;

impl Oracle {
    /// Judges the end of a schedule.
    pub(crate) fn judge(&mut self, scenario: &Scenario, airtable: &Airtable) {
        let rows = airtable.rows(MASTER_BASE, schema::TABLE).unwrap_or_default();
        let mut broken = Vec::new();
        for (run, book) in &self.runs {
            let of_run = |row: &&Row| cell(&row.fields, schema::RUN_ID).as_str() == Some(run);
            let found: Vec<&Row> = rows.iter().filter(of_run).collect();
            match found.as_slice() {
                [row] => {
                    let harvests = self.harvests_of(book);
                    let costs = self.costs_of(run);
                    let account = self.account_of(scenario, run, book);
                    let record = &row.fields;
                    let broken = &mut broken;
                    let is_partial = run.ends_with(UNATTRIBUTED)
                        && !book.harvests.is_disjoint(&self.resurrected);
                    let judged =
                        Judged { run, book, costs, account, is_partial, record, scenario, broken };
                    judged.judge(&harvests);
                }
                [] if book.is_accepted => {
                    let what = format!("run {run} was accepted and has no record");
                    broken.push((Invariant::Messages, what));
                }
                [] => broken.push((Invariant::OneRecord, format!("run {run} has no record"))),
                more => {
                    let what = format!("run {run} has {} records in the end", more.len());
                    broken.push((Invariant::OneRecord, what));
                }
            }
        }
        for row in &rows {
            let is_kept = cell(&row.fields, HUMAN_FIELD) == &Value::Bool(true);
            if self.human.contains(&row.id) && !is_kept {
                broken.push((
                    Invariant::HumanFields,
                    format!("record {} lost {HUMAN_FIELD}", row.id),
                ));
            }
        }
        for client in &scenario.clients {
            self.judge_leads(scenario, client, &mut broken);
        }
        for (invariant, what) in broken {
            self.violate(invariant, what);
        }
    }

    /// Apify's ids of a run's harvests.
    fn harvests_of(&self, book: &RunBook) -> BTreeSet<&str> {
        let of_run = self.harvests.iter().filter(|(_, (index, _))| book.harvests.contains(index));
        of_run.map(|(apify_run, _)| apify_run.as_str()).collect()
    }

    /// The harvests whose cost a run has: those that it named before any other run.
    fn costs_of(&self, run: &str) -> BTreeSet<usize> {
        let owned = self.cost_owners.iter().filter(|(_, owner)| *owner == run);
        owned.filter_map(|(harvest, _)| Some(self.harvests.get(harvest)?.0)).collect()
    }

    /// The outcomes that runs report for a lead.
    fn said_of(&self, slug: &str) -> Vec<(&str, &str, &str)> {
        let reported = self.runs.iter().flat_map(|(run, book)| {
            book.outcomes.iter().map(move |((kind, key), outcome)| (run, kind, key, outcome))
        });
        reported
            .filter(|(_, _, key, _)| self.slugs_by_key.get(*key).is_some_and(|of| of == slug))
            .map(|(run, kind, _, outcome)| (run.as_str(), *kind, outcome.name.as_str()))
            .collect()
    }

    /// The leads that a run could not score according to its reports, and their kinds.
    fn failed(&self) -> BTreeSet<(&str, &str)> {
        let failed = self.runs.values().flat_map(|book| &book.failed);
        failed
            .filter_map(|(kind, key)| Some((*kind, self.slugs_by_key.get(key)?.as_str())))
            .collect()
    }

    /// The leads whose chunk could never be scored.
    fn in_failed_chunks(&self) -> BTreeSet<&str> {
        let keys = self.runs.values().flat_map(|book| &book.in_failed_chunks);
        keys.filter_map(|key| self.slugs_by_key.get(key).map(String::as_str)).collect()
    }

    /// Every row has all posts that were ever found for it, and everything that could be scored is
    /// scored.
    fn judge_leads(
        &self,
        scenario: &Scenario,
        client: &Client,
        broken: &mut Vec<(Invariant, String)>,
    ) {
        let scored = self.runs.iter().filter(|(run, _)| !run.ends_with(UNATTRIBUTED));
        let read: BTreeSet<usize> =
            scored.flat_map(|(_, book)| book.harvests.iter().copied()).collect();
        let is_whole = |index: &usize| {
            let harvest = &scenario.harvests[*index];
            let is_full = self.odd.get(index).is_some_and(|odd| odd.is_full);
            let is_succeeded = harvest.status == RunStatus::Succeeded;
            harvest.client == client.index && is_succeeded && !is_full
        };
        // If a harvest stopped early, it is not known whether it tried a target without posts.
        let is_read = read.iter().any(is_whole);
        let (failed, given_up) = (self.failed(), self.in_failed_chunks());
        for lead in &client.leads {
            let Some(book) = self.leads.get(&lead.record) else { continue };
            let is_given_up = given_up.contains(lead.slug.as_str());
            let is_odd = lead.is_unreadable || lead.odd.is_some();
            if self.deleted_leads.contains(&lead.record) || is_odd || is_given_up {
                continue;
            }
            let found =
                read.iter().filter_map(|harvest| scenario.harvests[*harvest].posts.get(&lead.slug));
            let found: BTreeSet<&String> = found.flatten().collect();
            if let Some(url) = found.iter().find(|url| !book.has_or_lost(url)) {
                broken.push((Invariant::Leads, format!("lead {} lacks post {url}", lead.slug)));
            }
            if client.is_limited {
                continue;
            }
            let is_asked = |kind| self.is_asked_for(scenario, client, kind);
            let waits = lead.waits && (is_read || is_asked("post"));
            // A post that was in the row before is scored only if it waited.
            let found = found.into_iter().filter(|url| !lead.stored.contains(*url));
            let stored = lead.stored.iter().filter(|_| waits);
            if !scenario.misbehaves(&lead.slug) && !failed.contains(&("post", &*lead.slug)) {
                self.judge_scores(book, found.chain(stored), broken);
            }
            let is_good = lead.has_good_profile && !failed.contains(&("profile", &*lead.slug));
            if is_good && is_asked("profile") && !book.has_profile_score() {
                let what = format!("the profile of lead {} waits and has no score", lead.slug);
                broken.push((Invariant::Leads, what));
            }
        }
    }

    /// Whether a request to score a client's waiting leads was accepted.
    fn is_asked_for(&self, scenario: &Scenario, client: &Client, kind: &str) -> bool {
        scenario.requests.iter().any(|asked| {
            let is_accepted = self.runs.get(&asked.run).is_some_and(|book| book.is_accepted);
            let names_some = asked.names_leads;
            asked.client == client.index && asked.kind == kind && is_accepted && !names_some
        })
    }

    fn judge_scores<'a>(
        &self,
        lead: &LeadBook,
        posts: impl Iterator<Item = &'a String>,
        broken: &mut Vec<(Invariant, String)>,
    ) {
        for url in posts.filter(|url| !lead.lost.contains(*url)) {
            let word = self.words_by_url.get(url);
            if word.is_none_or(|word| !lead.all_scored.contains(word)) {
                let what = format!(
                    "lead {} has no score of post {url}; of it is said {:?}",
                    lead.slug,
                    self.said_of(&lead.slug)
                );
                broken.push((Invariant::Leads, what));
            }
        }
    }
}
