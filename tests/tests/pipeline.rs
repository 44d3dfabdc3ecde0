//! A webhook in, an exact run record out.

use serde_json::json;
use shared::schema::{leads, run_record};
use tests::{CLIENT, Harvest, Pipeline, post, wordless};

const RUN: &str = "261123-094519-Guy-Wilson";

#[tokio::test]
async fn a_harvest_becomes_a_completed_record_with_every_billed_token() {
    let pipeline = Pipeline::start().await;
    let jane = pipeline.add_lead("jane", json!({}));
    pipeline.add_lead("max", json!({}));
    let items = vec![
        post("jane", 1, "We shipped it."),
        post("jane", 2, "And again."),
        post("max", 1, "Hi."),
    ];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));

    let (status, body) = pipeline.webhook(&apify_run, &format!("clientId={CLIENT}")).await;
    assert_eq!((status, body), (202, json!({"accepted": true, "apifyRunId": apify_run})));
    pipeline.settle().await;

    assert_eq!(pipeline.told(), "Completed: 3 harvested, 3 examined, 3 scored; balanced");
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], RUN);
    assert_eq!(record[run_record::APIFY_RUN_ID], apify_run);
    assert_eq!(record[run_record::RUN_TYPE], "Standalone");
    assert_eq!(record[run_record::TARGETS], 2);
    assert_eq!(record[run_record::APIFY_COST], 0.074);
    assert_eq!(record[run_record::POST_TOKENS], pipeline.billed_tokens());
    assert!(pipeline.billed_tokens() > 0);
    let lead = pipeline.lead(&jane);
    assert!(lead[leads::POSTS_SCORE].is_number());
    assert_eq!(lead[leads::POST_SCORING_RUN_ID], RUN);
    assert_eq!(lead[leads::POSTS_HARVEST_STATUS], "Done");
    assert!(lead[leads::TOP_POST].as_str().unwrap().starts_with("Date: 2026-11-"));
}

#[tokio::test]
async fn a_lead_without_words_is_skipped_and_costs_nothing() {
    let pipeline = Pipeline::start().await;
    pipeline.add_lead("jane", json!({}));
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![wordless("jane", 1)]));
    pipeline.webhook(&apify_run, &format!("clientId={CLIENT}")).await;
    pipeline.settle().await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.billed_tokens(), 0);
}
