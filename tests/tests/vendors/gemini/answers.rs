//! The contents of an answer: for which caller, in which shape, by which model.

use super::world::{KEY, LITE, ask, call, changed, finish, gemini, gemini_on, scoring, text};
use crate::common::{MemoryStore, get, json, post, reply, with};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::Clock;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_answer_fills_the_schema_once_for_every_post() {
    let gemini = gemini();
    let answer = ask(&gemini, &scoring(&["on pricing", "on hiring"])).await;
    let scored: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
    let urls: Vec<&Value> = scored.iter().map(|one| &one["post_url"]).collect();
    assert_eq!(urls, ["https://l/posts/0", "https://l/posts/1"]);
    assert!(scored.iter().all(|one| (0..=100).contains(&one["score"].as_i64().unwrap())));
    assert_eq!(*finish(&answer), "STOP");
    assert_eq!(answer["modelVersion"], LITE);
}

#[tokio::test(start_paused = true)]
async fn a_post_gets_the_same_score_alone_and_in_company() {
    let gemini = gemini();
    let score = |answer: &Value, at: usize| {
        serde_json::from_str::<Value>(text(answer)).unwrap()[at]["score"].clone()
    };
    let both = ask(&gemini, &scoring(&["on pricing", "on hiring"])).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let alone = ask(&gemini, &scoring(&["on hiring"])).await;
    assert_eq!(score(&both, 1), score(&alone, 0));
    assert_ne!(score(&both, 0), score(&both, 1));
}

#[tokio::test(start_paused = true)]
async fn a_json_schema_is_filled_like_the_other_one() {
    let gemini = gemini();
    let mut body = scoring(&["on pricing"]);
    let by_schema = ask(&gemini, &body).await;
    body["generationConfig"] = json!({
        "response_mime_type": "application/json",
        "response_json_schema": {"type": "array", "items": {"$ref": "#/$defs/score"}, "$defs": {
            "score": {"type": "object", "properties": {
                "post_url": {"type": "string"}, "score": {"type": "integer"},
                "rationale": {"type": "string"}}}}},
    });
    let by_json_schema = ask(&gemini, &body).await;
    assert_eq!(text(&by_schema), text(&by_json_schema));
}

#[tokio::test(start_paused = true)]
async fn one_of_an_enum_is_answered_as_plain_text() {
    let gemini = gemini();
    let config = json!({"responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["good", "bad"]}});
    let answer = ask(&gemini, &changed("/generationConfig", config)).await;
    let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
    assert!(["good", "bad"].contains(&text), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_pieces_is_billed_once_and_says_how_it_ends_in_the_last() {
    let gemini = gemini();
    let path = format!("/v1/models/{LITE}:streamGenerateContent");
    let asked = |query: &str| {
        with(post(&format!("{path}{query}"), &scoring(&["a"])), "x-goog-api-key", KEY)
    };
    let events = reply(&gemini, asked("?alt=sse")).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let text = String::from_utf8(events.body().to_vec()).unwrap();
    let pieces: Vec<Value> = text
        .split("\r\n\r\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .map(|piece| serde_json::from_str(piece).unwrap())
        .collect();
    let (_, array) = json(&gemini, asked("")).await;
    let of_array = array.as_array().unwrap();
    assert_eq!((pieces.len(), of_array.len()), (3, 3));
    for (piece, other) in pieces.iter().zip(of_array) {
        assert_eq!(piece["candidates"], other["candidates"]);
    }
    assert_eq!(*finish(&pieces[2]), "STOP");
    assert_eq!(pieces[0]["candidates"][0].get("finishReason"), None);
    assert_eq!(gemini.service().billed_totals().answers, 2);
    let (status, refused) = json(&gemini, post(&path, &scoring(&["a"]))).await;
    assert_eq!((status, &refused[0]["error"]["code"]), (StatusCode::FORBIDDEN, &json!(403)));
}

#[tokio::test(start_paused = true)]
async fn an_output_limit_counts_thoughts_and_may_leave_no_text_at_all() {
    let gemini = gemini();
    let mut body = scoring(&["on pricing"]);
    body["generationConfig"]["maxOutputTokens"] = json!(10);
    let cut = ask(&gemini, &body).await;
    assert_eq!((finish(&cut), text(&cut).len()), (&json!("MAX_TOKENS"), 40));
    body["generationConfig"]["thinkingConfig"] = json!({"thinkingLevel": "HIGH"});
    let empty = ask(&gemini, &body).await;
    assert_eq!(*finish(&empty), "MAX_TOKENS");
    assert_eq!(empty["candidates"][0]["content"].get("parts"), None);
    assert_eq!(empty["usageMetadata"]["thoughtsTokenCount"], 10);
    assert_eq!(empty["usageMetadata"].get("candidatesTokenCount"), None);
}

#[tokio::test(start_paused = true)]
async fn the_models_are_listed_and_each_is_described() {
    let gemini = gemini();
    let asked = |path: &str| with(get(path), "x-goog-api-key", KEY);
    let (_, all) = json(&gemini, asked("/v1beta/models")).await;
    let name = format!("models/{LITE}");
    let (_, one) = json(&gemini, asked(&format!("/v1/{name}"))).await;
    assert_eq!(one["name"], json!(name));
    assert!(all["models"].as_array().unwrap().contains(&one));
    assert_eq!(json(&gemini, asked("/v1/models/gemini-1.0")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_answers_and_is_billed_under_its_own_name() {
    let gemini = gemini();
    gemini.service().stand_in(LITE, "gemini-3.8-flash");
    let answer = ask(&gemini, &scoring(&["a post"])).await;
    assert_eq!(answer["modelVersion"], "gemini-3.8-flash");
    assert_eq!(gemini.service().billed()[0].model, "gemini-3.8-flash");
}

#[tokio::test(start_paused = true)]
async fn a_retired_model_is_silently_answered_by_another() {
    let moment = "2026-12-01T00:00:00Z".parse().unwrap();
    let gemini = gemini_on(Arc::new(MemoryStore::default()), Clock::new(move || moment));
    let (_, answer) = json(&gemini, call("gemini-2.5-flash", &scoring(&["a"]))).await;
    assert_eq!(answer["modelVersion"], LITE);
    assert_eq!(gemini.service().billed()[0].model, LITE);
}
