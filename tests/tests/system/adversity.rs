//! Trouble on the way, and a record that is right nevertheless.

use serde_json::{Value, json};
use shared::messages::{Fact, Note, NoteKind, routes};
use shared::ports::{Queue, QueueName};
use shared::schema::{leads, run_record};
use simulators::airtable::FieldSpec;
use std::time::Duration;
use tests::{CLIENT_BASE, MASTER_BASE, Pipeline};

const FOR_CLIENT: &str = "clientId=Guy-Wilson";
const COMPLETED: &str = "Completed: 3 harvested, 3 examined, 3 scored; balanced";

/// Sends one event of a run that is not opened here.
async fn send_event(pipeline: &Pipeline, text: &str) {
    let note = Note { kind: NoteKind::Input, text: text.to_owned(), needs_action: false };
    pipeline.report(vec![Fact::Noted(note)]).await;
}

#[tokio::test]
async fn a_missing_record_is_brought_into_being_by_whatever_event_comes_first() {
    let pipeline = Pipeline::start().await;
    // After the first tick, which looks for ticked records.
    pipeline.tick().await;
    let lists = pipeline.airtable_requests("list");
    send_event(&pipeline, "an odd webhook").await;
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], "261123-094519-Guy-Wilson");
    assert_eq!(record[run_record::STATUS], "Running");
    assert_eq!(pipeline.airtable_requests("upsert"), 1, "by the same request that updates it");
    assert_eq!(pipeline.airtable_requests("list") - lists, 1, "to find out why it was missing");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "the run was never opened here");
}

#[tokio::test]
async fn a_field_that_is_missing_or_mistyped_costs_that_field_only() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let airtable = pipeline.services.airtable.service();
    let (table, checkbox) = (run_record::TABLE, FieldSpec::checkbox(""));
    airtable.delete_field(MASTER_BASE, table, run_record::AI_COST).unwrap();
    airtable.retype_field(MASTER_BASE, table, run_record::POSTS_SCORED, checkbox).unwrap();
    airtable.delete_field(CLIENT_BASE, leads::TABLE, leads::POST_SCORING_TOKENS).unwrap();
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 3 harvested, 3 examined, - scored; balanced");
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    for line in [
        "Field \"AI Cost\" is not written: the table has no such field; add it as currency",
        "Field \"Posts Successfully Scored\" is not written: it is a checkbox field in Airtable; make it number",
    ] {
        assert_eq!(notes.matches(line).count(), 1, "{notes}");
    }
}

#[tokio::test]
async fn a_field_that_is_renamed_while_the_run_goes_on_costs_that_field_only() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    send_event(&pipeline, "the schema is known from here on").await;
    let airtable = pipeline.services.airtable.service();
    airtable
        .rename_field(MASTER_BASE, run_record::TABLE, run_record::POSTS_SCORED, "Renamed")
        .unwrap();
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 3 harvested, 3 examined, - scored; balanced");
}

#[tokio::test]
async fn a_base_that_lacks_a_field_for_the_results_costs_no_token() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let airtable = pipeline.services.airtable.service();
    airtable.delete_field(CLIENT_BASE, leads::TABLE, leads::POSTS_EVALUATION).unwrap();
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Failed: 3 harvested, 0 examined, 0 scored; balanced");
    pipeline.assert_shows(
        run_record::ERROR_DETAILS,
        "field \"Posts AI Evaluation\" is missing; make it long text",
    );
    assert_eq!(pipeline.billed_tokens(), 0);
}

#[tokio::test]
async fn an_airtable_that_limits_requests_is_waited_for() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.break_airtable(&json!({"fault": "too_many_requests", "next": 1, "kind": "update"}));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    let limited: Vec<_> =
        pipeline.services.airtable.requests().into_iter().filter(|c| c.status == 429).collect();
    assert_eq!(limited.len(), 1, "the penalty is not prolonged: {limited:?}");
    assert_eq!(pipeline.record()[run_record::POST_TOKENS], pipeline.billed_tokens());
}

#[tokio::test]
async fn answers_of_airtable_that_are_lost_or_broken_leave_one_record_and_no_second_bill() {
    for fault in ["lost_after", "lost_before", "internal_error", "unavailable"] {
        let (pipeline, apify_run) = Pipeline::with_harvest().await;
        for kind in ["upsert", "update", "list"] {
            pipeline.break_airtable(&json!({"fault": fault, "next": 1, "kind": kind}));
        }
        pipeline.run(&apify_run).await;
        pipeline.assert_exact(COMPLETED);
        let calls: u64 = pipeline.services.gemini.requests().iter().map(|c| c.count).sum();
        assert_eq!(calls, 1, "both leads are asked about in one call");
    }
}

