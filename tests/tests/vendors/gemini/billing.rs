//! What is counted, cached and billed.

use super::world::{KEY, LITE, ask, call, changed, gemini, gemini_on, refused, scoring};
use crate::common::{MemoryStore, START, clock, get, json, once, post, reply, with};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::Store;
use simulators::gemini::ServedTier;
use simulators::{Answer, Fault};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_total_is_the_sum_and_zero_counters_are_omitted() {
    let gemini = gemini();
    let mut body = scoring(&["on pricing"]);
    let usage = ask(&gemini, &body).await["usageMetadata"].clone();
    assert_eq!(usage.get("thoughtsTokenCount"), None);
    assert_eq!(usage.get("cachedContentTokenCount"), None);
    assert_eq!(usage["serviceTier"], "standard");
    body["generationConfig"]["thinkingConfig"] = json!({"thinkingLevel": "HIGH"});
    let usage = ask(&gemini, &body).await["usageMetadata"].clone();
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("thoughtsTokenCount") > 0);
    assert_eq!(
        count("totalTokenCount"),
        count("promptTokenCount") + count("candidatesTokenCount") + count("thoughtsTokenCount")
    );
    assert_eq!(usage["promptTokensDetails"][0]["tokenCount"], usage["promptTokenCount"]);
}

#[tokio::test(start_paused = true)]
async fn a_flex_call_says_so_in_its_usage_and_on_the_bill() {
    let gemini = gemini();
    let usage =
        ask(&gemini, &changed("/serviceTier", json!("flex"))).await["usageMetadata"].clone();
    assert_eq!(usage["serviceTier"], "flex");
    ask(&gemini, &changed("/service_tier", json!("unspecified"))).await;
    let tiers: Vec<ServedTier> = gemini.service().billed().iter().map(|one| one.tier).collect();
    assert_eq!(tiers, [ServedTier::Flex, ServedTier::Standard]);
    let cheap = call(LITE, &changed("/serviceTier", json!("cheap")));
    assert_eq!(refused(&gemini, cheap).await, (400, "INVALID_ARGUMENT".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_system_text_of_a_long_prompt_is_cached_from_its_second_use_on() {
    let gemini = gemini();
    let system = |tokens: usize| {
        changed("/systemInstruction/parts", json!([{"text": "rule".repeat(tokens)}]))
    };
    let cached = async |body: &Value| {
        ask(&gemini, body).await["usageMetadata"]["cachedContentTokenCount"].as_u64()
    };
    assert_eq!(cached(&system(4_200)).await, None);
    assert_eq!(cached(&system(4_200)).await, Some(4_096));
    assert_eq!(cached(&system(2_900)).await, None);
    assert_eq!(cached(&system(2_900)).await, None, "the prompt is too short");
    let usage = ask(&gemini, &system(4_200)).await["usageMetadata"].clone();
    assert!(usage["promptTokenCount"].as_u64().unwrap() > 4_200);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_billed_and_its_retry_is_a_new_call() {
    let gemini = gemini();
    gemini.faults().add(once(Fault::LostAfter));
    let body = scoring(&["a"]);
    assert!(matches!(gemini.call(call(LITE, &body)).await, Answer::Lost));
    let answer = ask(&gemini, &body).await;
    let billed = gemini.service().billed();
    assert_eq!(billed.len(), 2);
    assert_ne!(billed[0].response_id, billed[1].response_id);
    assert_eq!(answer["responseId"], billed[1].response_id);
    assert_eq!(answer["usageMetadata"]["totalTokenCount"], billed[1].usage.total);
    let totals = gemini.service().billed_totals();
    assert_eq!(totals.usage.total, billed[0].usage.total + billed[1].usage.total);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_is_billed_all_the_same() {
    let gemini = gemini();
    let call = gemini.call(call(LITE, &scoring(&["a"])));
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    assert_eq!(gemini.service().billed_totals().answers, 1);
}

#[tokio::test(start_paused = true)]
async fn counting_tokens_agrees_with_the_prompt_and_costs_nothing() {
    let gemini = gemini();
    let body = scoring(&["on pricing"]);
    let count = json!({"generateContentRequest": {
        "model": format!("models/{LITE}"),
        "systemInstruction": body["systemInstruction"], "contents": body["contents"],
    }});
    let path = format!("/v1beta/models/{LITE}:countTokens");
    let (status, counted) = json(&gemini, with(post(&path, &count), "x-goog-api-key", KEY)).await;
    assert_eq!((status, gemini.service().billed_totals().answers), (StatusCode::OK, 0));
    let answer = ask(&gemini, &body).await;
    assert_eq!(counted["totalTokens"], answer["usageMetadata"]["promptTokenCount"]);
}

#[tokio::test(start_paused = true)]
async fn the_bill_is_read_over_http_and_survives_a_restart() {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let before = gemini_on(store.clone(), clock.clone());
    let long = changed("/systemInstruction/parts", json!([{"text": "rule".repeat(4_096)}]));
    let first = ask(&before, &long).await;
    let (_, bill) = json(&before, get("/_sim/billed")).await;
    assert_eq!(bill["answers"][0]["responseId"], first["responseId"]);
    assert_eq!(bill["answers"][0]["outcome"], "STOP");
    assert_eq!(bill["answers"][0]["at"].as_str().unwrap()[..19], START[..19]);
    drop(before);

    let after = gemini_on(store.clone(), clock);
    assert_eq!(json(&after, get("/_sim/billed")).await.1, bill);
    let (_, totals) = json(&after, get("/_sim/billed?totals=1")).await;
    assert_eq!(totals, json!({"totals": bill["totals"]}));
    let second = ask(&after, &long).await;
    assert_ne!(second["responseId"], first["responseId"]);
    assert_eq!(second["usageMetadata"]["cachedContentTokenCount"], 4_096);
    reply(&after, post("/_sim/reset", &json!({}))).await;
    assert_eq!((after.service().billed(), store.all()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_operation() {
    let gemini = gemini();
    ask(&gemini, &scoring(&["a"])).await;
    reply(&gemini, post("/token", &json!({}))).await;
    reply(&gemini, get("/v1beta/files")).await;
    let kinds: Vec<_> = gemini.requests().iter().map(|count| (count.kind, count.status)).collect();
    assert_eq!(kinds, [("generate", 200), ("other", 404), ("token", 400)]);
}
