//! Refusals that name their field without quotes, or name none.

use super::stage::rule;
use serde_json::json;
use shared::schema::{leads, run_record};
use tests::{Pipeline, post};

#[tokio::test]
async fn a_refusal_costs_one_cell_however_it_names_the_field_and_also_if_it_does_not() {
    for (message, error_type) in [
        ("Field Posts Relevance Score can not accept value 41", "INVALID_VALUE_FOR_COLUMN"),
        ("Cannot parse value for field Posts Relevance Score", "INVALID_VALUE_FOR_COLUMN"),
        ("Value is not an array of record IDs.", "INVALID_VALUE_FOR_COLUMN"),
        ("", "INVALID_MULTIPLE_CHOICE_OPTIONS"),
    ] {
        let pipeline = Pipeline::start().await;
        let words = ["One.", "Two.", "Three."].map(str::to_owned);
        let (rows, apify_run) = pipeline.harvest_of_many(&words);
        let refusal = json!({"error": {"type": error_type, "message": message}});
        let holds = format!("\"{}\":", leads::POSTS_SCORE);
        pipeline.services.airtable.answers().add(rule(json!({"status": 422, "body": refusal,
            "kind": "update", "holds": holds})));
        pipeline.run(&apify_run).await;
        pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
        for row in &rows {
            let lead = pipeline.lead(row);
            assert!(!lead.contains_key(leads::POSTS_SCORE), "{message}: {lead:?}");
            for field in [leads::DATE_POSTS_SCORED, leads::POSTS_EVALUATION, leads::TOP_POST] {
                assert!(lead.contains_key(field), "{message}: {field}: {lead:?}");
            }
        }
        let line = format!("Field \"Posts Relevance Score\" of record {} is not written", rows[1]);
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    }
}

#[tokio::test]
async fn a_value_of_a_record_that_is_refused_costs_its_cell_however_the_refusal_names_it() {
    for message in ["Cannot parse value for field AI Cost", "Value is not an array of record IDs."]
    {
        let (pipeline, apify_run) = Pipeline::with_harvest().await;
        let refusal = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN", "message": message}});
        let holds = format!("\"{}\":", run_record::AI_COST);
        pipeline.services.airtable.answers().add(rule(json!({"status": 422, "body": refusal,
            "kind": "upsert", "holds": holds})));
        pipeline.run(&apify_run).await;
        assert_eq!(pipeline.told(), "Completed: 3 harvested, 3 examined, 3 scored; balanced");
        assert!(!pipeline.record().contains_key(run_record::AI_COST), "{message}");
        assert_eq!(pipeline.record()[run_record::POST_TOKENS], pipeline.billed_tokens());
        let line = format!(
            "Field \"AI Cost\" is not written: Airtable does not take its value: {message}"
        );
        pipeline.assert_shows(run_record::SYSTEM_NOTES, line.trim_end_matches('.'));
    }
}

#[tokio::test]
async fn a_lead_that_airtable_refuses_to_look_for_costs_no_other_lead_and_is_named() {
    let names = ["jane", "odd-one", "max"];
    let items = names.map(|name| post(name, 1, "Hi.")).to_vec();
    let (pipeline, _, apify_run) = Pipeline::with_posts(names, items).await;
    let message = "The formula for filtering records is invalid: Invalid formula. Please check \
                   your formula text.";
    let refusal = json!({"error": {"type": "INVALID_FILTER_BY_FORMULA", "message": message}});
    pipeline.services.airtable.answers().add(rule(
        json!({"status": 422, "body": refusal, "kind": "list", "path": "/Leads", "holds": "odd"}),
    ));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed with Errors: 3 harvested, 2 examined, 2 scored; balanced");
    let line = "/in/odd-one: Airtable refuses listing Leads";
    pipeline.assert_shows(run_record::ERROR_DETAILS, line);
}
