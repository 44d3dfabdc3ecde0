//! Puts the cases into the bases, and plays them.

use serde_json::{Value, json};
use shared::schema::{clients, leads};
use simulators::AnswerRule;
use simulators::apify::RunStatus;
use std::path::Path;
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline};

/// A case from its file.
pub(crate) fn case(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/apify-airtable");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The harvest of a case, with a row for each of its targets.
pub(crate) fn harvest_of(pipeline: &Pipeline, case: &Value) -> String {
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let targets = texts(&case["harvest"]["input"]["targetUrls"]);
    for target in &targets {
        pipeline.insert(CLIENT_BASE, leads::TABLE, json!({leads::PROFILE_URL: target}));
    }
    let items = case["harvest"]["items"].as_array().unwrap().clone();
    pipeline.harvest(Harvest { targets, items, status: RunStatus::Succeeded })
}

pub(crate) fn rule(rule: Value) -> AnswerRule {
    serde_json::from_value(rule).unwrap()
}

/// Puts any JSON value into a cell of the client's row, as a formula may.
pub(crate) fn put_client(pipeline: &Pipeline, field: &str, value: &Value) {
    let airtable = pipeline.services.airtable.service();
    let rows = airtable.rows(MASTER_BASE, clients::TABLE).unwrap();
    let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == CLIENT).unwrap();
    let table = (MASTER_BASE, clients::TABLE);
    airtable.put_cell(table, &row.id, field, value.clone()).unwrap();
}

pub(crate) fn put_lead(pipeline: &Pipeline, record: &str, field: &str, value: &Value) {
    let airtable = pipeline.services.airtable.service();
    airtable.put_cell((CLIENT_BASE, leads::TABLE), record, field, value.clone()).unwrap();
}

pub(crate) fn waiting(name: &str) -> Value {
    let posts = json!([{"postUrl": format!("https://www.linkedin.com/posts/{name}"),
        "postContent": "Some words.", "postedAt": "2026-11-20"}]);
    json!({leads::POSTS_CONTENT: posts.to_string()})
}

pub(crate) async fn score_waiting(pipeline: &Pipeline) {
    let body = json!({"clientId": CLIENT, "kind": "post"}).to_string();
    let (status, answer) = pipeline.post("/runs", &body).await;
    assert_eq!(status, 202, "{answer}");
    pipeline.settle().await;
}
