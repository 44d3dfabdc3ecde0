//! What a run's record must say at the end.

use super::account::Account;
use super::promise::Invariant;
use super::run_book::{RunBook, UNATTRIBUTED};
use crate::scenario::{Asked, NOBODY, Scenario};
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::schema::run_record as schema;
use simulators::apify::RunStatus;
use std::collections::BTreeSet;

/// A run's record at the end, and what it is judged by.
pub(super) struct Judged<'a> {
    pub(super) run: &'a str,
    pub(super) book: &'a RunBook,
    /// The harvests whose cost it includes.
    pub(super) costs: BTreeSet<usize>,
    /// Where the items and targets of its harvests were counted.
    pub(super) account: Account,
    /// Whether it is not known which end of its harvest it read.
    pub(super) is_partial: bool,
    pub(super) record: &'a Map<String, Value>,
    pub(super) scenario: &'a Scenario,
    pub(super) broken: &'a mut Vec<(Invariant, String)>,
}

impl Judged<'_> {
    pub(super) fn judge(mut self, harvests: &BTreeSet<&str>) {
        self.judge_identity(harvests);
        self.judge_work();
        if !self.is_partial {
            self.judge_harvests();
            self.judge_balance();
        }
        self.judge_status();
        self.judge_times();
        self.judge_named_leads();
    }

    /// The record mentions leads in a request that do not exist.
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

    /// The tokens are the reported ones, and the counts are those that the services saw.
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
        // If a lead's chunk was given up, it is not known whether its posts are matched.
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
                // The model refused every call.
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

pub(super) fn cell<'a>(record: &'a Map<String, Value>, name: &str) -> &'a Value {
    record.get(name).unwrap_or(&Value::Null)
}
