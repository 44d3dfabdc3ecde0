//! Rules for the texts of every record, tested on all states and on random runs.

use super::shape::Shape;
use super::states::{run_of, states};
use crate::fold::story::{Story, answered, attempt, note};
use crate::fold::{Status, Summary};
use crate::messages::{
    CallOutcome, ErrorCategory, Fact, HarvestStatus, Note, NoteKind, Outcome, SkipReason,
};
use crate::schema::run_record as schema;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The text fields of a record that contain prose.
const TEXTS: [&str; 3] = [schema::SYSTEM_NOTES, schema::PROGRESS_LOG, schema::ERROR_DETAILS];
/// The nouns that are counted in the texts.
const NOUNS: [&str; 10] =
    ["lead", "post", "profile", "call", "item", "answer", "token", "harvest", "line", "other"];
const HEADINGS: [&str; 3] = ["To do:", "Good to know:", "Spent:"];

fn texts(summary: &Summary) -> [String; 3] {
    let cells = Shape::default().cells(summary);
    TEXTS.map(|name| cells[name].as_str().unwrap().to_owned())
}

/// Panics with the text if it breaks a rule.
fn assert_reads_well(summary: &Summary) {
    let texts = texts(summary);
    for text in &texts {
        assert_no_zero_and_the_right_number(text);
        assert_no_line_twice(text);
        for line in text.lines() {
            assert!(!begins_with_a_code(line), "a code before a word: {line}\n{text}");
        }
        assert!(text.encode_utf16().count() < 60_000, "it fits a cell");
    }
    let [notes, progress, details] = &texts;
    for line in details.lines().filter(|line| !line.contains("https://")) {
        let is_elsewhere = |text: &str| text.lines().any(|known| known.ends_with(line));
        assert!(!is_elsewhere(notes) && !is_elsewhere(progress), "{line} stands twice\n{texts:?}");
    }
    assert_agrees(summary, notes);
}

fn assert_agrees(summary: &Summary, notes: &str) {
    let status = match summary.status {
        Status::Running => "Running",
        Status::Completed => "Completed",
        Status::CompletedWithErrors => "Completed with Errors",
        Status::Stalled => "Stalled",
        Status::Failed => "Failed",
    };
    let first = notes.lines().next().unwrap();
    let rest =
        first.strip_prefix(status).unwrap_or_else(|| panic!("{status} is not first: {first}"));
    assert!(rest.starts_with(':') || rest.starts_with(" on "), "{first}");
    let calls = summary.posts.calls + summary.profiles.calls;
    assert_eq!(notes.contains("The model was not asked"), calls == 0, "{notes}");
    let failed = summary.posts.leads.failed + summary.profiles.leads.failed;
    let told = notes.lines().filter_map(|line| {
        let (count, noun) = line.trim_start_matches("- ").split_once(' ')?;
        let is_failed = noun.starts_with("lead failed: ") || noun.starts_with("leads failed: ");
        is_failed.then(|| count.replace(',', "").parse::<u64>().unwrap())
    });
    assert_eq!(told.sum::<u64>(), failed, "the groups are all that failed: {notes}");
    let has_advice = notes.contains("To do:");
    assert_ne!(has_advice, notes.contains("Nothing to do"), "{notes}");
}

fn assert_no_zero_and_the_right_number(text: &str) {
    let words: Vec<&str> = text.split([' ', '\n', '(', ')']).collect();
    for pair in words.windows(2) {
        let [count, noun] = pair else { continue };
        let noun = noun.trim_end_matches(['.', ',', ':', ';', ')']);
        let Ok(count) = count.replace(',', "").parse::<u64>() else { continue };
        assert_ne!(count, 0, "0 {noun} in\n{text}");
        for known in NOUNS {
            if let Some(end) = noun.strip_prefix(known).filter(|end| ["", "s"].contains(end)) {
                assert_eq!(end.is_empty(), count == 1, "{count} {noun} in\n{text}");
            }
        }
    }
    assert!(!text.contains("lead(s)"), "{text}");
}

fn assert_no_line_twice(text: &str) {
    let mut seen = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_row = ["rec", "https://", "and "].iter().any(|start| line.starts_with(start));
        let is_new = seen.insert(line) || HEADINGS.contains(&line) || is_row;
        assert!(is_new, "{line} stands twice in\n{text}");
    }
}

/// Whether a line starts with a code such as `NO_NEW_POSTS`.
fn begins_with_a_code(line: &str) -> bool {
    let first = line.trim_start_matches(['-', ' ']).split([' ', ':']).next().unwrap_or_default();
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-';
    first.len() > 2 && first.bytes().all(is_code)
}

#[test]
fn the_texts_of_every_state_read_well() {
    for (name, story) in states() {
        println!("{name}");
        assert_reads_well(&story.summary());
    }
}

