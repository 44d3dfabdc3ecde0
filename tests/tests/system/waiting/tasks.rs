//! Requests for scoring: one client or all, by schedule or by hand, real or as a dry run.

use super::stage::{RUN, ask, score, send, stored};
use serde_json::{Value, json};
use shared::ports::QueueName;
use shared::schema::{clients, leads, run_record};
use tests::{CLIENT, Pipeline, told};

#[tokio::test]
async fn a_run_with_nothing_to_do_completes_with_zeros_and_says_so() {
    let pipeline = Pipeline::start().await;
    for (kind, n) in [("post", 1), ("profile", 2)] {
        let run = format!("261123-02000{n}");
        ask(&pipeline, json!({"clientId": "Guy-Wilson", "kind": kind, "runId": run})).await;
    }
    for (record, kind) in pipeline.records().iter().zip(["post", "profile"]) {
        assert_eq!(told(&record.fields), "Completed: 0 harvested, 0 examined, 0 scored; balanced");
        let log = record.fields[run_record::PROGRESS_LOG].as_str().unwrap();
        assert!(log.contains(&format!("No leads wait for {kind} scoring")), "{log}");
    }
    assert_eq!(pipeline.billed_tokens(), 0);
}

#[tokio::test]
async fn a_client_whose_row_cannot_be_read_is_not_left_out_of_a_scheduled_run_in_silence() {
    let error = json!({"error": "#ERROR!"});
    let no_id = "holds a value that is not a client id: it needs 1 to 100 characters";
    for (field, cell, named, holds) in [
        (clients::STATUS, error.clone(), Some(CLIENT), "holds an error"),
        (clients::CLIENT_ID, error, None, "holds an error"),
        (clients::CLIENT_ID, json!(null), None, no_id),
        (clients::CLIENT_ID, json!("x".repeat(101)), None, no_id),
        (clients::CLIENT_ID, json!("Guy\nWilson"), None, no_id),
    ] {
        let pipeline = Pipeline::start().await;
        let airtable = pipeline.services.airtable.service();
        let row = airtable.rows(tests::MASTER_BASE, clients::TABLE).unwrap().remove(0);
        let table = (tests::MASTER_BASE, clients::TABLE);
        airtable.put_cell(table, &row.id, field, cell.clone()).unwrap();
        // A row without anything is nobody's client.
        pipeline.insert(tests::MASTER_BASE, clients::TABLE, json!({}));
        let task = json!({"version": 1, "type": "score", "clients": "all", "kind": "post",
            "requested_at": "2026-11-23T02:00:00Z"});
        send(&pipeline, "a night", task).await;
        let record = pipeline.record();
        assert_eq!(record[run_record::STATUS], "Failed");
        assert_eq!(record[run_record::CLIENT_ID], named.unwrap_or(&row.id), "{cell}");
        let line = format!("is not served: the field {field:?} of record {} {holds}", row.id);
        pipeline.assert_shows(run_record::ERROR_DETAILS, &line);
        assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("was asked for"), "{cell}");
    }
}

#[tokio::test]
async fn the_schedule_scores_every_client_that_is_served_in_one_run_named_by_its_time() {
    let pipeline = Pipeline::start().await;
    pipeline.add_lead("jane", stored("jane", &["One."]));
    let task = json!({"version": 1, "type": "score", "clients": "all", "kind": "post",
        "requested_at": "2026-11-23T02:00:00Z"});
    for delivery in ["the schedule", "the schedule, a day later"] {
        send(&pipeline, delivery, task.clone()).await;
        assert_eq!(pipeline.told(), "Completed: 0 harvested, 1 examined, 1 scored; balanced");
        assert_eq!(pipeline.record()[run_record::RUN_ID], format!("{RUN}-Guy-Wilson"));
    }
    let profiles = json!({"version": 1, "type": "score", "clients": "all", "kind": "profile",
        "requested_at": "2026-11-23T03:00:00Z"});
    send(&pipeline, "profiles", profiles).await;
    let clients: Vec<Value> =
        pipeline.records().iter().map(|row| row.fields[run_record::CLIENT_ID].clone()).collect();
    assert_eq!(clients, ["Guy-Wilson", "Basic-Client", "Guy-Wilson"], "level 1 has profiles");
}

#[tokio::test]
async fn a_task_that_names_neither_run_nor_time_is_dead_lettered_with_the_reason() {
    let pipeline = Pipeline::start().await;
    let task = json!({"version": 1, "type": "score", "clients": "all", "kind": "post"});
    send(&pipeline, "by hand", task).await;
    assert_eq!(pipeline.records().len(), 0);
    assert_eq!(pipeline.system.queue.depth(QueueName::Scoring).unwrap().dead, 1);
}

#[tokio::test]
async fn a_client_that_cannot_be_scored_leaves_a_failed_record_with_the_reason() {
    for (client, kind, reason) in [
        ("Paused-Client", "profile", "has the status \"Paused\""),
        ("Basic-Client", "post", "which has no post scoring"),
        ("Nobody", "post", "is not in the table \"Clients\""),
    ] {
        let pipeline = Pipeline::start().await;
        ask(&pipeline, json!({"clientId": client, "kind": kind})).await;
        let record = pipeline.record();
        assert_eq!(record[run_record::STATUS], "Failed");
        pipeline.assert_shows(run_record::ERROR_DETAILS, reason);
    }
}

#[tokio::test]
async fn a_dry_run_calls_no_model_and_writes_nothing_but_a_note_on_a_record_that_is_there() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.add_lead("jane", stored("jane", &["One."]));
    let before = pipeline.lead(&jane);
    let dry = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "dryRun": true});
    ask(&pipeline, dry.clone()).await;
    assert_eq!((pipeline.records().len(), pipeline.billed_tokens()), (0, 0));
    assert_eq!(pipeline.lead(&jane), before);

    score(&pipeline, "post").await;
    let max = pipeline.add_lead("max", stored("max", &["Two."]));
    let billed = pipeline.billed_tokens();
    let mut again = dry;
    again["limit"] = json!(5);
    ask(&pipeline, again).await;
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 1 examined, 1 scored; balanced");
    assert_eq!(pipeline.billed_tokens(), billed);
    assert!(!pipeline.lead(&max).contains_key(leads::POSTS_SCORE));
    pipeline.assert_shows(
        run_record::SYSTEM_NOTES,
        "Dry run: 1 lead waiting for post scoring; 1 would be scored",
    );
}
