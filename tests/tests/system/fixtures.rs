//! What an earlier release wrote stays readable. `tests/fixtures/README.md` says how each file was
//! made.

use serde_json::{Map, Value};
use shared::messages::{Message, MetricsMessage, ScoringTask};
use shared::ports::EventLog;
use shared::schema::run_record;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tests::Pipeline;

/// The master base that the release's `runtally serve` invented.
const MASTER: &str = "appEOx7QAIyJ1eskU";
const RUN: &str = "261128-053000-Mara-Lindqvist";

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/7572efd")).join(name)
}

/// A separate folder for this test, which is deleted when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("runtally-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn record(pipeline: &Pipeline) -> Map<String, Value> {
    let rows = pipeline.services.airtable.service().rows(MASTER, run_record::TABLE).unwrap();
    rows.into_iter().find(|row| row.fields[run_record::RUN_ID] == RUN).unwrap().fields
}

/// The sum of tokens in the log's bills for a kind of scoring, read as plain JSON.
async fn billed(pipeline: &Pipeline, kind: &str) -> u64 {
    let log = pipeline.system.log.read(&RUN.parse().unwrap()).await.unwrap();
    let facts = log.events.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
    let bills = facts.map(|event| event["fact"].clone()).filter(|fact| fact["type"] == "billed");
    let calls = bills.filter(|fact| fact["kind"] == kind).map(|fact| fact["calls"].clone());
    calls
        .flat_map(|calls| calls.as_array().unwrap().clone())
        .map(|call| call["usage"]["total"].as_u64().unwrap())
        .sum()
}

#[tokio::test]
async fn a_run_that_an_earlier_release_left_half_done_ends_exact() {
    let folder = Folder::new("half-done-run");
    let file = folder.0.join("runtally.sqlite");
    std::fs::copy(fixture("half-done-run.sqlite"), &file).unwrap();
    let pipeline = Pipeline::reopen(&file, MASTER).await;
    pipeline.settle().await;

    let record = record(&pipeline);
    let number = |field: &str| record[field].as_u64().unwrap();
    assert_eq!(record[run_record::STATUS], "Completed");
    assert_eq!(number(run_record::PROFILES_EXAMINED), 7, "scored by the earlier release");
    assert_eq!(number(run_record::PROFILE_TOKENS), 4_218);
    assert_eq!(number(run_record::POSTS_EXAMINED), number(run_record::POSTS_SCORED));
    assert!(number(run_record::POSTS_SCORED) >= 3, "scored by this one: {record:#?}");
    for (field, kind) in
        [(run_record::PROFILE_TOKENS, "profile"), (run_record::POST_TOKENS, "post")]
    {
        assert!(number(field) > 0);
        assert_eq!(number(field), billed(&pipeline, kind).await, "{field}");
    }
    let balance = record[run_record::BALANCE].as_str().unwrap();
    assert!(balance.starts_with("post tokens: 3 model call"), "announced, then killed: {balance}");
}

/// Reads every message of a file, one per line. Returns the kinds, from the values at these places.
fn kinds(file: &str, places: &[&str], read: impl Fn(&str)) -> BTreeSet<String> {
    let text = std::fs::read_to_string(fixture(file)).unwrap();
    let kind = |line: &str| {
        read(line);
        let message: Value = serde_json::from_str(line).unwrap();
        let found = places.iter().find_map(|place| message.pointer(place)?.as_str());
        found.unwrap().to_owned()
    };
    text.lines().map(kind).collect()
}

#[test]
fn every_message_that_an_earlier_release_sent_is_still_read() {
    let tasks = kinds("scoring-tasks.jsonl", &["/type"], |line| {
        ScoringTask::decode(line).unwrap();
    });
    assert_eq!(tasks.into_iter().collect::<Vec<_>>(), ["chunk", "ingest", "replay", "score"]);
    let messages = kinds("metrics-messages.jsonl", &["/fact/type", "/type"], |line| {
        MetricsMessage::decode(line).unwrap();
    });
    let known = [
        "announced",
        "billed",
        "chunk_done",
        "chunk_failed",
        "harvested",
        "heard",
        "noted",
        "opened",
        "planned",
        "planned_chunk",
        "run_failed",
        "settled",
        "tick",
    ];
    assert_eq!(messages.into_iter().collect::<Vec<_>>(), known);
}
