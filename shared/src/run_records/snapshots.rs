//! A record in every end state, whole: the six questions are answered on it. A change of words is
//! a visible change of a file in `snapshots/`.

use super::fields::cells;
use crate::core::digest::{id_of, short_id_of};
use crate::core::ids::{ApifyRunId, LeadKey, PlanId, PostKey};
use crate::core::tokens::{NanoUsd, TokenUsage};
use crate::fold::RunState;
use crate::messages::{
    Announced, AttemptRef, Billed, BilledCall, CallOutcome, ChunkDone, ErrorCategory, Fact,
    HarvestStatus, Harvested, Kind, LeadOutcome, MetricsEvent, Note, NoteKind, Opened, OpenedBy,
    Outcome, Planned, PlannedChunk, PlannedLead, RunFailed, RunHeader, RunType, Served, Settled,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Events of one run, half a minute apart.
struct Story {
    client: &'static str,
    now: Timestamp,
    events: Vec<MetricsEvent>,
}

fn harvest() -> ApifyRunId {
    "HG7ML7M8z78YcAPEB".parse().unwrap()
}

fn plan() -> PlanId {
    id_of(&["plan"]).parse().unwrap()
}

fn lead(n: u32) -> LeadKey {
    short_id_of(&["lead", &n.to_string()]).parse().unwrap()
}

fn post(n: u32) -> PostKey {
    short_id_of(&["post", &n.to_string()]).parse().unwrap()
}

fn attempt(chunk: u32) -> AttemptRef {
    AttemptRef {
        plan: plan(),
        chunk,
        started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        attempt: id_of(&["attempt", &chunk.to_string()]).parse().unwrap(),
    }
}

impl Story {
    fn of(client: &'static str) -> Self {
        Self { client, now: "2026-11-23T10:00:00Z".parse().unwrap(), events: Vec::new() }
    }

    fn tell(mut self, fact: Fact) -> Self {
        self.now += SignedDuration::from_secs(30);
        let run = RunHeader {
            run_stamp: "261123-094519".parse().unwrap(),
            client: self.client.parse().unwrap(),
            client_name: if self.client == "Guy-Wilson" { "Guy Wilson" } else { "" }.to_owned(),
            run_type: RunType::Standalone,
            opened_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        };
        self.events.push(MetricsEvent { run, at: self.now, fact });
        self
    }

    /// Opened, and four leads planned in two chunks, a post each.
    fn planned(self, status: HarvestStatus) -> Self {
        let leads = |of: [u32; 2]| {
            let leads = of.map(|n| PlannedLead { lead: lead(n), posts: 1, record: None });
            leads.to_vec()
        };
        let chunk = |chunk, of| {
            let (plan, kind) = (plan(), Kind::Post);
            Fact::PlannedChunk(PlannedChunk { plan, kind, chunk, leads: leads(of) })
        };
        self.opened()
            .tell(Fact::Harvested(Harvested {
                seen_at: None,
                apify_run: harvest(),
                status,
                targets: 4,
                posts: 4,
                posts_without_profile: 0,
                cost: Some(NanoUsd(74_000_000)),
                plan: Some(plan()),
            }))
            .tell(chunk(0, [1, 2]))
            .tell(chunk(1, [3, 4]))
            .tell(Fact::Planned(Planned {
                part_of: None,
                plan: plan(),
                kind: Kind::Post,
                chunks: 2,
                replaces: None,
            }))
    }

    fn opened(self) -> Self {
        self.tell(Fact::Opened(Opened { by: OpenedBy::Webhook(harvest()) }))
    }

    /// A chunk whose first lead is scored and whose second becomes `second`.
    fn chunk(self, chunk: u32, second: Outcome) -> Self {
        let usage =
            TokenUsage { prompt: 1_000, output: 200, total: 1_200, ..TokenUsage::default() };
        let model = "gemini-3.5-flash-lite".to_owned();
        let calls = (0..2)
            .map(|call| {
                let model = model.clone();
                BilledCall {
                    call,
                    outcome: CallOutcome::Answered { usage, model, served: Served::default() },
                }
            })
            .collect();
        let (kind, wave, round) = (Kind::Post, 0, 0);
        let outcome = |n: u32, outcome: Outcome| LeadOutcome {
            lead: lead(n),
            record: Some(format!("recLead{n:010}").parse().unwrap()),
            scored: if outcome == Outcome::Scored { vec![post(n)] } else { Vec::new() },
            examined: vec![post(n)],
            outcome,
        };
        let first = chunk * 2 + 1;
        let leads = vec![outcome(first, Outcome::Scored), outcome(first + 1, second)];
        let attempt = attempt(chunk);
        self.tell(Fact::Announced(Announced {
            attempt: attempt.clone(),
            kind,
            wave,
            round,
            calls: 2,
        }))
        .tell(Fact::Billed(Billed { attempt: attempt.clone(), kind, wave, round, calls }))
        .tell(Fact::Settled(Settled { attempt: attempt.clone(), kind, leads }))
        .tell(Fact::ChunkDone(ChunkDone { attempt }))
    }

    fn failed(self, reason: &str) -> Self {
        let (apify_run, reason) = (Some(harvest()), reason.to_owned());
        self.tell(Fact::RunFailed(RunFailed { apify_run, reason }))
    }

    /// The record, field by field.
    fn record(&self, left_out: &[(&str, &str)]) -> String {
        let summary = RunState::fold(&self.events).unwrap().summary();
        let cells = cells(&summary, left_out);
        let mut text = String::new();
        for field in &crate::schema::run_record::FIELDS {
            let value = match cells.get(field.name) {
                Some(Value::String(text)) => text.replace('\n', "\n    "),
                Some(value) => value.to_string(),
                None => continue,
            };
            text.push_str(&format!("{}: {value}\n", field.name));
        }
        text
    }
}

/// Compares a record with its snapshot; both are shown when they differ.
fn assert_shows(record: &str, snapshot: &str) {
    assert_eq!(record, snapshot, "\n--- the record\n{record}--- the snapshot\n{snapshot}");
    let notes = record.split("System Notes: ").nth(1).unwrap();
    for answer in ["What ran: ", "Done: ", "Failed: ", "Tokens: ", "Cost: ", "Next: "] {
        assert!(notes.contains(answer), "{answer}is not answered");
    }
}

fn blocked() -> Outcome {
    Outcome::Failed { category: ErrorCategory::SafetyBlock, detail: "blocked".to_owned() }
}

#[test]
fn a_running_run_says_what_is_still_to_come() {
    let story = Story::of("Guy-Wilson").planned(HarvestStatus::Succeeded).chunk(0, Outcome::Scored);
    assert_shows(&story.record(&[]), include_str!("snapshots/running.txt"));
}

#[test]
fn a_completed_run_says_that_nothing_is_to_be_done() {
    let story = Story::of("Guy-Wilson").planned(HarvestStatus::Succeeded);
    let story = story.chunk(0, Outcome::Scored).chunk(1, Outcome::Scored);
    assert_shows(&story.record(&[]), include_str!("snapshots/completed.txt"));
}

#[test]
fn a_run_with_errors_says_what_failed_why_and_what_to_do() {
    let timeout = Outcome::Failed {
        category: ErrorCategory::Timeout,
        detail: "60 s without an answer".into(),
    };
    let repaired = Note {
        kind: NoteKind::Record,
        text: "record recA was gone; created again as recB from the log: somebody deleted it"
            .into(),
    };
    let story = Story::of("Guy-Wilson")
        .planned(HarvestStatus::TimedOut)
        .chunk(0, blocked())
        .tell(Fact::Noted(repaired))
        .chunk(1, timeout);
    let left_out = [("AI Cost", "the table has no such field; add it as currency")];
    assert_shows(&story.record(&left_out), include_str!("snapshots/completed_with_errors.txt"));
}

#[test]
fn a_stalled_run_names_what_is_missing() {
    let story = Story::of("Guy-Wilson").planned(HarvestStatus::Succeeded);
    let mut story = story.chunk(0, Outcome::Scored);
    story.now += SignedDuration::from_mins(31);
    let note = Note { kind: NoteKind::Stalled, text: "no progress for 31 minutes".to_owned() };
    let story = story.tell(Fact::Noted(note));
    assert_shows(&story.record(&[]), include_str!("snapshots/stalled.txt"));
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    let reason = "the dataset of Apify run HG7ML7M8z78YcAPEB is gone: Apify deletes unnamed \
                  datasets after some days; harvest again";
    let story = Story::of("Guy-Wilson").opened().failed(reason);
    assert_shows(&story.record(&[]), include_str!("snapshots/failed.txt"));
}

#[test]
fn an_unattributed_run_says_that_nobody_named_its_client() {
    let reason = "unattributed: neither the webhook nor the table \"Apify\" names a client for \
                  Apify run HG7ML7M8z78YcAPEB; add clientId to the webhook's URL and post it again";
    let story = Story::of("(unattributed)").opened().failed(reason);
    assert_shows(&story.record(&[]), include_str!("snapshots/unattributed.txt"));
}

#[test]
fn the_answers_stay_on_top_however_much_is_noted() {
    let noted =
        |n: u32| Fact::Noted(Note { kind: NoteKind::Input, text: format!("the {n}th odd thing") });
    let story = Story::of("Guy-Wilson").planned(HarvestStatus::Succeeded);
    let story = (0..200).fold(story, |story, n| story.tell(noted(n)));
    let record = story.record(&[]);
    let notes = record.split("System Notes: ").nth(1).unwrap();
    let notes = notes.split("\nProgress Log: ").next().unwrap();
    assert!(notes.starts_with("What ran: "), "{notes}");
    assert!(
        notes.contains("… 141 earlier lines: 141 × about what came in (2026-11-23 10:"),
        "{notes}"
    );
    assert!(notes.ends_with("the 199th odd thing") && notes.lines().count() < 70, "{notes}");
}
