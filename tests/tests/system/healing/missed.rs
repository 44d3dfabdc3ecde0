//! Harvests whose webhook never came.

use super::stage::{COMPLETED, FOR_CLIENT, old_harvest};
use crate::paused::World;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::ports::{EventLog, HarvestKey, QueueName};
use shared::schema::{apify, run_record};
use simulators::apify::{DEFAULT_ACTOR, RunSpec};
use std::time::Duration;
use tests::{CLIENT, MASTER_BASE, Pipeline, post, profile, told};

#[tokio::test]
async fn a_harvest_whose_webhook_never_came_is_found_by_the_tick_and_completed_once() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(1));
    let row = json!({apify::APIFY_RUN_ID: apify_run, apify::CLIENT_ID: CLIENT});
    pipeline.insert(MASTER_BASE, apify::TABLE, row);
    pipeline.tick().await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_RUN_ID], apify_run);
    let reads = |pipeline: &Pipeline| {
        let requests = pipeline.services.apify.requests();
        requests.iter().filter(|r| r.kind == "items").map(|r| r.count).sum::<u64>()
    };
    let before = reads(&pipeline);
    pipeline.tick().await;
    assert_eq!(reads(&pipeline), before, "it is known from then on");
}

#[tokio::test]
async fn a_second_end_whose_webhook_never_came_is_found_by_the_tick() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(2));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    let spec = RunSpec {
        finished_at: Some(Timestamp::now() - SignedDuration::from_hours(1)),
        input: json!({"targetUrls": [profile("jane")]}),
        items: vec![post("jane", 1, "We shipped it."), post("jane", 2, "And more.")],
        cost_usd: Some(0.02),
        ..RunSpec::default()
    };
    pipeline.services.apify.service().resurrect(&apify_run, spec).unwrap();
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_COST], 0.02);
}

#[tokio::test]
async fn a_missed_harvest_is_found_behind_any_number_of_others() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    let missed = old_harvest(&pipeline, SignedDuration::from_hours(30));
    let mut others = Vec::new();
    for n in 0..150 {
        let other = old_harvest(&pipeline, SignedDuration::from_mins(60 + n));
        others.push(HarvestKey::of(&other));
    }
    pipeline.system.log.hear(&others).await.unwrap();
    pipeline.tick().await;
    assert_eq!(pipeline.record()[run_record::APIFY_RUN_ID], missed);
}

#[tokio::test]
async fn a_harvest_that_nobody_names_a_client_for_leaves_a_failed_record_when_it_is_found() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    old_harvest(&pipeline, SignedDuration::from_hours(1));
    pipeline.tick().await;
    let record = pipeline.record();
    assert_eq!(record[run_record::STATUS], "Failed");
    assert_eq!(record[run_record::CLIENT_ID], "(unattributed)");
    assert_eq!(pipeline.billed_tokens(), 0);
}

#[tokio::test]
async fn a_marked_copy_of_a_record_tells_whose_harvest_it_is_as_the_record_did() {
    let pipeline = Pipeline::start().await;
    let apify_run = pipeline.two_leads();
    let copy = "261101-000000-Guy-Wilson (duplicate of rec00000000000001)";
    let row = json!({run_record::RUN_ID: copy, run_record::CLIENT_ID: CLIENT,
        run_record::APIFY_RUN_ID: apify_run});
    let copy = pipeline.insert(MASTER_BASE, run_record::TABLE, row);
    pipeline.run_by(&apify_run, "").await;
    let record = pipeline.records().into_iter().find(|row| row.id != copy).unwrap().fields;
    assert_eq!(record[run_record::RUN_ID], "261101-000000-Guy-Wilson");
    assert_eq!(told(&record), COMPLETED);
}

#[tokio::test]
async fn a_harvest_too_old_too_young_or_heard_of_is_not_queued_by_the_tick() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    old_harvest(&pipeline, SignedDuration::from_hours(49));
    old_harvest(&pipeline, SignedDuration::from_mins(5));
    let accepted = old_harvest(&pipeline, SignedDuration::from_hours(1));
    // Its webhook was accepted. Its task waits because Apify is unavailable.
    pipeline.break_apify(&json!({"fault": "unavailable", "probability": 1, "kind": "run"}));
    assert_eq!(pipeline.webhook(&accepted, FOR_CLIENT).await.0, 202);
    let depth = |queue| pipeline.system.queue.depth(queue).unwrap();
    let until = async |is_over: &dyn Fn() -> bool| {
        while !is_over() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let is_taken = || {
        let is_empty = |queue| depth(queue).visible == 0;
        QueueName::ALL.into_iter().all(is_empty) && depth(QueueName::Retry).in_flight == 1
    };
    until(&is_taken).await;
    pipeline.send_tick().await;
    let metrics = || depth(QueueName::Metrics);
    until(&|| metrics().in_flight == 0 && metrics().visible == 0).await;
    let tasks = [QueueName::Scoring, QueueName::Retry].map(depth);
    let tasks: usize = tasks.iter().map(|depth| depth.visible + depth.in_flight).sum();
    assert_eq!(tasks, 1, "only the accepted one waits");
    assert!(pipeline.records().is_empty());
}

/// Only a record says which run the harvest belongs to. While its task waits, somebody deletes that
/// record.
#[tokio::test(start_paused = true)]
async fn a_harvest_stays_with_the_run_that_a_record_named_though_the_record_is_deleted() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let airtable = world.services.airtable.service();
    let row = json!({run_record::RUN_ID: "261101-000000-Guy-Wilson",
        run_record::CLIENT_ID: CLIENT, run_record::APIFY_RUN_ID: apify_run});
    let record =
        airtable.insert(MASTER_BASE, run_record::TABLE, row.as_object().unwrap().clone()).unwrap();
    let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run}});
    assert_eq!(world.post("/webhooks/apify", &body).await, 202);
    let has_found_the_client =
        || world.services.asked.lock().unwrap().iter().any(|path| path.contains("/Clients"));
    while !has_found_the_client() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let apify_is_away = json!({"fault": "unavailable", "probability": 1});
    world.services.apify.faults().add(serde_json::from_value(apify_is_away).unwrap());
    tokio::time::sleep(Duration::from_mins(1)).await;
    airtable.delete_record(MASTER_BASE, run_record::TABLE, &record).unwrap();
    world.services.apify.faults().clear();
    tokio::time::sleep(Duration::from_hours(1)).await;
    let record = world.record();
    assert_eq!(record[run_record::RUN_ID], "261101-000000-Guy-Wilson");
    assert_eq!(told(&record), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_record_of_a_run_that_apify_did_not_know_does_not_name_the_run_of_the_harvest() {
    let (pipeline, _, apify_run) =
        Pipeline::with_posts(["jane"], vec![post("jane", 1, "Hi.")]).await;
    let row = json!({run_record::RUN_ID: "700101-000000-Guy-Wilson",
        run_record::CLIENT_ID: CLIENT, run_record::APIFY_RUN_ID: apify_run});
    pipeline.insert(MASTER_BASE, run_record::TABLE, row);
    pipeline.run_by(&apify_run, "").await;
    let records = pipeline.records();
    let of_harvest = |row: &&simulators::airtable::Row| {
        row.fields[run_record::RUN_ID] == "261123-094519-Guy-Wilson"
    };
    assert_eq!(records.iter().filter(of_harvest).count(), 1, "{records:#?}");
}
