//! Rules from the documentation of Apify's REST calls and dataset items.

use crate::common::{MemoryStore, clock, get, json, once, post, reply, with};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::apify::{Apify, ApifyOptions, Delivery, RunSpec, RunStatus, WebhookSender};
use simulators::{Fault, Request, Response, Simulated, Store};
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "apify_api_invented";

/// Receives no webhooks. The tests of webhooks are in webhooks.rs.
struct Deaf;

impl WebhookSender for Deaf {
    fn post(&self, _request: Request) -> Delivery {
        Box::pin(async { None })
    }
}

fn apify_on(store: Arc<dyn Store>) -> Simulated<Apify> {
    let options = ApifyOptions { tokens: vec![TOKEN.into()], ..ApifyOptions::default() };
    Simulated::new(Apify::new(options, clock(), store, Arc::new(Deaf)), 1)
}

fn apify() -> Simulated<Apify> {
    apify_on(Arc::new(MemoryStore::default()))
}

fn owned(path: &str) -> Request {
    with(get(path), "authorization", &format!("Bearer {TOKEN}"))
}

/// The path of a run that is invented here.
fn added(apify: &Simulated<Apify>, spec: RunSpec) -> String {
    format!("/v2/actor-runs/{}", apify.service().add_run(spec))
}

fn with_items(items: Vec<Value>) -> RunSpec {
    RunSpec { items, ..RunSpec::default() }
}

fn numbered(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"type": "post", "id": n.to_string(), "#debug": 1})).collect()
}

