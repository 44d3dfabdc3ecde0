//! A simulated Gemini, requests to it, and readers of its answers.

use crate::common::{MemoryStore, clock, json, post, with};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::gemini::{Gemini, GeminiOptions, Marker};
use simulators::{Clock, Request, Simulated, Store};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const KEY: &str = "invented-api-key";

pub(crate) const LITE: &str = "gemini-3.5-flash-lite";

pub(crate) fn gemini_on(store: Arc<dyn Store>, clock: Clock) -> Simulated<Gemini> {
    let options = GeminiOptions {
        api_keys: vec![KEY.into()],
        latency: Duration::from_secs(2),
        ..GeminiOptions::default()
    };
    Simulated::new(Gemini::new(options, clock, store), 1)
}

pub(crate) fn gemini() -> Simulated<Gemini> {
    gemini_on(Arc::new(MemoryStore::default()), clock())
}

pub(crate) fn call(model: &str, body: &Value) -> Request {
    let path = format!("/v1beta/models/{model}:generateContent");
    with(post(&path, body), "x-goog-api-key", KEY)
}

pub(crate) fn schema() -> Value {
    json!({"type": "ARRAY", "items": {"type": "OBJECT", "properties": {
        "post_url": {"type": "STRING"}, "score": {"type": "INTEGER"},
        "rationale": {"type": "STRING"},
    }, "required": ["post_url", "score"]}})
}

/// A request to score posts with these texts.
pub(crate) fn scoring(texts: &[&str]) -> Value {
    let posts: Value = texts
        .iter()
        .enumerate()
        .map(|(n, text)| json!({"postUrl": format!("https://l/posts/{n}"), "postContent": text}))
        .collect();
    json!({
        "systemInstruction": {"parts": [{"text": "Score these posts."}]},
        "contents": [{"role": "user", "parts": [{"text": format!("The posts: {posts}")}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": schema()},
    })
}

pub(crate) fn marked(marker: Marker) -> Value {
    scoring(&["first post", &format!("second post {}", marker.text())])
}

pub(crate) async fn ask(gemini: &Simulated<Gemini>, body: &Value) -> Value {
    let (status, answer) = json(gemini, call(LITE, body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

pub(crate) fn text(answer: &Value) -> &str {
    answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap()
}

pub(crate) fn finish(answer: &Value) -> &Value {
    &answer["candidates"][0]["finishReason"]
}

pub(crate) async fn refused(gemini: &Simulated<Gemini>, request: Request) -> (u16, String) {
    let (status, body) = json(gemini, request).await;
    assert_eq!(body["error"]["code"], status.as_u16(), "{body}");
    (status.as_u16(), body["error"]["status"].as_str().unwrap_or_default().to_owned())
}

/// The scoring request with this `generationConfig` member.
pub(crate) fn configured(name: &str, value: Value) -> Value {
    changed(&format!("/generationConfig/{name}"), value)
}

/// The scoring request with `value` at `pointer`.
pub(crate) fn changed(pointer: &str, value: Value) -> Value {
    let mut body = scoring(&["a post"]);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = value;
    body
}
