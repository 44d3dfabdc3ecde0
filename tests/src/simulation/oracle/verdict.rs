//! The end: what every record and every row must say then.

use super::account::Account;
use super::lead_book::LeadBook;
use super::oracle::Oracle;
use super::promise::Invariant;
use super::run_book::{RunBook, UNATTRIBUTED};
use crate::MASTER_BASE;
use crate::simulation::scenario::{Asked, Client, HUMAN_FIELD, NOBODY, Scenario};
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::schema::run_record as schema;
use simulators::airtable::{Airtable, Row};
use simulators::apify::RunStatus;
use std::collections::BTreeSet;

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
                    Judged { run, book, costs, account, record, scenario, broken }.judge(&harvests);
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

    /// The harvests whose cost a run counts: those that it named before any other run.
    fn costs_of(&self, run: &str) -> BTreeSet<usize> {
        let owned = self.cost_owners.iter().filter(|(_, owner)| *owner == run);
        owned.filter_map(|(harvest, _)| Some(self.harvests.get(harvest)?.0)).collect()
    }

    /// What runs say of a lead.
    fn said_of(&self, slug: &str) -> Vec<(&str, &str, &str)> {
        let reported = self.runs.iter().flat_map(|(run, book)| {
            book.outcomes.iter().map(move |((kind, key), outcome)| (run, kind, key, outcome))
        });
        reported
            .filter(|(_, _, key, _)| self.slugs_by_key.get(*key).is_some_and(|of| of == slug))
            .map(|(run, kind, _, outcome)| (run.as_str(), *kind, outcome.name.as_str()))
            .collect()
    }

    /// The leads that a run says it could not score, with what it should have scored.
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

    /// Every row has all the posts that were ever found for it, and what could be scored is.
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
        // Of a harvest that stopped early it is not known whether it tried a target without posts.
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
            // A post that the row had before is scored only if it waited.
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

    /// Whether scoring a client's waiting leads was asked for, and accepted.
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

/// A run's record in the end, with what it is judged by.
struct Judged<'a> {
    run: &'a str,
    book: &'a RunBook,
    /// The harvests whose cost it counts.
    costs: BTreeSet<usize>,
    /// Where the items and targets of its harvests went.
    account: Account,
    record: &'a Map<String, Value>,
    scenario: &'a Scenario,
    broken: &'a mut Vec<(Invariant, String)>,
}

