//! Rules from the documentation of Apify's webhook delivery.

use crate::common::{MemoryStore, START, clock, get, json, post, with};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use simulators::apify::{
    Apify, ApifyOptions, Delivery, Dispatch, DispatchStatus, EventType, HttpSender, RunSpec,
    RunStatus, Webhook, WebhookSender, WebhookSpec,
};
use simulators::{Clock, NoStore, Request, Simulated, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const TOKEN: &str = "apify_api_invented";
const URL: &str = "http://127.0.0.1:9/webhooks/apify?clientId=Guy-Wilson";
const MINUTE: Duration = Duration::from_secs(60);
/// Longest time of a test, so that one that hangs ends.
const HANGS_AFTER: Duration = Duration::from_mins(10);

/// Records what arrives and when, and answers as told, or with 200.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Option<u16>>>,
    got: Mutex<Vec<(Instant, Request)>>,
}

impl Receiver {
    fn answering(answers: impl IntoIterator<Item = Option<u16>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// Minutes since `start` at which calls arrived.
    fn minutes(&self, start: Instant) -> Vec<u64> {
        let got = self.got.lock().unwrap();
        got.iter().map(|(at, _)| at.duration_since(start).as_secs() / 60).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        got.iter().map(|(_, request)| serde_json::from_slice(request.body()).unwrap()).collect()
    }

    fn headers(&self) -> Vec<HeaderMap> {
        self.got.lock().unwrap().iter().map(|(_, request)| request.headers().clone()).collect()
    }
}

impl WebhookSender for Receiver {
    fn post(&self, request: Request) -> Delivery {
        self.got.lock().unwrap().push((Instant::now(), request));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Some(200));
        Box::pin(async move { Some(StatusCode::from_u16(answer?).unwrap()) })
    }
}

fn apify_on(store: Arc<dyn Store>, clock: Clock, sender: Arc<dyn WebhookSender>) -> Apify {
    let options = ApifyOptions { tokens: vec![TOKEN.into()], ..ApifyOptions::default() };
    Apify::new(options, clock, store, sender)
}

fn apify(receiver: &Arc<Receiver>) -> Apify {
    apify_on(Arc::new(NoStore), clock(), receiver.clone())
}

fn hook() -> Webhook {
    WebhookSpec::new(URL).try_into().unwrap()
}

fn with_template(payload: &str, interpolate: bool) -> Webhook {
    let spec = WebhookSpec {
        payload_template: Some(payload.into()),
        should_interpolate_strings: interpolate,
        ..WebhookSpec::new(URL)
    };
    spec.try_into().unwrap()
}

/// The only dispatch of a run whose webhook got these answers, after this time.
async fn answered(answers: &[Option<u16>], hook: Webhook, wait: Duration) -> Dispatch {
    let apify = apify(&Receiver::answering(answers.iter().copied()));
    apify.add_run(run_with(vec![hook]));
    sleep(wait).await;
    apify.dispatches().remove(0)
}

fn run_with(webhooks: Vec<Webhook>) -> RunSpec {
    RunSpec { webhooks, cost_usd: Some(0.5), preliminary_cost_usd: Some(0.3), ..RunSpec::default() }
}

#[tokio::test(start_paused = true)]
async fn the_default_payload_names_the_event_and_holds_the_run_as_it_is_then() {
    let receiver = Receiver::answering([]);
    let apify = apify(&receiver);
    let run = apify.add_run(run_with(vec![hook()]));
    sleep(Duration::from_secs(1)).await;
    let body = receiver.bodies().remove(0);
    assert_eq!(body["eventType"], "ACTOR.RUN.SUCCEEDED");
    assert_eq!(body["createdAt"], START);
    assert_eq!(body["eventData"]["actorRunId"], run);
    assert_eq!(body["eventData"].get("actorTaskId"), None);
    assert_eq!(body["resource"]["id"], run);
    assert_eq!(body["resource"]["usageTotalUsd"], 0.3);
    assert!(body["resource"]["defaultDatasetId"].is_string());
}

