//! Fields that are locked, renamed or lack a choice, and refused values.

use super::stage::{case, harvest_of, rule};
use crate::paused::World;
use serde_json::json;
use shared::schema::{leads, run_record};
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post};

#[tokio::test]
async fn a_locked_field_of_the_run_record_costs_that_field() {
    let case = case("04-locked-field-run-record.json");
    let pipeline = Pipeline::start().await;
    let apify_run = harvest_of(&pipeline, &case);
    let refusal = &case["airtableAnswersUpsertThatHasTheField"];
    let key = format!("\"{}\":", run_record::APIFY_COST);
    pipeline.services.airtable.answers().add(rule(json!({"status": refusal["status"],
        "body": refusal["body"], "kind": "upsert", "holds": key})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert!(!pipeline.record().contains_key(run_record::APIFY_COST));
    let line = "Field \"Apify API Costs\" is not written: You are not permitted";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
}

#[tokio::test]
async fn a_locked_field_of_the_leads_costs_that_field_and_no_paid_answer() {
    for field in [leads::POST_SCORING_RUN_ID, leads::TOP_POST, leads::POSTS_SCORE] {
        let pipeline = Pipeline::start().await;
        let words: Vec<String> = (0..12).map(|n| format!("Words {n}.")).collect();
        let (rows, apify_run) = pipeline.harvest_of_many(&words);
        let airtable = pipeline.services.airtable.service();
        airtable.lock_field((CLIENT_BASE, leads::TABLE), field, true).unwrap();
        pipeline.run(&apify_run).await;
        pipeline.assert_exact("Completed: 12 harvested, 12 examined, 12 scored; balanced");
        for row in &rows {
            let lead = pipeline.lead(row);
            assert!(lead.contains_key(leads::DATE_POSTS_SCORED), "{field}: {lead:?}");
            assert!(!lead.contains_key(field), "{field}: {lead:?}");
        }
        let line = format!("Field {field:?} of \"Leads\" in base {CLIENT_BASE} is not written: ");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_unlocked_is_written_again_within_two_hours() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let airtable = world.services.airtable.service();
    let lock = |is_locked| {
        let table = (MASTER_BASE, run_record::TABLE);
        airtable.lock_field(table, run_record::APIFY_COST, is_locked).unwrap();
    };
    lock(true);
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert!(!world.record().contains_key(run_record::APIFY_COST));
    lock(false);
    tokio::time::sleep(Duration::from_mins(120)).await;
    assert_eq!(world.record()[run_record::APIFY_COST], 1);
    let notes = world.record()[run_record::SYSTEM_NOTES].to_string();
    assert!(!notes.contains("is not written"), "{notes}");
}

#[tokio::test]
async fn a_retry_whose_checkbox_is_locked_queues_nothing_however_many_ticks_find_it() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Hi.")]));
    pipeline.run(&apify_run).await;
    pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: null}));
    let airtable = pipeline.services.airtable.service();
    let table = (MASTER_BASE, run_record::TABLE);
    airtable.lock_field(table, run_record::RETRY, true).unwrap();
    pipeline.retry().await;
    pipeline.tick().await;
    assert_eq!(pipeline.billed_tokens(), 0);
    let line = "Retry is ticked, but nothing is queued, because the tick cannot be cleared: \
                Airtable denies";
    assert_eq!(pipeline.text(run_record::SYSTEM_NOTES).matches(line).count(), 1);
    airtable.lock_field(table, run_record::RETRY, false).unwrap();
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_value_that_one_lead_has_refused_costs_that_cell_and_no_other_lead() {
    let words = ["One.", "Two.", "Three."].map(str::to_owned);
    let pipeline = Pipeline::start().await;
    let (rows, apify_run) = pipeline.harvest_of_many(&words);
    let refusal = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN",
        "message": "Field \"Top Scoring Post\" cannot accept the provided value"}});
    pipeline.services.airtable.answers().add(rule(json!({"status": 422, "body": refusal,
        "kind": "update", "holds": "Content: Two."})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    for (n, row) in rows.iter().enumerate() {
        let lead = pipeline.lead(row);
        assert!(lead.contains_key(leads::DATE_POSTS_SCORED), "{lead:?}");
        assert_eq!(lead.contains_key(leads::TOP_POST), n != 1, "{lead:?}");
    }
    let line = format!("Field \"Top Scoring Post\" of record {} is not written", rows[1]);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
}

#[tokio::test]
async fn a_value_that_one_record_has_refused_is_left_out_of_that_record_alone() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let refusal = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN",
        "message": "Field \"Apify Run ID\" cannot accept the provided value"}});
    let holds = format!("\"{}\":\"{apify_run}", run_record::APIFY_RUN_ID);
    pipeline
        .services
        .airtable
        .answers()
        .add(rule(json!({"status": 422, "body": refusal, "kind": "upsert", "holds": holds})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    let line = "Field \"Apify Run ID\" is not written: Airtable does not take its value";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    let other = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 9, "Later.")]));
    pipeline.run_by(&other, &format!("clientId={CLIENT}&runId=261124-100000")).await;
    let records = pipeline.records();
    let other_record =
        records.iter().find(|row| row.fields[run_record::RUN_ID] == "261124-100000-Guy-Wilson");
    assert_eq!(other_record.unwrap().fields[run_record::APIFY_RUN_ID], other);
}
