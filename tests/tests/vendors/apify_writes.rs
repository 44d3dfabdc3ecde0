//! What callers of Apify can start, store and have sent: runs, datasets, records and webhooks.

use crate::common::{MemoryStore, clock, get, json, post, reply, with};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::apify::{Apify, ApifyOptions, Delivery, RunSpec, RunStatus, WebhookSender};
use simulators::{Request, Simulated, Store};
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "apify_api_invented";
const RUNS: &str = "/v2/actors/harvestapi~linkedin-profile-posts/runs";
const URL: &str = "http://127.0.0.1:9/hook";

/// Accepts every webhook.
struct Willing;

impl WebhookSender for Willing {
    fn post(&self, _request: Request) -> Delivery {
        Box::pin(async { Some(StatusCode::OK) })
    }
}

fn apify_on(store: Arc<dyn Store>) -> Simulated<Apify> {
    let options = ApifyOptions { tokens: vec![TOKEN.into()], ..ApifyOptions::default() };
    Simulated::new(Apify::new(options, clock(), store, Arc::new(Willing)), 1)
}

fn apify() -> Simulated<Apify> {
    apify_on(Arc::new(MemoryStore::default()))
}

fn asked(method: Method, path: &str, body: &Value) -> Request {
    let mut request = with(post(path, body), "authorization", &format!("Bearer {TOKEN}"));
    *request.method_mut() = method;
    if body.is_null() {
        *request.body_mut() = Bytes::new();
    }
    request
}

/// The status and the contents of an answer.
async fn ask(apify: &Simulated<Apify>, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = reply(apify, asked(method, path, &body)).await;
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    (status, body.get("data").cloned().unwrap_or(body))
}

async fn read(apify: &Simulated<Apify>, path: &str) -> Value {
    ask(apify, Method::GET, path, Value::Null).await.1
}

