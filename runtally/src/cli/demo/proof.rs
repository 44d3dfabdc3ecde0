//! The demo's proof: what the services saw against what the records say.

use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use serde_json::{Map, Value};
use shared::schema::{leads, run_record};
use simulators::RequestCount;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Proof {
    /// The run records as they are in Airtable, in the order the harvests were dispatched.
    pub(super) records: Vec<Map<String, Value>>,
    /// Leads among the targets of the harvests.
    pub(super) leads: u64,
    /// Leads whose posts must get a score.
    pub(super) scored_leads: u64,
    /// Tokens of every answer that Gemini billed.
    pub(super) billed_tokens: u64,
    pub(super) recorded_tokens: u64,
    /// Requests by service and kind, with the status of their answers.
    pub(super) requests: BTreeMap<&'static str, Vec<RequestCount>>,
    pub(super) elapsed: Duration,
    pub(super) checks: Vec<Check>,
}

/// What a post-scored lead costs, with several leads in each call and with one.
pub(super) struct Comparison {
    /// Dollars per lead with several leads in a call, as the system does it by itself.
    pub(super) several: f64,
    /// Dollars per lead with one lead in a call.
    pub(super) one: f64,
    /// Whether the proof of both runs holds.
    pub(super) holds: bool,
}

/// Two numbers that must be equal.
pub(super) struct Check {
    pub(super) what: String,
    /// What the services saw, or what the invented data requires.
    pub(super) expected: String,
    /// What the records, or the leads' rows, say.
    pub(super) found: String,
}

impl Check {
    fn new(what: impl Into<String>, expected: impl ToString, found: impl ToString) -> Self {
        Self { what: what.into(), expected: expected.to_string(), found: found.to_string() }
    }

    pub(super) fn holds(&self) -> bool {
        self.expected == self.found
    }
}

impl Proof {
    pub(super) fn of(
        stage: &Stage,
        runs: &[Dispatched],
        elapsed: Duration,
        finished: bool,
    ) -> Result<Self, Fault> {
        let Stage { services, system, world, .. } = stage;
        let rows = stage.rows(&world.master_base, run_record::TABLE)?;
        let mut proof = Self {
            records: Vec::new(),
            leads: runs.iter().map(|run| run.expected.leads_planned).sum(),
            scored_leads: runs.iter().map(|run| run.expected.leads_scored).sum(),
            billed_tokens: services.gemini.service().billed_totals().usage.total,
            recorded_tokens: 0,
            requests: BTreeMap::from([
                ("airtable", services.airtable.requests()),
                ("apify", services.apify.requests()),
                ("gemini", services.gemini.requests()),
            ]),
            elapsed,
            checks: vec![Check::new("every run ended", true, finished)],
        };
        proof.check("records in Airtable, one per run and client", runs.len(), rows.len());
        for run in runs {
            let of_run = |row: &&simulators::airtable::Row| {
                field(&row.fields, run_record::RUN_ID) == run.run.as_str()
            };
            let record = rows.iter().find(of_run).map(|row| row.fields.clone()).unwrap_or_default();
            proof.check_record(run, &record);
            proof.check_rows(stage, run)?;
            proof.recorded_tokens += number(&record, run_record::POST_TOKENS)
                + number(&record, run_record::PROFILE_TOKENS);
            proof.records.push(record);
        }
        let (billed, recorded) = (proof.billed_tokens, proof.recorded_tokens);
        proof
            .checks
            .insert(0, Check::new("tokens the model billed, on the records", billed, recorded));
        let dead = shared::ports::QueueName::ALL
            .into_iter()
            .map(|queue| system.queue.depth(queue).map(|depth| depth.dead))
            .sum::<Result<usize, _>>()?;
        proof.check("messages in a dead-letter queue", 0, dead);
        let limited = proof.airtable_429();
        proof.check("requests that Airtable limited", 0, limited);
        Ok(proof)
    }

    pub(super) fn holds(&self) -> bool {
        self.checks.iter().all(Check::holds)
    }

