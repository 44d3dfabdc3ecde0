//! The end: what every record and every row must say then.

use super::super::scenario::{HUMAN_FIELD, Scenario};
use super::run_book::{RunBook, Settlements};
use super::{Invariant, Oracle, master};
use serde_json::{Map, Value};
use shared::schema::run_record as schema;
use simulators::airtable::{Airtable, Row};
use simulators::apify::RunStatus;
use std::collections::BTreeSet;

impl Oracle {
    /// Judges the end of a schedule.
    pub(in super::super) fn judge(&mut self, scenario: &Scenario, airtable: &Airtable) {
        let rows = airtable.rows(master(), schema::TABLE).unwrap_or_default();
        let mut broken = Vec::new();
        for (run, book) in &self.runs {
            let of_run = |row: &&Row| cell(&row.fields, schema::RUN_ID).as_str() == Some(run);
            let found: Vec<&Row> = rows.iter().filter(of_run).collect();
            match found.as_slice() {
                [row] => judge_record(run, book, &row.fields, scenario, &mut broken),
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
            self.judge_posts(run, book, &mut broken);
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
        self.judge_leads(scenario, &mut broken);
        for (invariant, what) in broken {
            self.violate(invariant, what);
        }
    }

    /// Posts that a run counts were really asked about, and really scored.
    fn judge_posts(&self, run: &str, book: &RunBook, broken: &mut Vec<(Invariant, String)>) {
        let Some(reports) = book.reports.get("post") else { return };
        for (counted, known, what) in [
            (&reports.examined, &book.asked_about, "examined"),
            (&reports.scored, &book.answered, "scored"),
        ] {
            for (_, key) in counted {
                let word = self.words_by_key.get(key);
                if !word.is_some_and(|word| known.contains(word)) {
                    let what = format!("run {run} counts post {word:?} as {what}, which never was");
                    broken.push((Invariant::Numbers, what));
                }
            }
        }
    }

    /// Every row has all the posts that were ever found for it.
    fn judge_leads(&self, scenario: &Scenario, broken: &mut Vec<(Invariant, String)>) {
        let scored = self.runs.iter().filter(|(run, _)| !run.ends_with("(unattributed)"));
        let read: BTreeSet<usize> =
            scored.flat_map(|(_, book)| book.harvests.iter().copied()).collect();
        for lead in self.leads.iter().filter(|(record, _)| !self.deleted_leads.contains(*record)) {
            let (_, lead) = lead;
            let found =
                read.iter().filter_map(|harvest| scenario.harvests[*harvest].posts.get(&lead.slug));
            let missing = found.flatten().find(|url| !lead.posts.contains(*url));
            if let Some(url) = missing.filter(|_| !lead.is_unreadable) {
                broken.push((Invariant::Leads, format!("lead {} lacks post {url}", lead.slug)));
            }
        }
    }
}

fn judge_record(
    run: &str,
    book: &RunBook,
    record: &Map<String, Value>,
    scenario: &Scenario,
    broken: &mut Vec<(Invariant, String)>,
) {
    let number = |name: &str| cell(record, name).as_u64().unwrap_or_default();
    let harvests = || book.harvests.iter().map(|harvest| &scenario.harvests[*harvest]);
    let mut expect = |invariant, name: &str, is: u64, should: u64| {
        if is != should {
            broken.push((invariant, format!("run {run}: {name} is {is}, not {should}")));
        }
    };
    let unreported = book.billed_answers.saturating_sub(book.reported_answers);
    let unobserved = ["post", "profile"].map(|kind| (kind, book.unobserved(kind)));
    for (kind, name) in [("post", schema::POST_TOKENS), ("profile", schema::PROFILE_TOKENS)] {
        let reported = book.reported_tokens.get(kind).copied().unwrap_or_default();
        expect(Invariant::Tokens, name, number(name), reported);
    }
    let none = Settlements::default();
    let posts = book.reports.get("post").unwrap_or(&none);
    let profiles = book.reports.get("profile").unwrap_or(&none);
    let leads_of = |pairs: &BTreeSet<(String, String)>| {
        pairs.iter().map(|(lead, _)| lead).collect::<BTreeSet<_>>().len() as u64
    };
    let scored = profiles.outcomes.values().filter(|outcomes| outcomes.contains("scored"));
    for (name, should) in [
        (schema::POSTS_EXAMINED, posts.examined.len() as u64),
        (schema::POSTS_SCORED, posts.scored.len() as u64),
        (schema::PROFILES_EXAMINED, leads_of(&profiles.examined)),
        (schema::PROFILES_SCORED, scored.count() as u64),
    ] {
        expect(Invariant::Numbers, name, number(name), should);
    }
    let targets = harvests().map(|harvest| harvest.targets.len() as u64).sum();
    let posts = harvests().map(|harvest| harvest.items.len() as u64).sum();
    expect(Invariant::Numbers, schema::TARGETS, number(schema::TARGETS), targets);
    expect(Invariant::Numbers, schema::POSTS_HARVESTED, number(schema::POSTS_HARVESTED), posts);
    let cost: f64 = harvests().map(|harvest| harvest.cost_usd).sum();
    let shown = cell(record, schema::APIFY_COST).as_f64().unwrap_or_default();
    if (cost - shown).abs() > 1e-9 {
        broken.push((Invariant::Numbers, format!("run {run}: Apify cost is {shown}, not {cost}")));
    }
    let all_unobserved: u64 = unobserved.iter().map(|(_, calls)| calls).sum();
    if unreported > all_unobserved {
        let what = format!("run {run}: {unreported} billed answers are in no number");
        broken.push((Invariant::Tokens, what));
    }
    let balance = cell(record, schema::BALANCE).as_str().unwrap_or_default();
    let told = unobserved.iter().all(|(kind, calls)| {
        let line = format!("{kind} tokens: {calls} model call(s) unobserved");
        balance.contains(&line) == (*calls > 0)
    });
    let truth = if all_unobserved == 0 { balance == "balanced" } else { told };
    if !truth {
        let what =
            format!("run {run}: Balance says {balance:?}; {unobserved:?} calls are unobserved");
        broken.push((Invariant::Balance, what));
    }
    judge_status(run, book, record, scenario, broken);
}

fn judge_status(
    run: &str,
    book: &RunBook,
    record: &Map<String, Value>,
    scenario: &Scenario,
    broken: &mut Vec<(Invariant, String)>,
) {
    let status = cell(record, schema::STATUS).as_str().unwrap_or_default();
    let expected = if run.ends_with("(unattributed)") {
        "Failed"
    } else {
        let only_failed = |outcomes: &BTreeSet<String>| outcomes.iter().all(|o| o == "failed");
        let harvests = book.harvests.iter().map(|harvest| scenario.harvests[*harvest].status);
        let outcomes = book.reports.values().flat_map(|reports| reports.outcomes.values());
        let leads_failed = outcomes.into_iter().any(only_failed);
        let mut cut_short = harvests.filter(|status| *status != RunStatus::Succeeded);
        if leads_failed || cut_short.next().is_some() { "Completed with Errors" } else { status }
    };
    let is_end = matches!(status, "Completed" | "Completed with Errors" | "Failed");
    if !is_end || status != expected {
        broken.push((
            Invariant::Ends,
            format!("run {run} is {status:?} in the end, not {expected:?}"),
        ));
    }
    let is_open = |(kind, lead): &&(String, String)| {
        !book.reports.get(kind).is_some_and(|reports| reports.outcomes.contains_key(lead))
    };
    let open = book.planned.iter().filter(is_open).count();
    if open > 0 && status == "Completed" {
        broken.push((Invariant::Ends, format!("run {run} is {status} with {open} leads open")));
    }
}

fn cell<'a>(record: &'a Map<String, Value>, name: &str) -> &'a Value {
    record.get(name).unwrap_or(&Value::Null)
}