impl Judged<'_> {
    fn judge(mut self, harvests: &BTreeSet<&str>) {
        self.judge_identity(harvests);
        self.judge_work();
        self.judge_harvests();
        self.judge_balance();
        self.judge_status();
        self.judge_times();
        self.judge_named_leads();
    }

    /// Leads that a request named and that do not exist are told of.
    fn judge_named_leads(&mut self) {
        let is_named = |asked: &Asked| asked.names_leads && asked.run == self.run;
        let notes = self.text(schema::SYSTEM_NOTES);
        let is_told = notes.contains(NOBODY) || notes.contains("earlier lines");
        if self.scenario.requests.iter().any(is_named) && !is_told {
            let what = format!("run {} does not tell of {NOBODY}", self.run);
            self.broken.push((Invariant::Numbers, what));
        }
    }

    fn text(&self, field: &str) -> String {
        cell(self.record, field).as_str().unwrap_or_default().to_owned()
    }

    fn expect<T: PartialEq + std::fmt::Debug>(
        &mut self,
        invariant: Invariant,
        field: &str,
        is: &T,
        should: &T,
    ) {
        if is != should {
            let run = self.run;
            self.broken.push((invariant, format!("run {run}: {field} is {is:?}, not {should:?}")));
        }
    }

    fn expect_number(&mut self, invariant: Invariant, field: &str, should: u64) {
        let is = cell(self.record, field).as_u64().unwrap_or_default();
        self.expect(invariant, field, &is, &should);
    }

    fn judge_identity(&mut self, harvests: &BTreeSet<&str>) {
        let owner = self.scenario.clients.iter().find(|client| {
            self.run.strip_suffix(client.id).is_some_and(|rest| rest.ends_with('-'))
        });
        let (id, name) = owner.map_or((UNATTRIBUTED, ""), |client| (client.id, client.name));
        let is_named = self.run.starts_with(self.scenario.named_beforehand);
        let run_type = if is_named { "Orchestrated" } else { "Standalone" };
        for (field, should) in
            [(schema::CLIENT_ID, id), (schema::CLIENT_NAME, name), (schema::RUN_TYPE, run_type)]
        {
            let is = self.text(field);
            self.expect(Invariant::OneRecord, field, &is, &should.to_owned());
        }
        let shown = self.text(schema::APIFY_RUN_ID);
        let shown: Vec<&str> = shown.lines().collect();
        let once: BTreeSet<&str> = shown.iter().copied().collect();
        self.expect(Invariant::OneRecord, schema::APIFY_RUN_ID, &&once, &harvests);
        self.expect(Invariant::OneRecord, "how many Apify runs", &shown.len(), &once.len());
    }

    /// Tokens are those that were reported, and counts those that the services saw.
    fn judge_work(&mut self) {
        for (kind, tokens, examined, scored) in [
            ("post", schema::POST_TOKENS, schema::POSTS_EXAMINED, schema::POSTS_SCORED),
            ("profile", schema::PROFILE_TOKENS, schema::PROFILES_EXAMINED, schema::PROFILES_SCORED),
        ] {
            let reported = self.book.reported_tokens.get(kind).copied().unwrap_or_default();
            self.expect_number(Invariant::Tokens, tokens, reported);
            let seen = self.book.seen.get(kind);
            let seen = seen.map_or((0, 0), |seen| (seen.examined.len(), seen.scored.len()));
            self.expect_number(Invariant::Numbers, examined, seen.0 as u64);
            self.expect_number(Invariant::Numbers, scored, seen.1 as u64);
        }
        let unobserved: u64 =
            ["post", "profile"].map(|kind| self.book.unobserved(kind)).iter().sum();
        let unreported = self.book.billed_answers.saturating_sub(self.book.reported_answers);
        if unreported > unobserved {
            let what = format!("run {}: {unreported} billed answers are in no number", self.run);
            self.broken.push((Invariant::Tokens, what));
        }
        self.expect_cost(schema::AI_COST, self.book.reported_nano_usd as f64 / 1e9);
    }

    fn expect_cost(&mut self, field: &str, should: f64) {
        let is = cell(self.record, field).as_f64().unwrap_or_default();
        if (is - should).abs() > 1e-9 {
            let what = format!("run {}: {field} is {is}, not {should}", self.run);
            self.broken.push((Invariant::Numbers, what));
        }
    }

    fn judge_harvests(&mut self) {
        let harvests = || self.book.harvests.iter().map(|index| &self.scenario.harvests[*index]);
        let targets = harvests().map(|harvest| harvest.targets.len() as u64).sum();
        let posts = harvests().map(|harvest| harvest.posts_found() as u64).sum();
        let unknown = self.account.unknown_targets();
        self.expect_number(Invariant::Numbers, schema::TARGETS_UNKNOWN, unknown);
        // Posts of leads whose chunk was given up are no lead's, or nobody knows whose.
        if !self.book.is_given_up || self.run.ends_with(UNATTRIBUTED) {
            let unused = self.account.items_not_used;
            self.expect_number(Invariant::Numbers, schema::ITEMS_NOT_USED, unused);
        }
        let own = self.book.harvests.intersection(&self.costs);
        let cost = own.map(|index| self.scenario.harvests[*index].cost_usd).sum();
        self.expect_number(Invariant::Numbers, schema::TARGETS, targets);
        self.expect_number(Invariant::Numbers, schema::POSTS_HARVESTED, posts);
        self.expect_cost(schema::APIFY_COST, cost);
    }

    fn judge_balance(&mut self) {
        let lines = ["post", "profile"].into_iter().filter_map(|kind| {
            let calls = self.book.unobserved(kind);
            let noun = if calls == 1 { "model call" } else { "model calls" };
            let reported = "unobserved, whatever was used there is not counted";
            (calls > 0).then(|| format!("{kind} tokens: {calls} {noun} {reported}"))
        });
        let mut lines: Vec<String> = self.account.gaps().into_iter().chain(lines).collect();
        let unobserved: u64 =
            ["post", "profile"].map(|kind| self.book.unobserved(kind)).iter().sum();
        if unobserved > 0 {
            let noun = if unobserved == 1 { "call" } else { "calls" };
            let cost = self.book.reported_nano_usd as f64 / 1e9;
            lines.push(format!("cost is at least ${cost:.6}: {unobserved} {noun} without usage"));
        }
        let should = if lines.is_empty() { "balanced".to_owned() } else { lines.join("\n") };
        let is = self.text(schema::BALANCE);
        self.expect(Invariant::Balance, schema::BALANCE, &is, &should);
    }

    fn judge_status(&mut self) {
        let book = self.book;
        let harvests = book.harvests.iter().map(|index| self.scenario.harvests[*index].status);
        let is_cut = harvests.into_iter().any(|status| status != RunStatus::Succeeded);
        let has_failed = book.outcomes.values().any(|outcome| outcome.name == "failed");
        let has_score = book.outcomes.values().any(|outcome| outcome.is_scored);
        let is_examined = book.seen.values().any(|seen| !seen.examined.is_empty());
        let may_have_failed = (has_failed || book.is_given_up) && !has_score;
        let status = self.text(schema::STATUS);
        let expected =
            if self.run.ends_with(UNATTRIBUTED) || (has_failed && may_have_failed && is_examined) {
                "Failed"
            } else if may_have_failed && status == "Failed" {
                // The model refused all that it was asked.
                &status
            } else if is_cut || has_failed || !self.account.gaps().is_empty() {
                "Completed with Errors"
            } else if book.is_given_up && ["Completed with Errors", "Failed"].contains(&&*status) {
                &status
            } else {
                "Completed"
            };
        self.expect(Invariant::Ends, schema::STATUS, &status, &expected.to_owned());
        let missing = self.book.log.state().missing;
        self.expect(Invariant::Ends, "what the log lacks", &missing, &Vec::new());
        let open = book.planned.iter().filter(|lead| !book.outcomes.contains_key(*lead)).count();
        if open > 0 && !book.is_given_up {
            let what = format!("run {} is {status} with {open} leads open", self.run);
            self.broken.push((Invariant::Ends, what));
        }
    }

    /// A run begins with its first event and ends when its last chunk is done.
    fn judge_times(&mut self) {
        let log = &self.book.log;
        let mut times = vec![(schema::START_TIME, log.started_at)];
        if !self.book.is_given_up {
            let end = log.done.values().max().copied();
            times.extend(end.map(|end| (schema::END_TIME, Some(end))));
        }
        for (field, should) in times {
            let is = self.text(field).parse::<Timestamp>().ok();
            let [is, should] = [is, should].map(|at| at.map(Timestamp::as_millisecond));
            self.expect(Invariant::Ends, field, &is, &should);
        }
    }
}

fn cell<'a>(record: &'a Map<String, Value>, name: &str) -> &'a Value {
    record.get(name).unwrap_or(&Value::Null)
}