#[tokio::test]
async fn an_answer_of_the_model_that_is_lost_is_unobserved_on_the_record_not_zero() {
    for fault in ["lost_after", "malformed_body"] {
        let (pipeline, apify_run) = Pipeline::with_harvest().await;
        pipeline.break_gemini(&json!({"fault": fault, "next": 1}));
        pipeline.run(&apify_run).await;
        let told = pipeline.told();
        let expected = "Completed: 3 harvested, 3 examined, 3 scored; post tokens: 1 model call \
                        unobserved, whatever was used there is not counted\ncost is at least $";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.ends_with(": 1 call without usage"), "{told}");
        let recorded = pipeline.record()[run_record::POST_TOKENS].as_u64().unwrap();
        let lost = pipeline.services.gemini.service().billed()[0].usage.total;
        assert!(recorded < pipeline.billed_tokens() && lost > 0, "{fault}");
    }
}

#[tokio::test]
async fn apify_or_a_model_out_of_order_for_a_moment_is_asked_again_and_refusals_cost_nothing() {
    let apify: fn(&Pipeline, &Value) = Pipeline::break_apify;
    for (break_service, rule) in [
        (apify, json!({"fault": "internal_error", "next": 1, "kind": "run"})),
        (apify, json!({"fault": "lost_after", "next": 1, "kind": "items"})),
        (apify, json!({"fault": "too_many_requests", "next": 1, "kind": "input"})),
        (Pipeline::break_gemini, json!({"fault": "unavailable", "next": 2})),
    ] {
        let (pipeline, apify_run) = Pipeline::with_harvest().await;
        break_service(&pipeline, &rule);
        pipeline.run(&apify_run).await;
        pipeline.assert_exact(COMPLETED);
    }
}

#[tokio::test]
async fn a_bad_message_goes_to_the_dead_letters_with_its_reason_and_takes_no_other_with_it() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let bad = |group: &str, body: &str| routes::verbatim(group, &body.len().to_string(), body);
    let queue = &pipeline.system.queue;
    let broken = r#"{"version":1,"type":"chunk","rubric":"secret words"}"#;
    let unknown = r#"{"version":1,"type":"next_years_task"}"#;
    let group = "plan#Guy-Wilson";
    queue.send(QueueName::Scoring, vec![bad(group, broken), bad(group, unknown)]).await.unwrap();
    queue.send(QueueName::Metrics, vec![bad(MASTER_BASE, "{}")]).await.unwrap();
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    let dead = queue.dead_letters(QueueName::Scoring).await.unwrap();
    let mut reasons: Vec<&str> = dead.iter().map(|letter| letter.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].starts_with("message type \"next_years_task\" is not known here"));
    assert!(reasons[1].starts_with("not a message: wrong or missing data"));
    assert!(!reasons[1].contains("secret words"), "a reason never quotes the message");
    assert_eq!(queue.dead_letters(QueueName::Metrics).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_that_the_log_cannot_hold_keeps_no_other_from_being_stored() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let note =
        |text: String| Fact::Noted(Note { kind: NoteKind::Input, text, needs_action: false });
    pipeline.report(vec![note("x".repeat(400_000)), note("a small one".to_owned())]).await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    let notes = pipeline.record()[run_record::SYSTEM_NOTES].clone();
    assert!(notes.as_str().unwrap().contains("A small one"), "{notes}");
    let dead = pipeline.system.queue.dead_letters(QueueName::Metrics).await.unwrap();
    let [letter] = dead.as_slice() else { panic!("{} dead letters", dead.len()) };
    assert!(letter.reason.contains("at most 358400 fit into one item"), "{}", letter.reason);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_run_loses_nothing_that_was_known() {
    let mut pipeline = Pipeline::start().await;
    let (_, apify_run) = pipeline.harvest_of_many(&vec!["Some words.".to_owned(); 30]);
    pipeline.webhook(&apify_run, FOR_CLIENT).await;
    while pipeline.airtable_requests("update") < 1 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    pipeline.crash_and_restart().await;
    pipeline.settle().await;
    let record = pipeline.record();
    let told = tests::told(&record);
    assert!(told.starts_with("Completed: 30 harvested, 30 examined, 30 scored; "), "{told}");
    let recorded = record[run_record::POST_TOKENS].as_u64().unwrap();
    if told.ends_with("; balanced") {
        assert_eq!(recorded, pipeline.billed_tokens());
    } else {
        assert!(told.contains("model call") && told.contains(" unobserved, "), "{told}");
        assert!(recorded < pipeline.billed_tokens());
    }
}

#[tokio::test]
async fn an_outage_of_airtable_keeps_no_event_from_being_stored_and_a_tick_catches_up() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline
        .break_airtable(&json!({"fault": "internal_error", "probability": 1, "kind": "upsert"}));
    send_event(&pipeline, "while Airtable is not working").await;
    assert_eq!(pipeline.records().len(), 0);
    pipeline.services.airtable.faults().clear();
    pipeline.tick().await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Running");
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
}
