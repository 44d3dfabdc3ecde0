//! The demo's proof: compares what the services saw with what the records say.

use super::bill::{Bill, Unheard, without_unheard};
use super::cells::{cost, field, number};
use super::chaos::Done;
use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use serde_json::{Map, Value};
use shared::core::counted::{counted, grouped};
use shared::schema::{leads, run_record};
use simulators::RequestCount;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Proof {
    /// A line for each run, in the order the harvests were dispatched.
    pub(super) runs: Vec<RunLine>,
    /// The run records as they are in Airtable, in the order the harvests were dispatched.
    pub(super) records: Vec<Map<String, Value>>,
    /// Leads among the targets of the harvests.
    pub(super) leads: u64,
    /// Leads whose posts must get a score.
    pub(super) scored_leads: u64,
    /// Tokens of every answer that Gemini billed.
    pub(super) billed_tokens: u64,
    pub(super) recorded_tokens: u64,
    /// The model's answers that are on no record, because a kill lost them.
    pub(super) unheard: Unheard,
    /// The disturbances, if the demo was run with `--chaos`.
    pub(super) chaos: Option<Done>,
    /// Requests by service and kind, with the status of their answers.
    pub(super) requests: BTreeMap<&'static str, Vec<RequestCount>>,
    pub(super) elapsed: Duration,
    pub(super) checks: Vec<Check>,
}

/// How the runs ended.
pub(super) struct Ended {
    pub(super) elapsed: Duration,
    /// Whether all runs ended.
    pub(super) finished: bool,
    pub(super) chaos: Option<Done>,
}

/// A run, according to its record and its client's rows.
pub(super) struct RunLine {
    pub(super) run: String,
    pub(super) status: String,
    pub(super) leads: u64,
    pub(super) leads_scored: u64,
    pub(super) posts_scored: u64,
    pub(super) tokens: u64,
    /// The cost of the model, in dollars.
    pub(super) cost: f64,
    /// Whether all checks of the run hold.
    pub(super) is_right: bool,
}

