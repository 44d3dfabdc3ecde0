//! A record in every end state, whole: the six questions are answered on it. A change of words is
//! a visible change of a file in `snapshots/`.

use super::field_note::{Effect, FieldNote};
use super::shape::Shape;
use crate::core::tokens::TokenUsage;
use crate::fold::story::{Story, answered_with, attempt, blocked, harvest_id, note, run_failed};
use crate::messages::{ErrorCategory, HarvestStatus, NoteKind, Outcome};
use jiff::SignedDuration;
use serde_json::Value;

/// A run of a client, half a minute between two events, with one post a lead.
fn run_of(client: &str) -> Story {
    let mut story = Story { posts: 1, names_rows: true, ..Story::new() };
    story.step = SignedDuration::from_secs(30);
    story.header.run_stamp = "261123-094519".parse().unwrap();
    story.header.client = client.parse().unwrap();
    if client != "Guy-Wilson" {
        story.header.client_name.clear();
    }
    story
}

/// Opened, and four leads planned in two chunks.
fn planned(status: HarvestStatus) -> Story {
    run_of("Guy-Wilson").opened().harvested(status, 4, true).planned(&[&[1, 2], &[3, 4]])
}

impl Story {
    /// A chunk whose first lead is scored and whose second becomes `second`.
    fn chunk(self, chunk: u32, second: Outcome) -> Self {
        let usage =
            TokenUsage { prompt: 1_000, output: 200, total: 1_200, ..TokenUsage::default() };
        let (attempt, first) = (attempt(chunk, 1), chunk * 2 + 1);
        self.announced(&attempt, 2)
            .billed(&attempt, &[answered_with(usage), answered_with(usage)])
            .settled(&attempt, &[(first, Outcome::Scored), (first + 1, second)])
            .done(&attempt)
    }

    fn failed(self, reason: &str) -> Self {
        self.tell(run_failed(Some(harvest_id()), reason))
    }

    /// The record, field by field.
    fn record(&self, fields: &[FieldNote]) -> String {
        let cells = Shape::default().cells_with(&self.summary(), fields);
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

#[test]
fn a_running_run_says_what_is_still_to_come() {
    let story = planned(HarvestStatus::Succeeded).chunk(0, Outcome::Scored);
    assert_shows(&story.record(&[]), include_str!("snapshots/running.txt"));
}

#[test]
fn a_completed_run_says_that_nothing_is_to_be_done() {
    let story = planned(HarvestStatus::Succeeded);
    let story = story.chunk(0, Outcome::Scored).chunk(1, Outcome::Scored);
    assert_shows(&story.record(&[]), include_str!("snapshots/completed.txt"));
}

#[test]
fn a_run_with_errors_says_what_failed_why_and_what_to_do() {
    let timeout = Outcome::Failed {
        category: ErrorCategory::Timeout,
        detail: "60 s without an answer".into(),
    };
    let repaired = "record recA was gone; created again as recB from the log: somebody deleted it";
    let story = planned(HarvestStatus::TimedOut)
        .chunk(0, blocked())
        .tell(note(NoteKind::Record, repaired))
        .chunk(1, timeout);
    let reason = "the table has no such field; add it as currency".to_owned();
    let left_out = [FieldNote { field: "AI Cost", effect: Effect::LeftOut, reason }];
    assert_shows(&story.record(&left_out), include_str!("snapshots/completed_with_errors.txt"));
}

#[test]
fn a_stalled_run_names_what_is_missing() {
    let story = planned(HarvestStatus::Succeeded);
    let mut story = story.chunk(0, Outcome::Scored);
    story.now += SignedDuration::from_mins(31);
    let story = story.tell(note(NoteKind::Stalled, "no progress for 31 minutes"));
    assert_shows(&story.record(&[]), include_str!("snapshots/stalled.txt"));
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    let reason = "the dataset of Apify run HG7ML7M8z78YcAPEB is gone: Apify deletes unnamed \
                  datasets after some days; harvest again";
    let story = run_of("Guy-Wilson").opened().failed(reason);
    assert_shows(&story.record(&[]), include_str!("snapshots/failed.txt"));
}

#[test]
fn an_unattributed_run_says_that_nobody_named_its_client() {
    let reason = "unattributed: neither the webhook nor the table \"Apify\" names a client for \
                  Apify run HG7ML7M8z78YcAPEB; add clientId to the webhook's URL and post it again";
    let story = run_of("(unattributed)").opened().failed(reason);
    assert_shows(&story.record(&[]), include_str!("snapshots/unattributed.txt"));
}

#[test]
fn the_answers_stay_on_top_however_much_is_noted() {
    let noted = |n: u32| note(NoteKind::Input, &format!("the {n}th odd thing"));
    let story = planned(HarvestStatus::Succeeded);
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
