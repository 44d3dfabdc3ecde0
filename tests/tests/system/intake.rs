//! What a sender of webhooks observes.

use crate::sent::Sent;
use lambda_http::Body;
use lambda_http::http::Request;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use std::time::Duration;
use tests::{Pipeline, WEBHOOK_TOKEN};

const HOOK: &str = "/webhooks/apify";
const APIFY_RUN: &str = "HG7ML7M8z78YcAPEB";

fn authorized() -> String {
    format!("Bearer {WEBHOOK_TOKEN}")
}

/// Status and error type of an answer.
fn refused((status, body): &(u16, Value)) -> (u16, &str) {
    assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    (*status, body["error"]["type"].as_str().unwrap())
}

#[tokio::test]
async fn every_refusal_has_its_status_and_says_why() {
    let pipeline = Pipeline::start().await;
    let token = authorized();
    let with_token = [("authorization", token.as_str())];
    let run = json!({"resource": {"id": APIFY_RUN}}).to_string();

    for headers in
        [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", WEBHOOK_TOKEN)]]
    {
        let answer = pipeline.send("POST", HOOK, headers, &run).await;
        assert_eq!(refused(&answer), (401, "UNAUTHORIZED"), "{headers:?}");
    }
    let cases = [
        (pipeline.send("POST", HOOK, &with_token, "{\"resource\":").await, (400, "NOT_JSON")),
        (pipeline.send("POST", HOOK, &with_token, "").await, (400, "NOT_JSON")),
        (pipeline.send("POST", HOOK, &with_token, "{}").await, (400, "NO_RUN_ID")),
        (
            pipeline.send("POST", HOOK, &with_token, r#"{"runId":"{{resource.id}}"}"#).await,
            (400, "NO_RUN_ID"),
        ),
        (pipeline.send("GET", HOOK, &with_token, "").await, (405, "METHOD_NOT_ALLOWED")),
        (pipeline.send("POST", "/elsewhere", &with_token, &run).await, (404, "NOT_FOUND")),
        (
            pipeline.send("POST", HOOK, &with_token, &" ".repeat(1_048_577)).await,
            (413, "BODY_TOO_LARGE"),
        ),
        (pipeline.post("/runs", r#"{"kind":"post"}"#).await, (400, "INVALID_FIELD")),
        (pipeline.post("/runs", "[]").await, (400, "NOT_JSON")),
        (pipeline.send("POST", "/runs", &[], "{}").await, (401, "UNAUTHORIZED")),
    ];
    for (answer, expected) in &cases {
        assert_eq!(refused(answer), *expected, "{answer:?}");
    }
    pipeline.settle().await;
    assert_eq!(pipeline.records().len(), 0, "nothing refused leaves a trace");
}

#[tokio::test]
async fn a_test_webhook_and_events_that_end_no_run_are_answered_and_do_nothing() {
    let pipeline = Pipeline::start().await;
    for body in [
        json!({"eventType": "TEST", "eventData": null, "resource": {"joke": "Knock, knock."}}),
        json!({"eventType": "ACTOR.RUN.CREATED", "resource": {"id": APIFY_RUN}}),
    ] {
        let (status, answer) = pipeline.post(HOOK, &body.to_string()).await;
        assert_eq!((status, &answer["accepted"]), (200, &json!(false)));
    }
    pipeline.settle().await;
    assert_eq!(pipeline.records().len(), 0);
}

#[tokio::test]
async fn a_byte_order_mark_in_front_of_a_body_is_not_of_it() {
    let pipeline = Pipeline::start().await;
    let (webhook, run) = (r#"{"eventType":"TEST"}"#, r#"{"clientId":"Guy-Wilson","kind":"post"}"#);
    for (path, body, status) in [(HOOK, webhook, 200), ("/runs", run, 202)] {
        let answer = pipeline.post(path, &format!("\u{feff}{body}")).await;
        assert_eq!(answer.0, status, "{answer:?}");
    }
}

#[tokio::test]
async fn both_tokens_are_let_in_while_one_replaces_the_other() {
    let pipeline = Pipeline::start_with(&[("WEBHOOK_TOKEN_PREVIOUS", "last-months-token")]).await;
    for token in [WEBHOOK_TOKEN, "last-months-token"] {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str())];
        let answer = pipeline.send("POST", HOOK, &headers, r#"{"eventType":"TEST"}"#).await;
        assert_eq!(answer.0, 200);
    }
}

/// The answer to a webhook if each message takes `each`, and the time until then.
async fn answered_when_slow(each: Duration) -> (u16, Duration) {
    let config = webhook_intake::Config::read(|_| Some(WEBHOOK_TOKEN.to_owned())).unwrap();
    let queue = Sent { each, ..Sent::default() };
    let intake = webhook_intake::Intake::new(config, queue, Clock::system());
    let body = json!({"resource": {"id": APIFY_RUN}}).to_string();
    let request = Request::post(HOOK).header("authorization", authorized());
    let begun = tokio::time::Instant::now();
    let response = webhook_intake::handle(&intake, request.body(Body::Text(body)).unwrap()).await;
    (response.status().as_u16(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_is_reported_in_time_for_both_messages_together() {
    let second = Duration::from_secs(1);
    assert_eq!(answered_when_slow(3 * second).await, (202, 6 * second));
    assert_eq!(answered_when_slow(5 * second).await, (503, webhook_intake::QUEUE_TIME));
    assert_eq!(answered_when_slow(60 * second).await, (503, webhook_intake::QUEUE_TIME));
}

#[tokio::test]
async fn a_request_to_score_what_is_waiting_is_accepted_with_its_run_id() {
    let pipeline = Pipeline::start().await;
    let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": "251014-153000"});
    let (status, answer) = pipeline.post("/runs", &body.to_string()).await;
    assert_eq!((status, answer), (202, json!({"accepted": true, "runId": "251014-153000"})));
}
