//! Complete records in every state. A change of words becomes a change of a file in `snapshots/`
//! that a reviewer can read. `UPDATE_SNAPSHOTS=1 cargo test -p shared snapshots` rewrites the
//! files.

use super::field_note::{Effect, FieldNote};
use super::shape::Shape;
use super::states::{planned, states, with_errors};
use crate::fold::story::{Story, note};
use crate::messages::{HarvestStatus, NoteKind};
use serde_json::Value;
use std::path::Path;

impl Story {
    /// The record, field by field.
    pub(super) fn record(&self, fields: &[FieldNote]) -> String {
        let cells = Shape::default().cells_with(&self.summary(), fields);
        let mut text = String::new();
        for field in &crate::schema::run_record::FIELDS {
            let value = match cells.get(field.name) {
                Some(Value::String(text)) => text.replace('\n', "\n    ").replace("    \n", "\n"),
                Some(value) => value.to_string(),
                None => continue,
            };
            text.push_str(&format!("{}: {value}\n", field.name));
        }
        text
    }
}

/// Compares a record with its snapshot and shows both if they differ.
#[track_caller]
fn assert_shows(record: &str, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run_records/snapshots");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, record).unwrap();
    }
    let snapshot = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(record, snapshot, "\n--- the record\n{record}--- {name}\n{snapshot}");
}

#[test]
fn a_record_shows_each_state_of_its_run_in_words() {
    for (name, story) in states() {
        assert_shows(&story.record(&[]), name);
    }
}

#[test]
fn a_field_that_is_not_written_is_a_thing_to_do() {
    let reason = "the table has no such field; add it as currency".to_owned();
    let left_out = [FieldNote { field: "AI Cost", effect: Effect::LeftOut, reason }];
    assert_shows(&with_errors().record(&left_out), "field_left_out");
}

#[test]
fn every_snapshot_is_of_a_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run_records/snapshots");
    let mut known: Vec<String> = states().iter().map(|(name, _)| format!("{name}.txt")).collect();
    known.push("field_left_out.txt".to_owned());
    known.sort();
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, known);
}

#[test]
fn the_result_stays_on_top_however_much_is_noted() {
    let noted = |n: u32| note(NoteKind::Input, &format!("the {n}th odd thing"));
    let story = planned(HarvestStatus::Succeeded);
    let story = (0..200).fold(story, |story, n| story.tell(noted(n)));
    let story = (0..200).fold(story, |story, n| story.asked_for(&format!("do the {n}th thing")));
    let record = story.record(&[]);
    let notes = record.split("System Notes: ").nth(1).unwrap();
    let notes = notes.split("\nProgress Log: ").next().unwrap();
    assert!(notes.starts_with("Running: "), "{notes}");
    assert!(
        notes.contains("… 141 earlier lines: 141 × about what came in (2026-11-23 10:"),
        "{notes}"
    );
    assert!(notes.contains("- … 180 earlier lines left out here"), "{notes}");
    assert!(
        notes.contains("do the 199th thing") || notes.contains("Do the 199th thing"),
        "{notes}"
    );
    assert!(notes.contains("The 199th odd thing.") && notes.lines().count() < 100, "{notes}");
}