/// The cost of a post-scored lead, with several leads in each call and with one.
pub(super) struct Comparison {
    /// Dollars per lead with the system's usual number of leads in a call.
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
    pub(super) async fn of(
        stage: &Stage,
        runs: &[Dispatched],
        ended: Ended,
    ) -> Result<Self, Fault> {
        let Stage { services, system, world, .. } = stage;
        let rows = stage.rows(&world.master_base, run_record::TABLE)?;
        let mut proof = Self {
            runs: Vec::new(),
            records: Vec::new(),
            leads: runs.iter().map(|run| run.expected.leads_planned).sum(),
            scored_leads: runs.iter().map(|run| run.expected.leads_scored).sum(),
            billed_tokens: services.gemini.service().billed_totals().usage.total,
            recorded_tokens: 0,
            unheard: Unheard::default(),
            chaos: ended.chaos,
            requests: BTreeMap::from([
                ("airtable", services.airtable.requests()),
                ("apify", services.apify.requests()),
                ("gemini", services.gemini.requests()),
            ]),
            elapsed: ended.elapsed,
            checks: vec![Check::new("every run ended", true, ended.finished)],
        };
        proof.check("records in Airtable, one per run and client", runs.len(), rows.len());
        for run in runs {
            let of_run = |row: &&simulators::airtable::Row| {
                field(&row.fields, run_record::RUN_ID) == run.run.as_str()
            };
            let record = rows.iter().find(of_run).map(|row| row.fields.clone()).unwrap_or_default();
            proof.check_run(stage, run, record)?;
        }
        if proof.chaos.is_some() {
            let bill = Bill::of(stage, runs).await?;
            proof.check("calls on the records that the model did not bill", 0, bill.invented);
            let is_named = bill.unheard.calls <= bill.unobserved;
            proof.check("calls whose answers were lost are on the records", true, is_named);
            proof.unheard = bill.unheard;
        }
        let (billed, recorded) = (proof.billed_tokens, proof.recorded_tokens);
        let heard = billed - proof.unheard.tokens.min(billed);
        proof
            .checks
            .insert(0, Check::new("tokens the model billed, on the records", heard, recorded));
        let dead = shared::ports::QueueName::ALL
            .into_iter()
            .map(|queue| system.queue.depth(queue).map(|depth| depth.dead))
            .sum::<Result<usize, _>>()?;
        proof.check("messages in a dead-letter queue", 0, dead);
        if proof.chaos.is_none() {
            let limited = proof.airtable_429();
            proof.check("requests that Airtable limited", 0, limited);
        }
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
        let cost: f64 = self.records.iter().map(cost).sum();
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

    /// Checks a run's record and its client's rows.
    fn check_run(
        &mut self,
        stage: &Stage,
        run: &Dispatched,
        record: Map<String, Value>,
    ) -> Result<(), Fault> {
        let first = self.checks.len();
        self.check_record(run, &record);
        let leads_scored = self.check_rows(stage, run)?;
        let tokens =
            number(&record, run_record::POST_TOKENS) + number(&record, run_record::PROFILE_TOKENS);
        self.recorded_tokens += tokens;
        self.runs.push(RunLine {
            run: run.run.to_string(),
            status: field(&record, run_record::STATUS).to_owned(),
            leads: run.expected.leads_planned,
            leads_scored,
            posts_scored: number(&record, run_record::POSTS_SCORED),
            tokens,
            cost: cost(&record),
            is_right: self.checks[first..].iter().all(Check::holds),
        });
        self.records.push(record);
        Ok(())
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
        let words = leads_in_words(run);
        let progress = field(record, run_record::PROGRESS_LOG);
        let said = progress.lines().find_map(|line| line.split_once("Finished"));
        let said = said.map(|(_, said)| said.trim_matches([' ', '.']));
        self.check(format!("{client}: leads"), words, said.unwrap_or("not finished"));
        let said = field(record, run_record::BALANCE).to_owned();
        // The bill checks the calls that a record reports as unobserved.
        let said = if self.chaos.is_some() { without_unheard(&said) } else { said };
        self.check(format!("{client}: Balance"), expected.balance(), said);
    }

    /// Checks that the record's number of scores is the number of rows with a score of this run.
    /// Returns it.
    fn check_rows(&mut self, stage: &Stage, run: &Dispatched) -> Result<u64, Fault> {
        let rows = stage.rows(&run.client.base, leads::TABLE)?;
        let marker = format!("\"run_id\":\"{}\"", run.run);
        let scored = rows
            .iter()
            .map(|row| field(&row.fields, leads::POSTS_EVALUATION))
            .filter(|cell| cell.starts_with('[') && cell.contains(&marker))
            .count() as u64;
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
        Ok(scored)
    }
}

/// What a record must say about the leads.
fn leads_in_words(run: &Dispatched) -> String {
    let (expected, profiles) = (&run.expected, &run.profiles);
    let of = |kind, [all, scored, skipped, failed]: [u64; 4]| {
        let counts = [(scored, "scored"), (skipped, "skipped"), (failed, "failed")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> =
            counts.map(|(count, word)| format!("{} {word}", grouped(count))).collect();
        let leads = if all == 1 { counted(all, "lead") } else { format!("{} leads", grouped(all)) };
        format!("{kind} scoring of {leads}: {}", counts.join(", "))
    };
    let posts = [
        expected.leads_planned,
        expected.leads_scored,
        expected.all_skipped(),
        expected.all_failed(),
    ];
    let waiting = [profiles.waiting, profiles.scored(), profiles.thin, profiles.failed];
    let said: Vec<String> = [("post", posts), ("profile", waiting)]
        .into_iter()
        .filter(|(_, leads)| leads[0] > 0)
        .map(|(kind, leads)| of(kind, leads))
        .collect();
    if said.is_empty() { ": there was nothing to score".to_owned() } else { said.join("; ") }
}
