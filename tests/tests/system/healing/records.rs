//! Records that somebody deleted, duplicated or edited.

use super::stage::{
    COMPLETED, assert_noted_once, finished, lost_chunk, notes, numbers, old_harvest,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::messages::{Fact, Note, NoteKind, Opened, OpenedBy};
use shared::schema::run_record;
use simulators::airtable::Row;
use std::time::Duration;
use tests::{CLIENT, MASTER_BASE, Pipeline, told};

/// What finds a record that was changed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum FoundBy {
    Tick,
    Event,
}

impl FoundBy {
    async fn come(self, pipeline: &Pipeline) {
        let note =
            Note { kind: NoteKind::Input, text: "a late event".to_owned(), needs_action: false };
        match self {
            Self::Tick => pipeline.tick().await,
            Self::Event => pipeline.report(vec![Fact::Noted(note)]).await,
        }
    }
}

#[tokio::test]
async fn a_deleted_record_is_back_by_the_next_tick_or_event_with_identical_numbers_and_one_note() {
    for found_by in [FoundBy::Tick, FoundBy::Event] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        pipeline.delete_record(&record);
        found_by.come(&pipeline).await;
        let after = pipeline.record();
        assert_eq!(numbers(&after), numbers(&before), "{found_by:?}");
        assert_noted_once(&after, &format!("Record {record} was gone; created again as "));
        pipeline.tick().await;
        assert_eq!(pipeline.record(), after, "one note per thing, not one per tick");
    }
}

#[tokio::test]
async fn a_record_that_is_deleted_beside_its_marked_copy_was_deleted_and_no_webhook_is_blamed() {
    let (pipeline, record) = finished().await;
    let copy = Value::Object(pipeline.record());
    pipeline.insert(MASTER_BASE, run_record::TABLE, copy);
    pipeline.tick().await;
    pipeline.delete_record(&record);
    pipeline.tick().await;
    let is_back = |row: &Row| row.fields[run_record::RUN_ID] == "261123-094519-Guy-Wilson";
    let after = pipeline.records().into_iter().find(is_back).unwrap().fields;
    assert_eq!(told(&after), COMPLETED);
    assert_noted_once(&after, "from the log: somebody deleted it.");
}

#[tokio::test]
async fn edited_machine_fields_are_restored_by_the_next_tick_and_human_fields_stay() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    let edits = json!({run_record::POST_TOKENS: 7, run_record::STATUS: "Failed",
        run_record::BALANCE: "", "Invoiced": true});
    pipeline.edit_record(&record, &edits);
    pipeline.tick().await;
    let mut after = pipeline.record();
    assert_eq!(after.remove("Invoiced"), Some(json!(true)));
    assert_eq!(numbers(&after), numbers(&before));
    let line = "\"Status\", \"Post Scoring Tokens\", \"Balance\" did not show what was written";
    assert_noted_once(&after, line);
    let writes = pipeline.airtable_requests("upsert");
    pipeline.tick().await;
    assert_eq!(pipeline.airtable_requests("upsert"), writes, "what is right is not written");
}

#[tokio::test]
async fn a_duplicate_is_marked_by_the_next_tick_or_event_and_nothing_is_deleted() {
    for found_by in [FoundBy::Tick, FoundBy::Event] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        let mut copy = before.clone();
        copy.insert("Invoiced".to_owned(), json!(true));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let copy = pipeline.insert(MASTER_BASE, run_record::TABLE, Value::Object(copy));
        for _ in 0..2 {
            found_by.come(&pipeline).await;
            assert_eq!(pipeline.records().len(), 2, "{found_by:?}");
            let kept = pipeline.record_of(&record);
            assert_eq!(numbers(&kept), numbers(&before));
            let line = format!("Record existed more than once; kept {record}, marked {copy}");
            assert_noted_once(&kept, &line);
            let marked = pipeline.record_of(&copy);
            let run_id = format!("261123-094519-Guy-Wilson (duplicate of {record})");
            assert_eq!(marked[run_record::RUN_ID], run_id);
            assert_eq!(marked["Invoiced"], true, "what people wrote stays");
        }
        let requests = pipeline.services.airtable.requests();
        let is_refused = requests.iter().any(|count| count.status != 200);
        assert!(found_by == FoundBy::Event || !is_refused, "found before a write is refused");
    }
}

