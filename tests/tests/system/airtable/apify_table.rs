//! The optional table `Apify`: what is wrong with it costs no harvest.

use serde_json::{Value, json};
use shared::schema::{apify, run_record};
use tests::{CLIENT, MASTER_BASE, Pipeline, post};

/// A harvest with a row in the table `Apify` that has these cells too.
async fn listed(cells: &Value) -> (Pipeline, String) {
    let (pipeline, _, apify_run) =
        Pipeline::with_posts(["jane"], vec![post("jane", 1, "Hi.")]).await;
    let row = json!({apify::APIFY_RUN_ID: apify_run});
    let row = pipeline.insert(MASTER_BASE, apify::TABLE, row);
    let airtable = pipeline.services.airtable.service();
    for (field, cell) in cells.as_object().unwrap() {
        airtable.put_cell((MASTER_BASE, apify::TABLE), &row, field, cell.clone()).unwrap();
    }
    (pipeline, apify_run)
}

#[tokio::test]
async fn a_field_that_is_missing_or_called_otherwise_is_named_and_costs_no_harvest() {
    let given = "clientId=Guy-Wilson";
    for (field, name, query, run, line) in [
        (apify::RUN_ID, "run id", "", "261122-100000", "is called \"run id\" now"),
        (apify::CLIENT_ID, "Client ID ", "", "261122-100000", "is called \"Client ID \" now"),
        (apify::APIFY_RUN_ID, "Apify run ID", "", "261122-100000", "is called \"Apify run ID\""),
        (apify::RUN_ID, "Else", "", "261123-094519", "\"Apify\" has no field \"Run ID\""),
        (apify::CLIENT_ID, "Else", given, "261122-100000", "has no field \"Client ID\""),
        (apify::APIFY_RUN_ID, "Else", given, "261123-094519", "has no field \"Apify Run ID\""),
    ] {
        let cells = json!({apify::RUN_ID: "261122-100000", apify::CLIENT_ID: CLIENT});
        let (pipeline, apify_run) = listed(&cells).await;
        let airtable = pipeline.services.airtable.service();
        airtable.rename_field(MASTER_BASE, apify::TABLE, field, name).unwrap();
        pipeline.run_by(&apify_run, query).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
        assert_eq!(pipeline.text(run_record::RUN_ID), format!("{run}-Guy-Wilson"), "{name}");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    }
}

#[tokio::test]
async fn a_cell_that_is_no_id_is_named() {
    let cells = json!({apify::RUN_ID: "yesterday", apify::CLIENT_ID: CLIENT});
    let (pipeline, apify_run) = listed(&cells).await;
    pipeline.run_by(&apify_run, "").await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "text that does not begin with a run id");
    let (pipeline, apify_run) = listed(&json!({apify::CLIENT_ID: "x".repeat(300)})).await;
    pipeline.run_by(&apify_run, "").await;
    pipeline.assert_shows(run_record::ERROR_DETAILS, "text that is not a client id");
}