#[tokio::test(start_paused = true)]
async fn apifys_own_headers_win_over_the_template() {
    let receiver = Receiver::answering([]);
    let apify = apify(&receiver);
    let headers = r#"{"Authorization": "Bearer s3cret", "Content-Type": "text/plain",
        "Host": "elsewhere", "X-Apify-Webhook-Dispatch-Id": "forged"}"#;
    let spec = WebhookSpec { headers_template: Some(headers.into()), ..WebhookSpec::new(URL) };
    apify.add_run(run_with(vec![spec.try_into().unwrap()]));
    sleep(Duration::from_secs(1)).await;
    let got = receiver.headers().remove(0);
    let id = apify.dispatches().remove(0).id;
    for (name, value) in [
        ("authorization", "Bearer s3cret"),
        ("content-type", "application/json"),
        ("x-apify-webhook", "yo"),
        ("x-apify-webhook-dispatch-id", &id),
        ("x-apify-request-origin", "WEBHOOK"),
    ] {
        assert_eq!(got[name], value);
    }
    assert!(got.contains_key("user-agent") && !got.contains_key("host"));
}

#[tokio::test(start_paused = true)]
async fn a_quoted_variable_is_replaced_only_with_the_flag() {
    let receiver = Receiver::answering([]);
    let apify = apify(&receiver);
    let quoted = r#"{"runId": "{{resource.id}}"}"#;
    let hooks = vec![
        with_template(r#"{"runId": {{resource.id}}}"#, false),
        with_template(quoted, true),
        with_template(quoted, false),
    ];
    let run = apify.add_run(run_with(hooks));
    sleep(Duration::from_secs(1)).await;
    let expected =
        [json!({"runId": run}), json!({"runId": run}), json!({"runId": "{{resource.id}}"})];
    assert_eq!(receiver.bodies(), expected);
}

#[tokio::test(start_paused = true)]
async fn retries_repeat_the_call_with_doubled_waits_and_end_after_the_eleventh() {
    let receiver = Receiver::answering(vec![Some(500); 12]);
    let apify = apify(&receiver);
    let start = Instant::now();
    apify.add_run(run_with(vec![hook()]));
    sleep(MINUTE * 2_000).await;
    assert_eq!(apify.dispatches()[0].status, DispatchStatus::Active);
    sleep(MINUTE * 8_000).await;
    let expected = [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 2_047];
    assert_eq!(receiver.minutes(start), expected);
    let (headers, bodies) = (receiver.headers(), receiver.bodies());
    assert!(headers.iter().all(|one| *one == headers[0]), "the dispatch id is the same");
    assert!(bodies.iter().all(|one| *one == bodies[0]));
    let dispatch = apify.dispatches().remove(0);
    assert_eq!((dispatch.status, dispatch.calls.len()), (DispatchStatus::Failed, 12));
}

#[tokio::test(start_paused = true)]
async fn any_2xx_is_a_delivery_and_nothing_else_is() {
    let answers = [Some(302), None, Some(404), Some(299)];
    let dispatch = answered(&answers, hook(), MINUTE * 60).await;
    assert_eq!(dispatch.status, DispatchStatus::Succeeded);
    let statuses: Vec<_> = dispatch.calls.iter().map(|call| call.response_status).collect();
    assert_eq!(statuses, answers);
    let spec = WebhookSpec { do_not_retry: true, ..WebhookSpec::new(URL) };
    let dispatch = answered(&[Some(500)], spec.try_into().unwrap(), MINUTE * 60).await;
    assert_eq!((dispatch.status, dispatch.calls.len()), (DispatchStatus::Failed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_too_long_counts_as_no_answer() {
    struct Slow;
    impl WebhookSender for Slow {
        fn post(&self, _request: Request) -> Delivery {
            Box::pin(async {
                sleep(MINUTE).await;
                Some(StatusCode::OK)
            })
        }
    }
    let apify = apify_on(Arc::new(NoStore), clock(), Arc::new(Slow));
    apify.add_run(run_with(vec![hook()]));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(apify.dispatches()[0].calls[0].response_status, None);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_hears_only_of_the_events_it_wants() {
    let receiver = Receiver::answering([]);
    let apify = apify(&receiver);
    for status in [RunStatus::TimedOut, RunStatus::Running, RunStatus::Aborted] {
        apify.add_run(RunSpec { status, ..run_with(vec![hook()]) });
    }
    sleep(Duration::from_secs(1)).await;
    let events: Vec<Value> =
        receiver.bodies().iter().map(|body| body["eventType"].clone()).collect();
    assert_eq!(events, ["ACTOR.RUN.TIMED_OUT", "ACTOR.RUN.ABORTED"]);
    assert_eq!(receiver.bodies()[0]["resource"]["status"], "TIMED-OUT");
}

#[tokio::test(start_paused = true)]
async fn a_test_has_no_event_data_and_a_dummy_resource_or_the_run() {
    let receiver = Receiver::answering([]);
    let apify = apify(&receiver);
    let run = apify.add_run(RunSpec::default());
    apify.dispatch_test(&hook());
    apify.dispatch(&run, EventType::Test, &hook());
    sleep(Duration::from_secs(1)).await;
    let bodies = receiver.bodies();
    for body in &bodies {
        assert_eq!([&body["eventType"], &body["eventData"]], [&json!("TEST"), &Value::Null]);
    }
    assert!(bodies[0]["resource"]["joke"].is_string());
    assert_eq!(bodies[1]["resource"]["id"], run);
}

#[tokio::test(start_paused = true)]
async fn two_webhooks_for_one_run_are_two_dispatches() {
    let receiver = Receiver::answering([]);
    let apify = Simulated::new(apify(&receiver), 1);
    let run = apify.service().add_run(run_with(vec![hook(), hook()]));
    let again = json!({"runId": run});
    let (_, sent) = json(&apify, post("/_sim/dispatch", &again)).await;
    assert_eq!(sent["dispatchIds"].as_array().unwrap().len(), 2);
    sleep(Duration::from_secs(1)).await;
    let (_, listed) = json(&apify, get("/_sim/dispatches")).await;
    let ids: std::collections::BTreeSet<&str> =
        listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_is_checkable_by_its_id() {
    let receiver = Receiver::answering([Some(500)]);
    let apify = Simulated::new(apify(&receiver), 1);
    apify.service().add_run(run_with(vec![hook()]));
    sleep(MINUTE * 2).await;
    let id = apify.service().dispatches().remove(0).id;
    let path = format!("/v2/webhook-dispatches/{id}");
    let (_, body) =
        json(&apify, with(get(&path), "authorization", &format!("Bearer {TOKEN}"))).await;
    assert_eq!(body["data"]["status"], "SUCCEEDED");
    assert_eq!(body["data"]["calls"][0]["responseStatus"], 500);
    assert_eq!(body["data"]["calls"][1]["responseStatus"], 200);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_the_retries_where_they_stood() {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let receiver = Receiver::answering(vec![Some(500); 3]);
    let start = Instant::now();
    let before = apify_on(store.clone(), clock.clone(), receiver.clone());
    before.add_run(run_with(vec![hook()]));
    sleep(MINUTE * 5).await;
    drop(before);

    let after = apify_on(store, clock, receiver.clone());
    sleep(MINUTE).await;
    after.resume();
    after.resume();
    sleep(MINUTE * 60).await;
    assert_eq!(receiver.minutes(start), [0, 1, 3, 7]);
    assert_eq!(after.dispatches()[0].status, DispatchStatus::Succeeded);
}

#[tokio::test]
async fn a_webhook_travels_over_a_socket() {
    let receiver = Arc::new(Simulated::new(apify(&Receiver::answering([])), 1));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/_sim/runs", listener.local_addr().unwrap());
    let server = tokio::spawn(simulators::serve(listener, receiver.clone()));

    // Apify's own control endpoint is the receiver: a payload of {} invents a run there.
    let apify = apify_on(Arc::new(NoStore), clock(), Arc::new(HttpSender::new()));
    let spec = WebhookSpec { payload_template: Some("{}".into()), ..WebhookSpec::new(url) };
    let run = apify.add_run(RunSpec::default());
    apify.dispatch(&run, EventType::Succeeded, &spec.try_into().unwrap());
    let answered = async {
        while apify.dispatches()[0].status != DispatchStatus::Succeeded {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(HANGS_AFTER, answered).await.expect("the webhook arrives");
    assert_eq!(apify.dispatches()[0].calls[0].response_status, Some(200));
    server.abort();
}
