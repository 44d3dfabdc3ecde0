//! What the documentation says of Gemini's generateContent.

use crate::common::{MemoryStore, START, clock, get, json, once, post, reply, with};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::gemini::{Gemini, GeminiOptions, Marker, Oddity, Outcome, ServedTier};
use simulators::{Answer, Clock, Fault, FaultRule, Request, Simulated, Store};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "invented-api-key";
const LITE: &str = "gemini-3.5-flash-lite";

fn gemini_on(store: Arc<dyn Store>, clock: Clock) -> Simulated<Gemini> {
    let options = GeminiOptions {
        api_keys: vec![KEY.into()],
        latency: Duration::from_secs(2),
        ..GeminiOptions::default()
    };
    Simulated::new(Gemini::new(options, clock, store), 1)
}

fn gemini() -> Simulated<Gemini> {
    gemini_on(Arc::new(MemoryStore::default()), clock())
}

fn call(model: &str, body: &Value) -> Request {
    let path = format!("/v1beta/models/{model}:generateContent");
    with(post(&path, body), "x-goog-api-key", KEY)
}

fn schema() -> Value {
    json!({"type": "ARRAY", "items": {"type": "OBJECT", "properties": {
        "post_url": {"type": "STRING"}, "score": {"type": "INTEGER"},
        "rationale": {"type": "STRING"},
    }, "required": ["post_url", "score"]}})
}

