//! Airtable denies requests for a while, loses its place in a listing, or answers a success without
//! contents.

use super::stage::{case, rule, score_waiting, waiting};
use crate::paused::{World, count};
use serde_json::{Map, Value, json};
use shared::schema::{leads, run_record};
use std::time::Duration;
use tests::{CLIENT_BASE, Pipeline, profile, told};

/// Answers for a token that was just changed, and their requests.
fn denials() -> [Value; 4] {
    let unknown =
        json!({"error": {"type": "UNAUTHORIZED", "message": "Invalid authentication token"}});
    let forbidden = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}});
    [
        json!({"status": 401, "body": unknown, "path": "/Leads", "seconds": 10}),
        json!({"status": 401, "body": unknown, "kind": "update", "seconds": 10}),
        json!({"status": 403, "body": forbidden, "kind": "update", "seconds": 15}),
        json!({"status": 403, "body": forbidden, "seconds": 50}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_denied_for_a_while_is_waited_out_and_nothing_paid_is_lost() {
    let case = case("34-token-invalid-for-10s.json");
    let target = case["harvest"]["input"]["targetUrls"][0].as_str().unwrap();
    assert_eq!(target, profile("mira-tolland").trim_end_matches('/'));
    for denial in denials() {
        let world = World::start();
        let apify_run = world.harvest(&["mira-tolland".to_owned()]);
        world.services.airtable.answers().add(rule(denial.clone()));
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_mins(30)).await;
        let record: Map<String, Value> = world.record();
        let shown = told(&record);
        assert_eq!(shown, "Completed: 1 harvested, 1 examined, 1 scored; balanced", "{denial}");
        let billed = world.services.gemini.service().billed_totals();
        assert_eq!(record[run_record::POST_TOKENS], billed.usage.total, "{denial}");
        assert_eq!(billed.answers, 1, "paid once: {denial}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_monthly_quota_is_waited_out_for_days_and_no_attempt_is_used_up() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let airtable = world.services.airtable.service();
    airtable.set_quota_spent(true);
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_hours(30)).await;
    assert_eq!(world.services.gemini.service().billed_totals().answers, 0);
    airtable.set_quota_spent(false);
    tokio::time::sleep(Duration::from_mins(40)).await;
    assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_spent_while_the_model_is_asked_costs_one_call_and_is_named() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let spent = json!({"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": ""}]});
    let spent = json!({"status": 429, "body": spent, "kind": "update", "seconds": 36_000});
    world.services.airtable.answers().add(rule(spent));
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_hours(5)).await;
    let waiting = world.record();
    assert_eq!(waiting[run_record::STATUS], "Stalled", "{waiting:?}");
    let notes = waiting[run_record::SYSTEM_NOTES].as_str().unwrap();
    assert!(notes.contains("the Airtable workspace's monthly API quota is spent"), "{notes}");
    assert_eq!(world.services.gemini.service().billed_totals().answers, 1, "paid once until then");
    tokio::time::sleep(Duration::from_hours(6)).await;
    let record = world.record();
    assert_eq!(told(&record), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert_eq!(world.services.gemini.service().billed_totals().answers, 2);
}

#[tokio::test(start_paused = true)]
async fn a_base_that_cannot_be_written_costs_the_waves_that_are_open_however_often_its_chunk_comes_again()
 {
    let world = World::start_with(&[("CALLS_AT_ONCE", "2")]);
    let names: Vec<String> = (0..30).map(|n| format!("lead{n}")).collect();
    let apify_run = world.harvest(&names);
    let forbidden = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}});
    world
        .services
        .airtable
        .answers()
        .add(rule(json!({"status": 403, "body": forbidden, "kind": "update", "seconds": 3600})));
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_mins(50)).await;
    let paid = world.services.gemini.service().billed_totals().answers;
    tokio::time::sleep(Duration::from_mins(90)).await;
    assert!(paid <= 4, "two calls of each of two lanes: {paid}");
    let record = world.record();
    assert_eq!(told(&record), "Completed: 30 harvested, 30 examined, 30 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_names_no_row_is_no_success_and_costs_no_paid_answer() {
    for page in [json!({"text": "<html>"}), json!({"body": {}}), json!({"body": {"records": []}})] {
        let world = World::start();
        let apify_run = world.harvest(&["jane".to_owned()]);
        let mut answer = page;
        (answer["status"], answer["kind"], answer["next"]) =
            (json!(200), json!("update"), json!(2));
        world.services.airtable.answers().add(rule(answer));
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
        let rows = world.services.airtable.service().rows(CLIENT_BASE, leads::TABLE).unwrap();
        assert!(rows[0].fields.contains_key(leads::POSTS_SCORE), "{:?}", rows[0].fields);
        assert_eq!(world.services.gemini.service().billed_totals().answers, 1, "paid once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_write_of_a_record_that_says_yes_to_nothing_is_repeated_at_once() {
    for body in [json!({}), json!({"records": []})] {
        let world = World::start();
        let apify_run = world.harvest(&["jane".to_owned()]);
        world.services.airtable.answers().add(rule(json!({"status": 200, "body": body,
            "kind": "upsert", "holds": "\"Completed\"", "next": 2})));
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_somebody_in_between_gave_up_is_repeated_wherever_it_is_met() {
    for (kind, path) in [
        ("list", "/Clients"),
        ("list", "/Post Scoring Instructions"),
        ("list", "/Leads"),
        ("schema", "/meta/bases/appClient"),
        ("update", "/Leads"),
        ("upsert", "/Client Run Results"),
    ] {
        for status in [408, 425] {
            let world = World::start();
            let apify_run = world.harvest(&["jane".to_owned()]);
            let met = json!({"status": status, "body": {}, "kind": kind, "path": path, "next": 2});
            world.services.airtable.answers().add(rule(met));
            assert_eq!(world.webhook(&apify_run).await, 202);
            tokio::time::sleep(Duration::from_mins(1)).await;
            let shown = told(&world.record());
            assert_eq!(
                shown, "Completed: 1 harvested, 1 examined, 1 scored; balanced",
                "{status} {path}"
            );
            let requests = world.services.airtable.requests();
            assert_eq!(count(&requests, kind, status), 2, "{path}: both were met: {requests:?}");
        }
    }
}

#[tokio::test]
async fn a_listing_whose_offset_is_not_taken_any_more_starts_again() {
    let case = case("17-invalid-offset-value.json");
    let second = &case["secondPageAnswer"];
    let pipeline = Pipeline::start().await;
    for n in 0..case["rowsWaiting"].as_u64().unwrap() {
        let name = format!("l{n}");
        pipeline.add_lead(&name, waiting(&name));
    }
    pipeline.services.airtable.answers().add(rule(json!({"status": second["status"],
        "body": second["body"], "kind": "list", "holds": "\"offset\"", "next": 2})));
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Completed: 0 harvested, 120 examined, 120 scored; balanced");
}