async fn data(apify: &Simulated<Apify>, path: &str) -> Value {
    let (status, body) = json(apify, owned(path)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["data"].clone()
}

async fn refusal(apify: &Simulated<Apify>, request: Request) -> (u16, String) {
    let (status, body) = json(apify, request).await;
    (status.as_u16(), body["error"]["type"].as_str().unwrap().to_owned())
}

fn header(response: &Response, name: &str) -> usize {
    response.headers()[name].to_str().unwrap().parse().unwrap()
}

fn ids(response: &Response) -> Vec<String> {
    let items: Vec<Value> = serde_json::from_slice(response.body()).unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_is_readable_without_a_token_but_hides_its_cost() {
    let apify = apify();
    let spec = RunSpec { cost_usd: Some(1.25), ..RunSpec::default() };
    let path = added(&apify, spec);
    assert_eq!(data(&apify, &path).await["usageTotalUsd"], 1.25);
    assert_eq!(data(&apify, &path).await["status"], "SUCCEEDED");
    let (status, body) = json(&apify, get(&path)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["data"]["status"], "SUCCEEDED");
    assert_eq!(body["data"].get("usageTotalUsd"), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_from_the_header_or_the_query() {
    let apify = apify();
    let path = added(&apify, RunSpec::default());
    let unknown = with(get(&path), "authorization", "Bearer other");
    assert_eq!(refusal(&apify, unknown).await, (401, "user-or-token-not-found".into()));
    let not_bearer = with(get(&path), "authorization", TOKEN);
    assert_eq!(refusal(&apify, not_bearer).await, (401, "invalid-token".into()));
    let (status, body) = json(&apify, get(&format!("{path}?token={TOKEN}"))).await;
    assert_eq!((status, body["data"]["usageTotalUsd"].is_number()), (StatusCode::OK, true));
}

#[tokio::test(start_paused = true)]
async fn all_but_a_run_needs_a_token() {
    let apify = apify();
    let run = apify.service().add_run(RunSpec::default());
    for path in [
        "/v2/actor-runs".to_owned(),
        format!("/v2/actor-runs/{run}/dataset/items"),
        format!("/v2/actor-runs/{run}/key-value-store/records/INPUT"),
        "/v2/datasets/x".to_owned(),
        "/v2/webhook-dispatches/x".to_owned(),
    ] {
        let refused = refusal(&apify, get(&path)).await;
        assert_eq!(refused, (401, "token-not-provided".into()), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_names_its_type() {
    let apify = apify();
    let run = added(&apify, RunSpec::default());
    for (request, expected) in [
        (owned("/v2/actor-runs/none"), (404, "record-not-found")),
        (owned("/v2/datasets/none/items"), (404, "record-not-found")),
        (owned(&format!("{run}/key-value-store/records/OUTPUT")), (404, "record-not-found")),
        (owned("/v2/actors/somebody~else/runs"), (404, "record-not-found")),
        (owned("/v2/nothing"), (404, "page-not-found")),
        (owned(&format!("{run}/dataset/items?limit=many")), (400, "invalid-value")),
        (owned(&format!("{run}/dataset/items?format=csv")), (400, "invalid-value")),
        (owned(&format!("{run}/dataset/items?clean=maybe")), (400, "invalid-value")),
        (owned("/v2/actor-runs?status=DONE"), (400, "invalid-value")),
        (owned(&format!("{run}?waitForFinish=soon")), (400, "invalid-value")),
    ] {
        let path = request.uri().to_string();
        assert_eq!(refusal(&apify, request).await, (expected.0, expected.1.into()), "{path}");
    }
    let mut replaced = owned(&run);
    *replaced.method_mut() = Method::PUT;
    assert_eq!(refusal(&apify, replaced).await, (405, "method-not-allowed".into()));
}

#[tokio::test(start_paused = true)]
async fn a_faults_refusal_has_apifys_shape() {
    let apify = apify();
    for (fault, status, kind) in [
        (Fault::TooManyRequests, 429, "rate-limit-exceeded"),
        (Fault::InternalError, 500, "internal-server-error"),
        (Fault::Unavailable, 503, "internal-server-error"),
    ] {
        apify.faults().add(once(fault));
        assert_eq!(refusal(&apify, owned("/v2/actor-runs")).await, (status, kind.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_in_pages_with_the_totals_around_them() {
    let apify = apify();
    for status in [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Succeeded] {
        apify.service().add_run(RunSpec { status, ..RunSpec::default() });
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let other = RunSpec { actor_id: Some("other~actor".into()), ..RunSpec::default() };
    apify.service().add_run(other);

    let page = data(&apify, "/v2/actor-runs?offset=1&limit=2&desc=1").await;
    let shape = ["total", "offset", "limit", "count", "desc"].map(|key| page[key].clone());
    assert_eq!(json!(shape), json!([4, 1, 2, 2, true]));
    let statuses = [&page["items"][0]["status"], &page["items"][1]["status"]];
    assert_eq!(statuses, ["SUCCEEDED", "FAILED"]);

    for (path, total) in [
        ("/v2/actor-runs?status=SUCCEEDED", 3),
        ("/v2/actor-runs?status=FAILED,SUCCEEDED", 4),
        ("/v2/actors/harvestapi~linkedin-profile-posts/runs", 3),
        ("/v2/acts/other~actor/runs", 1),
    ] {
        assert_eq!(data(&apify, path).await["total"], total, "{path}");
    }
    let by_id = format!("/v2/actors/{}/runs", page["items"][0]["actId"].as_str().unwrap());
    assert_eq!(data(&apify, &by_id).await["total"], 3);
}

#[tokio::test(start_paused = true)]
async fn items_come_in_storage_order_as_a_bare_array_with_headers() {
    let apify = apify();
    let run = apify.service().add_run(with_items(numbered(5)));
    tokio::time::advance(Duration::from_secs(5)).await;
    let path = format!("/v2/actor-runs/{run}/dataset/items");
    let page = reply(&apify, owned(&format!("{path}?offset=1&limit=2"))).await;
    assert_eq!(ids(&page), ["1", "2"]);
    let numbers = ["offset", "limit", "count", "total"]
        .map(|name| header(&page, &format!("x-apify-pagination-{name}")));
    assert_eq!(numbers, [1, 2, 2, 5]);
    let backwards = reply(&apify, owned(&format!("{path}?desc=1&limit=2"))).await;
    assert_eq!(ids(&backwards), ["4", "3"]);

    let dataset = data(&apify, &format!("/v2/actor-runs/{run}")).await["defaultDatasetId"].clone();
    let same = format!("/v2/datasets/{}/items", dataset.as_str().unwrap());
    assert_eq!(ids(&reply(&apify, owned(&same)).await).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_clean_page_may_be_short_though_more_items_follow() {
    let apify = apify();
    let mut items = numbered(4);
    items[1] = json!({"#debug": "hidden keys only"});
    let run = apify.service().add_run(with_items(items));
    tokio::time::advance(Duration::from_secs(5)).await;
    let path = format!("/v2/actor-runs/{run}/dataset/items?clean=1&limit=2");
    let page = reply(&apify, owned(&path)).await;
    assert_eq!(ids(&page), ["0"]);
    assert_eq!(header(&page, "x-apify-pagination-total"), 4);
    assert!(!String::from_utf8_lossy(page.body()).contains("#debug"));
    let next = reply(&apify, owned(&format!("{path}&offset=2"))).await;
    assert_eq!(ids(&next), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn fields_and_omit_choose_top_level_keys_and_jsonl_writes_a_line_an_item() {
    let apify = apify();
    let item = json!({"id": "1", "type": "post", "author": {"id": "a"}});
    let path = added(&apify, with_items(vec![item, json!({"id": "2"})])) + "/dataset/items";
    let (_, fields) = json(&apify, owned(&format!("{path}?fields=id,author"))).await;
    assert_eq!(fields, json!([{"id": "1", "author": {"id": "a"}}, {"id": "2"}]));
    let (_, omit) = json(&apify, owned(&format!("{path}?omit=id,author"))).await;
    assert_eq!(omit, json!([{"type": "post"}, {}]));
    let lines = reply(&apify, owned(&format!("{path}?fields=id&format=jsonl"))).await;
    assert_eq!(lines.body(), "{\"id\":\"1\"}\n{\"id\":\"2\"}\n");
}

#[tokio::test(start_paused = true)]
async fn counts_lag_behind_the_end_of_a_run_while_the_items_are_there() {
    let apify = apify();
    let run = apify.service().add_run(with_items(numbered(10)));
    let view = data(&apify, &format!("/v2/actor-runs/{run}")).await;
    let dataset = format!("/v2/datasets/{}", view["defaultDatasetId"].as_str().unwrap());
    let items = format!("{dataset}/items");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = reply(&apify, owned(&items)).await;
        assert_eq!(ids(&page).len(), 10);
        let count = data(&apify, &dataset).await["itemCount"].clone();
        seen.push((header(&page, "x-apify-pagination-total"), count));
        tokio::time::advance(Duration::from_millis(2_500)).await;
    }
    assert_eq!(seen, [(0, json!(0)), (5, json!(5)), (10, json!(10))]);
}

#[tokio::test(start_paused = true)]
async fn a_cost_may_be_preliminary_for_ten_seconds() {
    let apify = apify();
    let spec =
        RunSpec { cost_usd: Some(0.5), preliminary_cost_usd: Some(0.3), ..RunSpec::default() };
    let path = added(&apify, spec);
    assert_eq!(data(&apify, &path).await["usageTotalUsd"], 0.3);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(data(&apify, &path).await["usageTotalUsd"], 0.5);
}

#[tokio::test(start_paused = true)]
async fn the_input_is_returned_verbatim_by_both_routes() {
    let apify = apify();
    let input = json!({"targetUrls": ["https://www.linkedin.com/in/janedoe/"], "maxPosts": 3});
    let run = apify.service().add_run(RunSpec { input: input.clone(), ..RunSpec::default() });
    let view = data(&apify, &format!("/v2/actor-runs/{run}")).await;
    let store = view["defaultKeyValueStoreId"].as_str().unwrap().to_owned();
    for path in [
        format!("/v2/actor-runs/{run}/key-value-store/records/INPUT"),
        format!("/v2/key-value-stores/{store}/records/INPUT"),
    ] {
        assert_eq!(json(&apify, owned(&path)).await, (StatusCode::OK, input.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_takes_sixty_requests_a_second() {
    let apify = apify();
    let path = added(&apify, RunSpec::default());
    for _ in 0..60 {
        let response = reply(&apify, owned(&path)).await;
        assert_eq!(
            (response.status(), header(&response, "x-ratelimit-limit")),
            (StatusCode::OK, 60)
        );
    }
    assert_eq!(refusal(&apify, owned(&path)).await, (429, "rate-limit-exceeded".into()));
    assert_eq!(reply(&apify, owned("/v2/actor-runs")).await.status(), StatusCode::OK);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(reply(&apify, owned(&path)).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_run_that_is_not_over_takes_the_whole_time() {
    let apify = apify();
    let open = RunSpec { status: RunStatus::Running, ..RunSpec::default() };
    let path = format!("/v2/actor-runs/{}?waitForFinish=20", apify.service().add_run(open));
    let before = tokio::time::Instant::now();
    let view = data(&apify, &path).await;
    assert_eq!((before.elapsed().as_secs(), view.get("finishedAt")), (20, None));
    let before = tokio::time::Instant::now();
    data(&apify, &path.replace("=20", "=999999")).await;
    assert_eq!(before.elapsed().as_secs(), 60, "what Apify's clients ask for is cut");
}

#[tokio::test(start_paused = true)]
async fn runs_survive_a_restart_and_their_ids_are_not_given_out_again() {
    let store = Arc::new(MemoryStore::default());
    let before = apify_on(store.clone());
    let run = before.service().add_run(with_items(numbered(2)));
    let deleted = before.service().add_run(RunSpec::default());
    assert!(before.service().delete_run(&deleted));
    let path = format!("/v2/actor-runs/{run}");
    let view = data(&before, &path).await;
    drop(before);

    let after = apify_on(store);
    assert_eq!(data(&after, &path).await, view);
    assert_eq!(ids(&reply(&after, owned(&format!("{path}/dataset/items"))).await), ["0", "1"]);
    let new = after.service().add_run(RunSpec::default());
    assert!(new != run && new != deleted);
    let gone = owned(&format!("/v2/actor-runs/{deleted}"));
    assert_eq!(refusal(&after, gone).await, (404, "record-not-found".into()));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_made_up_over_http_and_a_reset_forgets_it() {
    let apify = apify();
    let spec = json!({
        "status": "TIMED-OUT", "input": {"targetUrls": []}, "items": [{"id": "1"}],
        "costUsd": 0.25, "finishedAt": "2026-11-23T09:00:00Z",
    });
    let (status, made) = json(&apify, post("/_sim/runs", &spec)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let path = format!("/v2/actor-runs/{}", made["runId"].as_str().unwrap());
    let view = data(&apify, &path).await;
    assert_eq!(view["defaultDatasetId"], made["datasetId"]);
    assert_eq!([&view["status"], &view["finishedAt"]], ["TIMED-OUT", "2026-11-23T09:00:00.000Z"]);

    let (status, _) = json(&apify, post("/_sim/runs", &json!({"cost": 1}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    reply(&apify, post("/_sim/reset", &json!({}))).await;
    assert_eq!(refusal(&apify, owned(&path)).await, (404, "record-not-found".into()));
}