    /// Whether every record says that it is balanced.
    pub(super) fn balanced(&self) -> bool {
        self.records.iter().all(|record| field(record, run_record::BALANCE) == "balanced")
    }

    /// Cost of the model's answers per lead whose posts have a score, in dollars.
    #[expect(clippy::cast_precision_loss, reason = "counts of leads are small")]
    pub(super) fn cost_per_scored_lead(&self) -> f64 {
        let cost: f64 = self
            .records
            .iter()
            .filter_map(|record| record.get(run_record::AI_COST).and_then(Value::as_f64))
            .sum();
        cost / self.scored_leads.max(1) as f64
    }

    pub(super) fn airtable_requests(&self) -> u64 {
        self.requests["airtable"].iter().map(|count| count.count).sum()
    }

    pub(super) fn airtable_429(&self) -> u64 {
        let limited = self.requests["airtable"].iter().filter(|count| count.status == 429);
        limited.map(|count| count.count).sum()
    }

    fn check(&mut self, what: impl Into<String>, expected: impl ToString, found: impl ToString) {
        self.checks.push(Check::new(what, expected, found));
    }

    /// Checks a record against what the invented data requires.
    fn check_record(&mut self, run: &Dispatched, record: &Map<String, Value>) {
        let (client, expected) = (&run.client.id, &run.expected);
        for (name, value) in [
            (run_record::TARGETS, expected.targets),
            (run_record::TARGETS_UNKNOWN, expected.targets_unknown),
            (run_record::POSTS_HARVESTED, expected.posts_harvested),
            (run_record::POSTS_EXAMINED, expected.posts_examined),
            (run_record::POSTS_SCORED, expected.posts_scored),
            (run_record::PROFILES_EXAMINED, run.profiles.examined()),
            (run_record::PROFILES_SCORED, run.profiles.scored()),
        ] {
            self.check(format!("{client}: {name}"), value, number(record, name));
        }
        let mut words = format!(
            "posts: {} leads = {} scored + {} skipped + {} failed",
            expected.leads_planned,
            expected.leads_scored,
            expected.all_skipped(),
            expected.all_failed(),
        );
        if run.profiles.waiting > 0 {
            words = format!(
                "{words}; profiles: {} leads = {} scored + {} skipped + {} failed",
                run.profiles.waiting,
                run.profiles.scored(),
                run.profiles.thin,
                run.profiles.failed,
            );
        }
        let progress = field(record, run_record::PROGRESS_LOG);
        let said =
            progress.lines().find_map(|line| line.split_once("finished: ")).map(|(_, said)| said);
        self.check(format!("{client}: leads"), words, said.unwrap_or("not finished"));
        let balance = field(record, run_record::BALANCE);
        self.check(format!("{client}: Balance"), expected.balance(), balance);
    }

    /// Checks that as many rows hold a score of the run as its record says.
    fn check_rows(&mut self, stage: &Stage, run: &Dispatched) -> Result<(), Fault> {
        let rows = stage.rows(&run.client.base, leads::TABLE)?;
        let marker = format!("\"run_id\":\"{}\"", run.run);
        let scored = rows
            .iter()
            .map(|row| field(&row.fields, leads::POSTS_EVALUATION))
            .filter(|cell| cell.starts_with('[') && cell.contains(&marker))
            .count();
        let what = format!("{}: rows with a score of this run", run.client.id);
        self.check(what, run.expected.leads_scored, scored);
        if run.profiles.waiting > 0 {
            let marker = format!("Run: {}", run.run);
            let scored = rows
                .iter()
                .filter(|row| field(&row.fields, leads::AI_BREAKDOWN).ends_with(&marker))
                .count();
            let what = format!("{}: rows with a profile score of this run", run.client.id);
            self.check(what, run.profiles.scored(), scored);
        }
        Ok(())
    }
}

/// A text cell; empty if the record lacks it.
pub(super) fn field<'a>(record: &'a Map<String, Value>, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(record: &Map<String, Value>, name: &str) -> u64 {
    record.get(name).and_then(Value::as_u64).unwrap_or_default()
}
