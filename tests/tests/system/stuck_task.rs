//! A measurement: how soon a harvest begins behind a stuck task, whose harvest Apify still calls
//! RUNNING. Both belong to one client, so both are in its lane. Prints JSON.

use serde_json::json;
use shared::ports::QueueName;
use simulators::apify::{RunSpec, RunStatus};
use std::time::{Duration, Instant};
use tests::{CLIENT, Harvest, Pipeline, post};

const TIMES: usize = 10;
/// Time between two checks.
const LOOK: Duration = Duration::from_millis(1);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time"]
async fn a_harvest_begins_at_once_behind_a_stuck_task_in_its_lane() {
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

/// How long after the stuck task's attempt failed, and after it began, the other harvest begins.
async fn measure() -> (Duration, Duration) {
    let pipeline = Pipeline::start().await;
    pipeline.add_lead("jane", json!({}));
    let stuck = pipeline.services.apify.service().add_run(RunSpec {
        status: RunStatus::Running,
        started_at: Some("2026-11-23T09:45:19Z".parse().expect("a time")),
        ..RunSpec::default()
    });
    let other = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Words.")]));
    let client = format!("clientId={CLIENT}");
    pipeline.webhook(&stuck, &client).await;
    pipeline.webhook(&other, &client).await;
    let asked = until(|| runs_asked_about(&pipeline) >= 1).await;
    let failed = until(|| waits(&pipeline)).await;
    let begun = until(|| runs_asked_about(&pipeline) >= 2).await;
    (begun.duration_since(failed), begun.duration_since(asked))
}

/// How many requests to Apify were about a run.
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
