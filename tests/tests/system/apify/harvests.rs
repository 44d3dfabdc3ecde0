//! A harvest as a whole: its pages, its ends, its webhooks, its cost.

use super::stage::{MIRA, case, of_jane, played_for, row, stored};
use crate::paused::World;
use serde_json::{Value, json};
use shared::core::counted::grouped;
use shared::schema::{leads, run_record};
use std::time::Duration;
use tests::{CLIENT_BASE, Pipeline};

#[tokio::test(start_paused = true)]
async fn a_page_that_is_no_list_is_asked_for_again_and_costs_no_item() {
    for page in [json!({"text": "<html>"}), json!({"body": {"error": {"type": "x"}}})] {
        let world = World::start();
        let apify_run = world.harvest(&["jane".to_owned()]);
        let mut answer = page;
        (answer["status"], answer["kind"], answer["next"]) = (json!(200), json!("items"), json!(9));
        let answer = serde_json::from_value(answer).unwrap();
        world.services.apify.answers().add(answer);
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_hours(2)).await;
        let record = world.record();
        assert_eq!(tests::told(&record), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_shrinks_until_it_fits() {
    let case = case("09-page-beyond-64MiB.json");
    let (pipeline, leads) = played_for(&case, &[MIRA]).await;
    let record = pipeline.record();
    let harvested = case["timesWithOtherIds"].as_u64().unwrap();
    assert_eq!(record[run_record::POSTS_HARVESTED], harvested);
    assert_eq!(record[run_record::BALANCE], "balanced");
    let left_out = harvested - stored(&pipeline.lead(&leads[0])).len() as u64;
    assert_eq!(record[run_record::ITEMS_NOT_USED], left_out);
    let left_out = grouped(left_out);
    let line = format!("{left_out} harvested posts are not stored, because Posts Content of");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("Nothing to do"));
}

#[tokio::test]
async fn a_dataset_that_ignores_the_offset_is_read_once() {
    let case = case("01-profileurls-input.json");
    let body = json!({"input": case["input"], "items": case["items"], "ignoresOffset": true});
    let (pipeline, _) = played_for(&body, &[MIRA]).await;
    assert_eq!(pipeline.record()[run_record::POSTS_HARVESTED], 4);
    assert_eq!(pipeline.record()[run_record::ITEMS_NOT_USED], 2, "the other is no lead");
}

#[tokio::test]
async fn a_run_that_is_resurrected_is_read_again_when_it_ends_a_second_time() {
    let case = case("07-resurrected-run.json");
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let urls = [MIRA, "https://www.linkedin.com/in/oskar-venn"];
    let leads = urls.map(|url| pipeline.insert(CLIENT_BASE, leads::TABLE, row(url, json!({}))));
    let end = |items: &Value, cost: f64, empty: u64| {
        json!({"input": case["input"], "items": items, "costUsd": cost,
            "chargedEventCounts": {"zero-result-query": empty}})
        .to_string()
    };
    let apify_run = pipeline.play(&end(&case["firstDataset"], 0.01, 0));
    pipeline.ended(&apify_run, 1).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 1 harvested, 1 examined, 1 scored; \
         1 of 2 targets unknown: not all of them were charged as empty"
    );
    assert!(!pipeline.lead(&leads[1]).contains_key(leads::POSTS_HARVEST_STATUS));
    let billed = pipeline.billed_tokens();

    pipeline.resurrect(&apify_run, &end(&case["afterResurrection"], 0.02, 0));
    pipeline.ended(&apify_run, 2).await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_COST], 0.02);
    assert!(pipeline.billed_tokens() < 3 * billed, "the first lead is not paid for again");
    assert_eq!(pipeline.lead(&leads[1])[leads::POSTS_HARVEST_STATUS], "Done");
}

