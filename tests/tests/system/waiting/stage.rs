//! Waiting leads, and the tasks that score them.

use serde_json::{Value, json};
use shared::core::digest::queue_id;
use shared::messages::routes;
use shared::ports::{Queue, QueueName};
use shared::schema::leads;
use tests::Pipeline;

pub(crate) const RUN: &str = "261123-020000";

/// A cell with one stored post per text.
pub(crate) fn stored(name: &str, texts: &[&str]) -> Value {
    let posts = texts.iter().enumerate().map(|(n, text)| {
        json!({"postUrl": format!("https://www.linkedin.com/posts/{name}-{n}"),
            "postContent": text, "postedAt": "2026-11-20"})
    });
    json!({leads::POSTS_CONTENT: Value::from_iter(posts).to_string()})
}

pub(crate) async fn ask(pipeline: &Pipeline, body: Value) -> Value {
    let (status, answer) = pipeline.post("/runs", &body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    pipeline.settle().await;
    answer
}

/// Requests scoring of the client's waiting leads in the run [`RUN`].
pub(crate) async fn score(pipeline: &Pipeline, kind: &str) -> Value {
    ask(pipeline, json!({"clientId": "Guy-Wilson", "kind": kind, "runId": RUN})).await
}

/// Adds `count` leads with one long post each. Returns their record ids.
pub(crate) fn add_wordy(pipeline: &Pipeline, count: usize, text: &str) -> Vec<String> {
    let add = |n| {
        let name = format!("l{n}");
        pipeline.add_lead(&name, stored(&name, &[&format!("{n} {text}")]))
    };
    (0..count).map(add).collect()
}

pub(crate) async fn send(pipeline: &Pipeline, name: &str, body: Value) {
    let message = routes::verbatim("plan#all", &queue_id(name), &body.to_string());
    pipeline.system.queue.send(QueueName::Scoring, vec![message]).await.unwrap();
    pipeline.settle().await;
}