#[tokio::test]
async fn a_record_whose_run_id_was_edited_gets_it_back() {
    for edit in [json!({run_record::RUN_ID: "mine"}), json!({run_record::CLIENT_ID: "Other"})] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        pipeline.edit_record(&record, &edit);
        pipeline.tick().await;
        let after = pipeline.record();
        assert_eq!(numbers(&after), numbers(&before));
        assert!(notes(&after).contains("had its identity edited"), "{}", notes(&after));
    }
}

#[tokio::test]
async fn an_event_that_meets_an_edited_run_id_keeps_the_old_record_and_says_why() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    pipeline.edit_record(&record, &json!({run_record::RUN_ID: "mine", "Invoiced": true}));
    let apify_run = before[run_record::APIFY_RUN_ID].as_str().unwrap().parse().unwrap();
    let opened = Fact::Opened(Opened { by: OpenedBy::Webhook(apify_run) });
    pipeline.report(vec![opened]).await;
    let after = pipeline.record_of(&record);
    assert_eq!(told(&after), COMPLETED);
    assert_eq!(after["Invoiced"], true, "what people wrote stays with the run");
    assert!(notes(&after).contains("Client ID was edited (Run ID \"mine\")"), "{}", notes(&after));
    assert_eq!(pipeline.records().len(), 2, "the one created in between is marked");
    pipeline.tick().await;
    assert_eq!(pipeline.record_of(&record), after);
}

#[tokio::test]
async fn a_field_that_is_gone_costs_that_field_and_comes_back_by_itself() {
    let (pipeline, _) = finished().await;
    let before = pipeline.record();
    let airtable = pipeline.services.airtable.service();
    airtable.delete_field(MASTER_BASE, run_record::TABLE, run_record::POSTS_SCORED).unwrap();
    for _ in 0..2 {
        pipeline.tick().await;
        let without = pipeline.record();
        assert_eq!(told(&without), "Completed: 3 harvested, 3 examined, - scored; balanced");
        let line =
            "Field \"Posts Successfully Scored\" is not written: the table has no such field";
        assert_noted_once(&without, line);
    }
    let spec = simulators::airtable::FieldSpec::number(run_record::POSTS_SCORED, 0);
    airtable.add_field(MASTER_BASE, run_record::TABLE, spec).unwrap();
    pipeline.tick().await;
    assert_eq!(pipeline.record(), before, "the field and the notes are as they were");
}

#[tokio::test]
async fn a_state_written_over_a_newer_one_is_put_right_by_the_next_tick() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    // A finalizer that was too slow writes the state in the middle of the run.
    let older = json!({run_record::STATUS: "Running", run_record::POSTS_SCORED: 1,
        run_record::POST_TOKENS: 10, run_record::END_TIME: null});
    pipeline.edit_record(&record, &older);
    pipeline.tick().await;
    assert_eq!(numbers(&pipeline.record()), numbers(&before));
}

#[tokio::test]
async fn redeliveries_for_twenty_finalizers_on_a_missing_record_make_one_record_in_two_requests() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "3600")]).await;
    // After the first tick.
    pipeline.tick().await;
    let missing = |pipeline: &Pipeline| {
        pipeline.airtable_requests("upsert") + pipeline.airtable_requests("list")
    };
    let before = missing(&pipeline);
    // The run was never opened, so each of these finds that the record is missing.
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(1));
    let facts = lost_chunk(&apify_run, &["jane"]).split_off(2);
    for _ in 0..20 {
        pipeline.report(facts.clone()).await;
    }
    assert_eq!(pipeline.records().len(), 1);
    assert_eq!(missing(&pipeline) - before, 2, "one to see why it is missing, one to create it");
    let record = pipeline.record();
    assert!(notes(&record).contains("was never opened here"), "{}", notes(&record));
}

#[tokio::test]
async fn a_record_created_without_opening_names_the_run_that_has_the_same_harvest() {
    let other = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let apify_run = old_harvest(&other, SignedDuration::from_hours(1));
    let row = json!({run_record::RUN_ID: "251014-153000-Guy-Wilson",
        run_record::CLIENT_ID: CLIENT, run_record::APIFY_RUN_ID: apify_run});
    let known = other.insert(MASTER_BASE, run_record::TABLE, row);
    other.report(lost_chunk(&apify_run, &["jane"]).split_off(1)).await;
    let records = other.records();
    let created = &records.iter().find(|row| row.id != known).unwrap().fields;
    let line = "the same Apify run is on record ";
    assert!(notes(created).contains(line), "{}", notes(created));
    assert!(notes(created).contains("under the Run ID \"251014-153000-Guy-Wilson\""));
}