/// A request to score posts with these texts.
fn scoring(texts: &[&str]) -> Value {
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

fn marked(marker: Marker) -> Value {
    scoring(&["first post", &format!("second post {}", marker.text())])
}

async fn ask(gemini: &Simulated<Gemini>, body: &Value) -> Value {
    let (status, answer) = json(gemini, call(LITE, body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

fn text(answer: &Value) -> &str {
    answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap()
}

fn finish(answer: &Value) -> &Value {
    &answer["candidates"][0]["finishReason"]
}

async fn refused(gemini: &Simulated<Gemini>, request: Request) -> (u16, String) {
    let (status, body) = json(gemini, request).await;
    assert_eq!(body["error"]["code"], status.as_u16(), "{body}");
    (status.as_u16(), body["error"]["status"].as_str().unwrap_or_default().to_owned())
}

/// The scoring request with this `generationConfig` member.
fn configured(name: &str, value: Value) -> Value {
    changed(&format!("/generationConfig/{name}"), value)
}

/// The scoring request with `value` at `pointer`'s place.
fn changed(pointer: &str, value: Value) -> Value {
    let mut body = scoring(&["a post"]);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = value;
    body
}

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
async fn flex_can_be_shed_by_itself() {
    let gemini = gemini();
    for fault in [Fault::TooManyRequests, Fault::Unavailable] {
        let kind = Some("generate_flex".to_owned());
        gemini.faults().add(FaultRule { kind, ..once(fault) });
    }
    ask(&gemini, &scoring(&["a post"])).await;
    let flex = || call(LITE, &changed("/serviceTier", json!("flex")));
    assert_eq!(refused(&gemini, flex()).await, (429, "RESOURCE_EXHAUSTED".to_owned()));
    assert_eq!(refused(&gemini, flex()).await, (503, "UNAVAILABLE".to_owned()));
    assert_eq!(json(&gemini, flex()).await.0, StatusCode::OK);
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
async fn a_blocked_prompt_is_a_200_without_candidates_that_is_billed() {
    let gemini = gemini();
    let answer = ask(&gemini, &marked(Marker::SafetyBlock)).await;
    assert_eq!(answer["promptFeedback"]["blockReason"], "SAFETY");
    assert_eq!(answer.get("candidates"), None);
    let usage = &answer["usageMetadata"];
    assert_eq!(usage["totalTokenCount"], usage["promptTokenCount"]);
    assert_eq!(gemini.service().billed()[0].outcome, Outcome::Blocked);
}

#[tokio::test(start_paused = true)]
async fn every_marker_spoils_the_answer_in_its_own_way() {
    let gemini = gemini();
    let whole = text(&ask(&gemini, &scoring(&["first post", "second post"])).await).len();
    // A refusal is no answer, and about every second call is without a word.
    let no_answers = [Marker::RefuseText, Marker::FailText, Marker::Recitation, Marker::Silence];
    for marker in Marker::ALL.into_iter().filter(|marker| !no_answers.contains(marker)) {
        let answer = ask(&gemini, &marked(marker)).await;
        let parsed = answer["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let scored = parsed.as_ref().and_then(Value::as_array).map(Vec::len);
        let expected = match marker {
            Marker::SafetyBlock => (None, Value::Null),
            Marker::Truncate => (None, json!("MAX_TOKENS")),
            Marker::PartialSafety => (None, json!("SAFETY")),
            Marker::Prose | Marker::WrongShape => (None, json!("STOP")),
            Marker::MissPost => (Some(1), json!("STOP")),
            Marker::ScoreOutOfRange => (Some(2), json!("STOP")),
            Marker::StrangerPost => (Some(3), json!("STOP")),
            Marker::UnknownFinish => (Some(2), json!("SIMULATED_REASON")),
            Marker::RefuseText | Marker::FailText | Marker::Recitation | Marker::Silence => {
                unreachable!("they are left out")
            }
        };
        assert_eq!((scored, finish(&answer).clone()), expected, "{marker:?}");
        match marker {
            Marker::Truncate | Marker::PartialSafety => {
                assert!((1..whole).contains(&text(&answer).len()));
            }
            Marker::ScoreOutOfRange => {
                assert!(parsed.unwrap()[1]["score"].as_i64().unwrap() > 100);
            }
            Marker::WrongShape => assert!(parsed.unwrap().is_object()),
            Marker::SafetyBlock
            | Marker::Prose
            | Marker::MissPost
            | Marker::StrangerPost
            | Marker::UnknownFinish
            | Marker::RefuseText
            | Marker::FailText
            | Marker::Recitation
            | Marker::Silence => {}
        }
    }
}

/// An answer about two posts with an oddity, at a thinking level that thinks, and its text.
async fn odd(gemini: &Simulated<Gemini>, oddity: Oddity) -> (Value, String) {
    let mut body = scoring(&["first post", &format!("second post {}", oddity.text())]);
    body["generationConfig"]["thinkingConfig"] = json!({"thinkingLevel": "LOW"});
    let answer = ask(gemini, &body).await;
    let parts = answer["candidates"][0]["content"]["parts"].as_array().cloned();
    let texts = parts.unwrap_or_default();
    let text = texts.iter().map(|part| part["text"].as_str().unwrap()).collect();
    (answer, text)
}

#[tokio::test(start_paused = true)]
async fn an_odd_answer_has_what_was_asked_for_and_the_bill_is_right() {
    for oddity in Oddity::ALL {
        let gemini = gemini();
        let (answer, text) = odd(&gemini, oddity).await;
        let usage = &answer["usageMetadata"];
        let count = |name: &str| usage[name].as_u64();
        let is_whole = serde_json::from_str::<Value>(&text).is_ok_and(|json| json.is_array());
        let strange = match oddity {
            Oddity::CodeFence => text.starts_with("```json\n["),
            Oddity::Fragment => text.starts_with('[') && text.ends_with("].\"\n}"),
            Oddity::Wrapped => text.starts_with("{\"results\": ["),
            Oddity::LooseThought => text.starts_with("First I look"),
            Oddity::NoFinish => *finish(&answer) == Value::Null && is_whole,
            Oddity::ErrorInside => answer["error"]["code"] == 503 && text.is_empty(),
            Oddity::NullUsage => usage["thoughtsTokenCount"].is_null() && is_whole,
            Oddity::ThoughtsAmongCandidates => {
                count("candidatesTokenCount") > count("thoughtsTokenCount")
            }
            Oddity::ThoughtsInTotalOnly => count("thoughtsTokenCount").is_none() && is_whole,
            Oddity::CachedApart => is_whole,
        };
        assert!(strange, "{oddity:?}: {answer}");
        let billed = gemini.service().billed_totals();
        let expected = (oddity != Oddity::ErrorInside).then_some(billed.usage.total);
        assert_eq!(count("totalTokenCount"), expected, "{oddity:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_without_its_cached_part_can_be_shorter_than_that() {
    let gemini = gemini();
    let mut body = scoring(&[Oddity::CachedApart.text()]);
    body["systemInstruction"] = json!({"parts": [{"text": "rule".repeat(4_200)}]});
    ask(&gemini, &body).await;
    let usage = ask(&gemini, &body).await["usageMetadata"].clone();
    assert!(
        usage["cachedContentTokenCount"].as_u64() > usage["promptTokenCount"].as_u64(),
        "{usage}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_text_may_be_refused_always_or_stop_the_model_now_and_then() {
    let gemini = gemini();
    let refused = |status, name: &str| (status, name.to_owned());
    let refusal = self::refused(&gemini, call(LITE, &marked(Marker::RefuseText))).await;
    assert_eq!(refusal, refused(400, "INVALID_ARGUMENT"));
    let failure = self::refused(&gemini, call(LITE, &marked(Marker::FailText))).await;
    assert_eq!(failure, refused(500, "INTERNAL"));
    for (marker, reason) in [(Marker::Recitation, "RECITATION"), (Marker::Silence, "STOP")] {
        let mut wordless = 0;
        for n in 0..20 {
            let post = format!("post {n} {}", marker.text());
            let answer = ask(&gemini, &scoring(&[&post])).await;
            if answer["candidates"][0]["content"].get("parts").is_none() {
                assert_eq!(finish(&answer), &json!(reason));
                wordless += 1;
            }
        }
        assert!((4..=16).contains(&wordless), "{marker:?}: {wordless}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_credit_nothing_is_generated_and_tokens_are_counted_all_the_same() {
    let gemini = gemini();
    gemini.service().set_credit(false);
    let refusal = refused(&gemini, call(LITE, &scoring(&["post"]))).await;
    assert_eq!(refusal, (402, "RESOURCE_EXHAUSTED".to_owned()));
    gemini.service().set_credit(true);
    ask(&gemini, &scoring(&["post"])).await;
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
async fn a_request_that_breaks_a_rule_is_an_invalid_argument() {
    let gemini = gemini();
    let strings = json!({"type": "array", "items": {"type": "string"}});
    let level = |level: &str| configured("thinkingConfig", json!({"thinkingLevel": level}));
    let budget = json!({"thinkingBudget": 5});
    let both = json!({"thinkingLevel": "LOW", "thinkingBudget": 5});
    for (body, model) in [
        (changed("/prompt", json!("x")), LITE),
        (configured("responseMime", json!("x")), LITE),
        (configured("responseMimeType", Value::Null), LITE),
        (configured("responseMimeType", json!("application/xml")), LITE),
        (configured("responseJsonSchema", strings), LITE),
        (configured("responseSchema/type", json!("array")), LITE),
        (configured("responseSchema/additionalProperties", json!(false)), LITE),
        (configured("presencePenalty", json!(0.5)), LITE),
        (configured("frequencyPenalty", json!(0.5)), "gemini-3.8-flash"),
        (configured("maxOutputTokens", json!(65_537)), LITE),
        (level("MINIMAL"), "gemini-3.8-flash"),
        (level("LOW"), "gemini-2.5-flash"),
        (configured("thinkingConfig", budget), "gemini-4-argon"),
        (configured("thinkingConfig", both), LITE),
        (changed("/contents/0/parts", json!([])), LITE),
        (changed("/contents", json!([])), LITE),
        (changed("/contents", json!([{"role": "model", "parts": [{"text": "["}]}])), LITE),
        (changed("/safetySettings", json!([{"category": "RUDE", "threshold": "OFF"}])), LITE),
        (changed("/cachedContent", json!("cachedContents/x")), LITE),
        (changed("/labels", json!({"a": "b"})), LITE),
    ] {
        let refusal = refused(&gemini, call(model, &body)).await;
        assert_eq!(refusal, (400, "INVALID_ARGUMENT".into()), "{body}");
    }
    assert_eq!(gemini.service().billed_totals().answers, 0);
}

#[tokio::test(start_paused = true)]
async fn what_newer_models_refuse_older_ones_take() {
    let gemini = gemini();
    let prefill =
        json!([{"parts": [{"text": "Score."}]}, {"role": "model", "parts": [{"text": "["}]}]);
    let settings = json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]);
    for (body, model) in [
        (configured("presencePenalty", json!(0.5)), "gemini-3.5-flash"),
        (changed("/contents", prefill), "gemini-3.5-flash"),
        (configured("thinkingConfig", json!({"thinkingLevel": "MINIMAL"})), LITE),
        (changed("/safety_settings", settings), LITE),
    ] {
        assert_eq!(reply(&gemini, call(model, &body)).await.status(), StatusCode::OK, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_goes_into_the_header_or_the_query_and_must_be_right() {
    let gemini = gemini();
    let (path, body) = (format!("/v1beta/models/{LITE}:generateContent"), scoring(&["a"]));
    let by_query = post(&format!("{path}?key={KEY}"), &body);
    assert_eq!(reply(&gemini, by_query).await.status(), StatusCode::OK);
    let (status, wrong) = json(&gemini, with(post(&path, &body), "x-goog-api-key", "other")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong["error"]["status"], "INVALID_ARGUMENT");
    assert_eq!(wrong["error"]["details"][0]["reason"], "API_KEY_INVALID");
    assert_eq!(refused(&gemini, post(&path, &body)).await, (403, "PERMISSION_DENIED".into()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_model_or_path_is_not_found() {
    let gemini = gemini();
    let body = scoring(&["a"]);
    assert_eq!(refused(&gemini, call("gemini-1.0", &body)).await, (404, "NOT_FOUND".into()));
    let no_version =
        with(post(&format!("/v2/models/{LITE}:generateContent"), &body), "x-goog-api-key", KEY);
    assert_eq!(refused(&gemini, no_version).await, (404, "NOT_FOUND".into()));
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
async fn one_of_an_enum_is_answered_as_plain_text() {
    let gemini = gemini();
    let config = json!({"responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["good", "bad"]}});
    let answer = ask(&gemini, &changed("/generationConfig", config)).await;
    let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
    assert!(["good", "bad"].contains(&text), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_retired_model_is_silently_answered_by_another() {
    let moment = "2026-12-01T00:00:00Z".parse().unwrap();
    let gemini = gemini_on(Arc::new(MemoryStore::default()), Clock::new(move || moment));
    let (_, answer) = json(&gemini, call("gemini-2.5-flash", &scoring(&["a"]))).await;
    assert_eq!(answer["modelVersion"], LITE);
    assert_eq!(gemini.service().billed()[0].model, LITE);
}

#[tokio::test(start_paused = true)]
async fn refusals_have_googles_shape() {
    let gemini = gemini();
    let fault = |fault| gemini.faults().add(once(fault));
    fault(Fault::TooManyRequests);
    let (status, body) = json(&gemini, call(LITE, &scoring(&["a"]))).await;
    assert_eq!((status.as_u16(), &body["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    let details = &body["error"]["details"];
    assert!(details[0]["violations"][0]["quotaId"].as_str().unwrap().contains("PerMinute"));
    assert_eq!(details[2]["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(details[2]["retryDelay"], "2s");
    fault(Fault::InternalError);
    assert_eq!(refused(&gemini, call(LITE, &json!({}))).await, (500, "INTERNAL".into()));
    fault(Fault::Unavailable);
    assert_eq!(refused(&gemini, call(LITE, &json!({}))).await, (503, "UNAVAILABLE".into()));
    assert_eq!(gemini.service().billed_totals().answers, 0);
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