/// The dispatched events, oldest first.
async fn events(apify: &Simulated<Apify>) -> Vec<Value> {
    let all = read(apify, "/v2/webhook-dispatches").await["items"].take();
    all.as_array().unwrap().iter().map(|dispatch| dispatch["eventType"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_started_run_keeps_its_input_and_is_over_without_an_item() {
    let apify = apify();
    let hook = json!([{"eventTypes": ["ACTOR.RUN.SUCCEEDED", "ACTOR.RUN.CREATED"],
        "requestUrl": URL, "doNotRetry": true}]);
    let hook = STANDARD.encode(hook.to_string()).replace('=', "%3D").replace('+', "%2B");
    let path = format!("{RUNS}?maxItems=3&maxTotalChargeUsd=0.5&webhooks={hook}");
    let (status, run) = ask(&apify, Method::POST, &path, json!({"targetUrls": ["a", "b"]})).await;
    assert_eq!((status, &run["status"]), (201, &json!("SUCCEEDED")));
    assert_eq!(run["options"]["maxItems"], 3);
    assert_eq!(run["chargedEventCounts"], json!({"actor-start": 1}), "no target was tried");
    let store = run["defaultKeyValueStoreId"].as_str().unwrap();
    let input = read(&apify, &format!("/v2/key-value-stores/{store}/records/INPUT")).await;
    assert_eq!(input, json!({"targetUrls": ["a", "b"]}));
    assert_eq!(read(&apify, &format!("{RUNS}/last/dataset/items")).await, json!([]));
    assert_eq!(events(&apify).await, ["ACTOR.RUN.CREATED", "ACTOR.RUN.SUCCEEDED"]);
    let (_, refused) = ask(&apify, Method::POST, &format!("{RUNS}?webhooks=x"), json!({})).await;
    assert_eq!(refused["error"]["type"], "invalid-value");
    let unknown = ask(&apify, Method::POST, "/v2/actors/a~b/runs", json!({})).await;
    assert_eq!((unknown.0, &unknown.1["error"]["type"]), (404, &json!("record-not-found")));
}

#[tokio::test(start_paused = true)]
async fn without_credit_no_run_can_be_started() {
    let apify = apify();
    reply(&apify, post("/_sim/credit", &json!(false))).await;
    let (status, refused) = ask(&apify, Method::POST, RUNS, json!({})).await;
    let kind = "not-enough-usage-to-run-paid-actor";
    assert_eq!((status, &refused["error"]["type"]), (402, &json!(kind)));
    reply(&apify, post("/_sim/credit", &json!(true))).await;
    assert_eq!(ask(&apify, Method::POST, RUNS, json!({})).await.0, 201);
}

#[tokio::test(start_paused = true)]
async fn a_resurrected_run_ends_a_second_time_and_an_aborted_one_keeps_its_items() {
    let apify = apify();
    let items = vec![json!({"id": "1"})];
    let spec = RunSpec { status: RunStatus::Running, items, ..RunSpec::default() };
    let run = format!("/v2/actor-runs/{}", apify.service().add_run(spec));
    let hook = json!({"eventTypes": ["ACTOR.RUN.ABORTED", "ACTOR.RUN.RESURRECTED",
        "ACTOR.RUN.SUCCEEDED"], "requestUrl": URL,
        "condition": {"actorId": "harvestapi~linkedin-profile-posts"}});
    assert_eq!(ask(&apify, Method::POST, "/v2/webhooks", hook).await.0, 201);
    let early = ask(&apify, Method::POST, &format!("{run}/resurrect"), Value::Null).await;
    assert_eq!(early.0, 400, "it is not over");
    let (_, aborted) = ask(&apify, Method::POST, &format!("{run}/abort"), Value::Null).await;
    assert_eq!(aborted["status"], "ABORTED");
    let (_, again) = ask(&apify, Method::POST, &format!("{run}/resurrect"), Value::Null).await;
    assert_eq!((&again["status"], &again["id"]), (&json!("SUCCEEDED"), &aborted["id"]));
    assert_eq!(again["stats"]["resurrectCount"], 1);
    assert_eq!(read(&apify, &format!("{run}/dataset/items")).await, json!([{"id": "1"}]));
    let expected = ["ACTOR.RUN.ABORTED", "ACTOR.RUN.RESURRECTED", "ACTOR.RUN.SUCCEEDED"];
    assert_eq!(events(&apify).await, expected);
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_by_when_they_started() {
    let apify = apify();
    for hour in [8, 9, 10] {
        let started_at = format!("2026-11-23T{hour:02}:00:00Z").parse().ok();
        apify.service().add_run(RunSpec { started_at, ..RunSpec::default() });
    }
    let total =
        async |query: &str| read(&apify, &format!("/v2/actor-runs?{query}")).await["total"].clone();
    assert_eq!(total("startedAfter=2026-11-23T09:00:00.000Z").await, 2);
    let between = "startedAfter=2026-11-23T08:30:00Z&startedBefore=2026-11-23T09:30:00Z";
    assert_eq!(total(between).await, 1);
    let (status, _) =
        ask(&apify, Method::GET, "/v2/actor-runs?startedAfter=soon", Value::Null).await;
    assert_eq!(status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_named_dataset_takes_items_until_it_is_deleted() {
    let store = Arc::new(MemoryStore::default());
    let apify = apify_on(store.clone());
    let (status, made) = ask(&apify, Method::POST, "/v2/datasets?name=mine", Value::Null).await;
    assert_eq!((status, &made["name"]), (201, &json!("mine")));
    let same = ask(&apify, Method::POST, "/v2/datasets?name=mine", Value::Null).await.1;
    assert_eq!(same["id"], made["id"], "a name stands for one dataset");
    let path = format!("/v2/datasets/{}", made["id"].as_str().unwrap());
    let items = format!("{path}/items");
    assert_eq!(ask(&apify, Method::POST, &items, json!([{"n": 1}, {}])).await.0, 201);
    assert_eq!(ask(&apify, Method::POST, &items, json!({"n": 2})).await.0, 201);
    assert_eq!(ask(&apify, Method::POST, &items, json!([1])).await.0, 400);
    let apify = apify_on(store);
    let page = reply(&apify, asked(Method::GET, &format!("{items}?clean=1"), &Value::Null)).await;
    let page_headers = page.headers();
    assert_eq!(page.body().as_ref(), br#"[{"n":1},{"n":2}]"#);
    assert_eq!(page_headers["x-apify-pagination-count"], "3", "of the items that were read");
    assert_eq!(page_headers["x-apify-pagination-desc"], "false");
    assert_eq!(read(&apify, "/v2/datasets/simulated~mine").await["cleanItemCount"], 2);
    let renamed = ask(&apify, Method::PUT, &path, json!({"name": "yours"})).await.1;
    assert_eq!(renamed["name"], "yours");
    assert_eq!(ask(&apify, Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(ask(&apify, Method::GET, &path, Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_is_no_limit() {
    let apify = apify();
    let items = (0..3).map(|n| json!({"n": n})).collect();
    let run = apify.service().add_run(RunSpec { items, ..RunSpec::default() });
    let page = read(&apify, &format!("/v2/actor-runs/{run}/dataset/items?limit=0&offset=1")).await;
    assert_eq!(page.as_array().unwrap().len(), 2);
    assert_eq!(read(&apify, "/v2/actor-runs?limit=0").await["limit"], 1_000);
}

#[tokio::test(start_paused = true)]
async fn records_are_kept_as_they_were_sent_and_listed_by_key() {
    let store = Arc::new(MemoryStore::default());
    let apify = apify_on(store.clone());
    let (_, made) = ask(&apify, Method::POST, "/v2/key-value-stores", Value::Null).await;
    let path = format!("/v2/key-value-stores/{}", made["id"].as_str().unwrap());
    for key in ["b", "a", "c"] {
        let mut record = asked(Method::PUT, &format!("{path}/records/{key}"), &Value::Null);
        *record.body_mut() = Bytes::from(vec![0, 159, 146]);
        let record = with(record, "content-type", "image/png");
        assert_eq!(reply(&apify, record).await.status(), StatusCode::CREATED);
    }
    let apify = apify_on(store);
    let record = asked(Method::GET, &format!("{path}/records/b"), &Value::Null);
    let record = reply(&apify, record).await;
    assert_eq!(
        (&record.headers()["content-type"], record.body().len()),
        (&"image/png".parse().unwrap(), 3)
    );
    let keys = read(&apify, &format!("{path}/keys?limit=2")).await;
    assert_eq!((&keys["items"][1]["key"], &keys["isTruncated"]), (&json!("b"), &json!(true)));
    let rest = read(&apify, &format!("{path}/keys?exclusiveStartKey=b")).await;
    assert_eq!((&rest["items"][0]["key"], &rest["count"]), (&json!("c"), &json!(1)));
    let exists = |key: &str| asked(Method::HEAD, &format!("{path}/records/{key}"), &Value::Null);
    assert_eq!(reply(&apify, exists("b")).await.status(), StatusCode::OK);
    let gone = ask(&apify, Method::DELETE, &format!("{path}/records/b"), Value::Null).await;
    assert_eq!(gone.0, 204);
    assert_eq!(reply(&apify, exists("b")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask(&apify, Method::PUT, &format!("{path}/records/a%20b"), json!(1)).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_stays_is_sent_for_its_runs_only_and_tells_its_dispatches() {
    let store = Arc::new(MemoryStore::default());
    let apify = apify_on(store.clone());
    let other = RunSpec { actor_id: Some("some~other".into()), ..RunSpec::default() };
    let hook = json!({"eventTypes": ["ACTOR.RUN.SUCCEEDED"], "requestUrl": URL,
        "condition": {"actorId": "some~other"}, "idempotencyKey": "k", "description": "d",
        "payloadTemplate": "{\"run\": {{resource.id}}}"});
    let (status, made) = ask(&apify, Method::POST, "/v2/webhooks", hook.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(ask(&apify, Method::POST, "/v2/webhooks", hook).await.1["id"], made["id"]);
    let apify = apify_on(store);
    apify.service().add_run(RunSpec::default());
    apify.service().add_run(other);
    let path = format!("/v2/webhooks/{}", made["id"].as_str().unwrap());
    let (_, test) = ask(&apify, Method::POST, &format!("{path}/test"), Value::Null).await;
    assert_eq!((&test["eventType"], &test["eventData"]), (&json!("TEST"), &Value::Null));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let sent = read(&apify, &format!("{path}/dispatches")).await;
    assert_eq!((&sent["total"], &sent["items"][0]["status"]), (&json!(2), &json!("SUCCEEDED")));
    assert_eq!(sent["items"][0]["webhookId"], made["id"]);
    assert_eq!(sent["items"][0]["webhook"]["condition"], json!({"actorId": "some~other"}));
    let changed = json!({"requestUrl": "http://127.0.0.1:9/other", "headersTemplate": null});
    let (_, changed) = ask(&apify, Method::PUT, &path, changed).await;
    assert_eq!(
        (&changed["requestUrl"], &changed["description"]),
        (&json!("http://127.0.0.1:9/other"), &json!("d"))
    );
    assert_eq!(ask(&apify, Method::PUT, &path, json!({"payloadTemplate": "{{no"})).await.0, 400);
    assert_eq!(ask(&apify, Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(ask(&apify, Method::GET, &path, Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_is_answered_as_apify_answers() {
    let apify = apify();
    for path in ["/v2/request-queues", "/v2/schedules", "/v2/actor-tasks", "/v2/actor-builds"] {
        let (status, body) = json(&apify, asked(Method::GET, path, &Value::Null)).await;
        assert_eq!(
            (status, &body["error"]["type"]),
            (StatusCode::NOT_FOUND, &json!("page-not-found"))
        );
    }
    let (status, body) = json(&apify, asked(Method::DELETE, "/v2/webhooks", &Value::Null)).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body["error"]["message"].as_str().unwrap().ends_with("GET, POST"));
    let nobody = reply(&apify, get("/v2/datasets")).await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
}
