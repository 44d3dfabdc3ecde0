//! Requests that are refused, and requests that are not.

use super::world::{KEY, LITE, ask, call, changed, configured, gemini, refused, scoring};
use crate::common::{json, once, post, reply, with};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::{Fault, FaultRule};

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
async fn without_credit_nothing_is_generated_and_tokens_are_counted_all_the_same() {
    let gemini = gemini();
    gemini.service().set_credit(false);
    let refusal = refused(&gemini, call(LITE, &scoring(&["post"]))).await;
    assert_eq!(refusal, (402, "RESOURCE_EXHAUSTED".to_owned()));
    gemini.service().set_credit(true);
    ask(&gemini, &scoring(&["post"])).await;
}
