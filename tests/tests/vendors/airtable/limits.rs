use super::world::{BASE, OTHER_BASE, SECRET, World, error, path};
use crate::common::once;
use serde_json::{Value, json};
use simulators::Fault;
use simulators::airtable::AirtableOptions;
use std::time::Duration;

fn limited() -> World {
    World::with(AirtableOptions::with_token(SECRET), &[BASE, OTHER_BASE])
}

async fn statuses(world: &World, path: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(world.get(path).await.0);
    }
    statuses
}

fn fault(world: &World, fault: Fault) {
    world.simulated.faults().add(once(fault));
}

#[tokio::test]
async fn the_sixth_request_in_a_second_blocks_the_base_for_thirty_seconds() {
    let world = limited();
    assert_eq!(statuses(&world, &path(""), 5).await, [200; 5]);
    let message = "Rate limit exceeded. Please try again later";
    let body = json!({"errors": [{"error": "RATE_LIMIT_REACHED", "message": message}]});
    assert_eq!(world.get(&path("")).await, (429, body));
    world.pass(29_999);
    assert_eq!(statuses(&world, &path(""), 1).await, [429]);
    world.pass(1);
    assert_eq!(statuses(&world, &path(""), 5).await, [200; 5]);
}

#[tokio::test]
async fn the_second_rolls() {
    let world = limited();
    statuses(&world, &path(""), 3).await;
    world.pass(600);
    statuses(&world, &path(""), 2).await;
    world.pass(400);
    assert_eq!(statuses(&world, &path(""), 4).await, [200, 200, 200, 429]);
}

#[tokio::test]
async fn each_base_has_a_limit_of_its_own_which_meta_calls_share() {
    let world = limited();
    let schema = format!("/v0/meta/bases/{BASE}/tables");
    statuses(&world, &path(""), 4).await;
    assert_eq!(statuses(&world, &schema, 2).await, [200, 429]);
    let other = format!("/v0/{OTHER_BASE}/Client%20Run%20Results");
    assert_eq!(statuses(&world, &other, 1).await, [200]);
}

#[tokio::test]
async fn a_token_may_make_fifty_requests_a_second() {
    let world = limited();
    assert_eq!(statuses(&world, "/v0/meta/whoami", 50).await, [200; 50]);
    assert_eq!(statuses(&world, "/v0/meta/whoami", 1).await, [429]);
    assert_eq!(statuses(&world, &path(""), 1).await, [429]);
    world.pass(30_000);
    assert_eq!(statuses(&world, &path(""), 1).await, [200]);
}

#[tokio::test]
async fn an_injected_429_starts_the_penalty_too() {
    let world = World::new();
    fault(&world, Fault::TooManyRequests);
    assert_eq!(statuses(&world, &path(""), 2).await, [429, 429]);
    world.pass(30_000);
    assert_eq!(statuses(&world, &path(""), 1).await, [200]);
}

#[tokio::test]
async fn a_spent_quota_stops_records_but_not_the_schema() {
    let world = World::new();
    world.airtable().set_quota_spent(true);
    let reply = world.get(&path("")).await;
    assert_eq!(reply.0, 429);
    assert_eq!(reply.1["errors"][0]["error"], "PUBLIC_API_BILLING_LIMIT_EXCEEDED");
    assert_eq!(world.get(&format!("/v0/meta/bases/{BASE}/tables")).await.0, 200);
    world.airtable().set_quota_spent(false);
    assert_eq!(world.get(&path("")).await.0, 200);
}

#[tokio::test]
async fn injected_errors_have_the_services_shapes_and_change_nothing() {
    let world = World::new();
    let row = json!({"fields": {"Run ID": "r"}});
    fault(&world, Fault::Unavailable);
    let reply = world.post(&path(""), row.clone()).await;
    assert_eq!((reply.0, &reply.1["error"]["type"]), (503, &json!("RETRIABLE_ERROR")));
    fault(&world, Fault::InternalError);
    assert_eq!(world.post(&path(""), row.clone()).await.0, 500);
    fault(&world, Fault::LostBefore);
    assert_eq!(world.post(&path(""), row.clone()).await, (0, Value::Null));
    assert_eq!(world.column("Posts"), []);
    fault(&world, Fault::LostAfter);
    assert_eq!(world.post(&path(""), row).await, (0, Value::Null));
    assert_eq!(world.column("Run ID"), [(json!("r"), json!("r"))]);
}

#[tokio::test]
async fn a_url_must_be_shorter_than_sixteen_thousand_characters() {
    let world = World::new();
    let url = |length: usize| {
        let start = path("?x=");
        let fill = length - "https://api.airtable.com".len() - start.len();
        format!("{start}{}", "a".repeat(fill))
    };
    assert_eq!(world.get(&url(15_999)).await.0, 200);
    assert_eq!(error(&world.get(&url(16_000)).await).0, 414);
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_its_time_but_the_work_is_done_at_once() {
    let latency = Duration::from_millis(300);
    let options = AirtableOptions { latency, ..AirtableOptions::with_token(SECRET) };
    let world = World::with(options, &[BASE]);
    let row = json!({"fields": {"Run ID": "r"}});
    let answer = tokio::time::timeout(Duration::from_millis(299), world.post(&path(""), row)).await;
    assert!(answer.is_err());
    assert_eq!(world.column("Run ID").len(), 1);
    assert_eq!(world.get(&path("")).await.0, 200);
}
