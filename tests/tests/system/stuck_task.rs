//! A measurement: how soon another client's harvest begins behind a stuck task, one whose harvest Apify
//! still calls RUNNING. Both are in the same lane. Prints JSON.

use serde_json::json;
use shared::messages::routes;
use shared::ports::QueueName;
use shared::schema::clients;
use simulators::apify::{RunSpec, RunStatus};
use std::time::{Duration, Instant};
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post};

const TIMES: usize = 10;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time"]
async fn another_clients_harvest_begins_at_once_behind_a_stuck_task() {
    let mut after_failure = Vec::with_capacity(TIMES);
    let mut after_question = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let (failure, question) = measure().await;
        after_failure.push(failure.as_secs_f64());
        after_question.push(question.as_secs_f64());
    }
    let figures = |mut seconds: Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        json!({"median_s": seconds[TIMES / 2], "max_s": seconds[TIMES - 1]})
    };
    let told = json!({
        "times": TIMES,
        "after the failed attempt": figures(after_failure),
        "after Apify was asked about the stuck harvest": figures(after_question),
    });
    println!("{told:#}");
}

/// How long after a stuck task's attempt had failed, and after it had begun, the other harvest begins.
async fn measure() -> (Duration, Duration) {
    let pipeline = Pipeline::start().await;
    let neighbour = add_neighbour(&pipeline);
    pipeline.add_lead("jane", json!({}));
    let stuck = pipeline.services.apify.service().add_run(RunSpec {
        status: RunStatus::Running,
        started_at: Some("2026-11-23T09:45:19Z".parse().expect("a time")),
        ..RunSpec::default()
    });
    let other = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Words.")]));
    pipeline.webhook(&stuck, &format!("clientId={neighbour}")).await;
    pipeline.webhook(&other, &format!("clientId={CLIENT}")).await;
    let asked = until(|| runs_asked_about(&pipeline) >= 1).await;
    let failed = until(|| waits(&pipeline)).await;
    let begun = until(|| runs_asked_about(&pipeline) >= 2).await;
    (begun.duration_since(failed), begun.duration_since(asked))
}

/// Adds a client whose plans are in the same lane; returns its id.
fn add_neighbour(pipeline: &Pipeline) -> String {
    let names = (0..).map(|number| format!("Neighbour-{number}"));
    let is_near = |name: &String| routes::plan_group(name) == routes::plan_group(CLIENT);
    let neighbour = names.into_iter().find(is_near).expect("one is near");
    let row = json!({clients::CLIENT_ID: neighbour, clients::CLIENT_NAME: neighbour,
        clients::STATUS: clients::ACTIVE, clients::BASE_ID: CLIENT_BASE,
        clients::SERVICE_LEVEL: "2-Lead and post scoring"});
    pipeline.insert(MASTER_BASE, clients::TABLE, row);
    neighbour
}

/// How often Apify was asked about a run.
fn runs_asked_about(pipeline: &Pipeline) -> u64 {
    let requests = pipeline.services.apify.requests();
    requests.iter().filter(|request| request.kind == "run").map(|request| request.count).sum()
}

/// Whether a task waits for its next attempt.
fn waits(pipeline: &Pipeline) -> bool {
    let depth = pipeline.system.queue.depth(QueueName::Retry).expect("the queues can be read");
    depth.in_flight + depth.visible > 0
}

async fn until(is_so: impl Fn() -> bool) -> Instant {
    while !is_so() {
        tokio::time::sleep(LOOK).await;
    }
    Instant::now()
}