#[tokio::test]
async fn a_webhook_that_is_corrected_within_minutes_is_read_again() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let query = |run: &str, client: &str| format!("clientId={client}&runId={run}");
    pipeline.run_by(&apify_run, &query("261101-000000", "Guy-Wilsn")).await;
    pipeline.run_by(&apify_run, &query("261101-000000", "Guy-Wilson")).await;
    pipeline.run_by(&apify_run, &query("261102-000000", "Guy-Wilson")).await;
    let mut told: Vec<(String, String)> = Vec::new();
    for record in pipeline.records() {
        let text = |field: &str| record.fields[field].as_str().unwrap_or_default().to_owned();
        told.push((text(run_record::RUN_ID), text(run_record::STATUS)));
    }
    told.sort();
    let told: Vec<(&str, &str)> =
        told.iter().map(|(run, status)| (run.as_str(), status.as_str())).collect();
    assert_eq!(
        told,
        [
            ("261101-000000-(unattributed)", "Failed"),
            ("261101-000000-Guy-Wilson", "Completed"),
            ("261102-000000-Guy-Wilson", "Completed"),
        ]
    );
}

#[tokio::test]
async fn the_cost_of_a_harvest_stands_on_the_first_run_that_named_it() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    for run in ["261101-000000", "261102-000000", "261103-000000"] {
        pipeline.run_by(&apify_run, &format!("clientId=Guy-Wilson&runId={run}")).await;
    }
    let mut records = pipeline.records();
    records.sort_by_key(|record| record.fields[run_record::RUN_ID].to_string());
    let costs: Vec<&Value> =
        records.iter().map(|record| &record.fields[run_record::APIFY_COST]).collect();
    assert_eq!(costs, [0.074, 0.0, 0.0]);
    for other in &records[1..] {
        let notes = other.fields[run_record::SYSTEM_NOTES].as_str().unwrap();
        let names = "is on the record of run 261101-000000-Guy-Wilson, which named it first";
        assert!(notes.contains(names), "{notes}");
    }
}

#[tokio::test]
async fn a_harvest_whose_items_are_gone_costs_what_apify_charged_and_its_targets_are_unknown() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let gone = json!({"status": 410, "text": "<html>", "kind": "items"});
    pipeline.services.apify.answers().add(serde_json::from_value(gone).unwrap());
    pipeline.run(&apify_run).await;
    let record = pipeline.record();
    assert_eq!(record[run_record::STATUS], "Failed");
    assert_eq!(record[run_record::APIFY_COST], 0.074);
    let counts = [run_record::TARGETS, run_record::POSTS_HARVESTED, run_record::TARGETS_UNKNOWN];
    assert_eq!(counts.map(|field| record[field].as_u64()), [Some(2), Some(0), Some(2)]);
    let unknown = "2 of 2 targets unknown: the items cannot be read";
    pipeline.assert_shows(run_record::BALANCE, unknown);
    pipeline.assert_shows(run_record::ERROR_DETAILS, "is gone");
    // Apify has it again: the figures are those of the harvest, and its cost counts once.
    pipeline.services.apify.answers().clear();
    pipeline.retry().await;
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_COST], 0.074);
}

#[tokio::test]
async fn a_retry_of_a_harvest_that_apify_has_deleted_says_that_the_rows_are_all_there_is() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.insert(
        CLIENT_BASE,
        leads::TABLE,
        row(MIRA, json!({leads::POSTS_CONTENT: "Dear diary, today …"})),
    );
    let item = of_jane(&json!({"targetUrl": MIRA}));
    let body = json!({"input": {"targetUrls": [MIRA]}, "items": [item]});
    let apify_run = pipeline.play(&body.to_string());
    pipeline.run(&apify_run).await;
    assert!(pipeline.told().starts_with("Failed: 1 harvested, 0 examined"), "{}", pipeline.told());
    pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: null}));
    let gone = json!({"status": 410, "text": "<html>", "kind": "items"});
    pipeline.services.apify.answers().add(serde_json::from_value(gone).unwrap());
    pipeline.retry().await;
    pipeline.tick().await;
    let line = format!("Apify no longer has the harvest {apify_run}");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
}