#[test]
fn nothing_scored_of_eight_is_failed_and_eight_that_are_not_new_are_completed() {
    let end = |outcome: &Outcome| {
        let story = run_of("Guy-Wilson").opened().harvested(HarvestStatus::Succeeded, 8, true);
        let story = story.planned(&[&[1, 2, 3, 4, 5, 6, 7, 8]]);
        let all: Vec<(u32, Outcome)> = (1..=8).map(|n| (n, outcome.clone())).collect();
        story.settled(&attempt(0, 1), &all).done(&attempt(0, 1)).summary().status
    };
    let failed = |category| Outcome::Failed { category, detail: "odd".to_owned() };
    assert_eq!(end(&failed(ErrorCategory::PostsUnreadable)), Status::Failed);
    assert_eq!(end(&failed(ErrorCategory::Timeout)), Status::Failed);
    assert_eq!(end(&Outcome::Skipped { reason: SkipReason::NoNewPosts }), Status::Completed);
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let failed = |category| Outcome::Failed { category, detail: "something odd".to_owned() };
    prop_oneof![
        4 => Just(Outcome::Scored),
        1 => Just(Outcome::NotALead),
        1 => prop_oneof![
            Just(SkipReason::NoContent),
            Just(SkipReason::NoNewPosts),
            Just(SkipReason::BudgetReached),
            Just(SkipReason::ProfileTooThin),
        ]
        .prop_map(|reason| Outcome::Skipped { reason }),
        2 => prop_oneof![
            Just(ErrorCategory::SafetyBlock),
            Just(ErrorCategory::Timeout),
            Just(ErrorCategory::Airtable),
            Just(ErrorCategory::PostsUnreadable),
        ]
        .prop_map(failed),
    ]
}

fn calls() -> impl Strategy<Value = Vec<CallOutcome>> {
    let call =
        prop_oneof![Just(answered(1_234)), Just(CallOutcome::Refused), Just(CallOutcome::Lost),];
    proptest::collection::vec(call, 0..4)
}

/// Chunks, each with the outcomes of its calls and of its leads, and whether it is done.
fn chunks() -> impl Strategy<Value = Vec<(Vec<CallOutcome>, Vec<Outcome>, bool)>> {
    let leads = proptest::collection::vec(outcomes(), 1..5);
    let chunk = (calls(), leads, proptest::bool::weighted(0.8));
    proptest::collection::vec(chunk, 0..4)
}

fn notes() -> impl Strategy<Value = Vec<Fact>> {
    let asks = Note { kind: NoteKind::Input, text: "look at it".to_owned(), needs_action: true };
    let one = prop_oneof![
        Just(note(NoteKind::Record, "record recA was gone; created again as recB from the log")),
        Just(note(NoteKind::Input, &format!("{}Apify is away", Note::HAD_TO_WAIT))),
        Just(Fact::Noted(asks)),
        Just(note(NoteKind::Stalled, "no progress for 31 minutes")),
    ];
    proptest::collection::vec(one, 0..4)
}

fn story(
    chunks: &[(Vec<CallOutcome>, Vec<Outcome>, bool)],
    notes: Vec<Fact>,
    status: HarvestStatus,
) -> Story {
    let mut first = 1;
    let leads: Vec<Vec<u32>> = chunks
        .iter()
        .map(|(_, leads, _)| {
            let count = u32::try_from(leads.len()).unwrap();
            let of_chunk = (first..first + count).collect();
            first += count;
            of_chunk
        })
        .collect();
    let told: Vec<&[u32]> = leads.iter().map(Vec::as_slice).collect();
    let posts = leads.iter().flatten().count();
    let story = run_of("Guy-Wilson").opened();
    let mut story = story.harvested(status, u32::try_from(posts).unwrap(), true).planned(&told);
    for (chunk, (calls, ends, is_done)) in chunks.iter().enumerate() {
        let attempt = attempt(u32::try_from(chunk).unwrap(), 1);
        let count = u32::try_from(calls.len()).unwrap();
        if count > 0 {
            story = story.announced(&attempt, count).billed(&attempt, calls);
        }
        if *is_done {
            let ends: Vec<_> = leads[chunk].iter().copied().zip(ends.iter().cloned()).collect();
            story = story.settled(&attempt, &ends).done(&attempt);
        }
    }
    notes.into_iter().fold(story, Story::tell)
}

proptest! {
    #[test]
    fn the_texts_of_any_run_read_well(
        chunks in chunks(),
        notes in notes(),
        status in prop_oneof![Just(HarvestStatus::Succeeded), Just(HarvestStatus::TimedOut)],
    ) {
        assert_reads_well(&story(&chunks, notes, status).summary());
    }
}
