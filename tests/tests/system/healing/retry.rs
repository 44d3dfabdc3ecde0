//! Retry: failed work is repeated after somebody ticks it.

use super::stage::{COMPLETED, assert_noted_once, finished, lost_chunk, notes};
use serde_json::{Value, json};

use shared::schema::{apify, clients, leads, run_record};
use tests::{CLIENT, Harvest, MASTER_BASE, Pipeline, post, told};

#[tokio::test]
async fn a_record_on_which_somebody_ticks_retry_has_its_failed_leads_scored_again_and_no_other() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    pipeline.add_lead("jane", json!({}));
    let max = pipeline.add_lead("max", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let items = vec![post("jane", 1, "We shipped it."), post("max", 1, "Hi.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));
    pipeline.run(&apify_run).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 2 harvested, 1 examined, 1 scored; balanced"
    );
    let first = pipeline.billed_tokens();

    pipeline.edit_lead(&max, &json!({leads::POSTS_CONTENT: null}));
    pipeline.retry().await;

    let after = pipeline.record();
    assert_eq!(told(&after), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert!(!after.contains_key(run_record::RETRY), "the tick is taken off");
    assert_noted_once(&after, "queued again: 1 lead.");
    let answers = pipeline.services.gemini.service().billed().len();
    assert_eq!(answers, 2, "jane is not asked about again");
    pipeline.assert_shows(run_record::PROGRESS_LOG, "Planned post scoring of 1 lead again.");
    assert!(pipeline.billed_tokens() > first);
    assert_eq!(after[run_record::POST_TOKENS], pipeline.billed_tokens(), "both tries' cost counts");
}

#[tokio::test]
async fn who_ticks_a_copy_of_a_record_means_its_run_and_two_ticks_are_one_request() {
    for ticks_both in [false, true] {
        let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
        let jane = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
        let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Hi.")]));
        pipeline.run(&apify_run).await;
        pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: null}));
        let first = pipeline.records().remove(0).id;
        let copy = Value::Object(pipeline.record());
        let copy = pipeline.insert(MASTER_BASE, run_record::TABLE, copy);
        let ticked = if ticks_both { vec![&first, &copy] } else { vec![&copy] };
        for record in ticked {
            pipeline.edit_record(record, &json!({run_record::RETRY: true}));
        }
        pipeline.tick().await;
        let after = pipeline.record_of(&first);
        assert_eq!(told(&after), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
        assert_noted_once(&after, "Retry was ticked: queued again: 1 lead.");
        for record in [&first, &copy] {
            assert!(!pipeline.record_of(record).contains_key(run_record::RETRY), "{ticks_both}");
        }
    }
}

#[tokio::test]
async fn leads_whose_harvest_apify_has_deleted_are_scored_again_from_their_rows() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Hi.")]));
    pipeline.run(&apify_run).await;
    assert!(pipeline.told().starts_with("Failed"), "the only lead could not be read");
    pipeline.services.apify.service().delete_run(&apify_run);
    let posts = r#"[{"postUrl":"https://www.linkedin.com/posts/old","postContent":"Old."}]"#;
    pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: posts}));
    pipeline.retry().await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_run_that_could_not_be_planned_is_planned_by_retry_once_the_cause_is_gone() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let set_status = |status| pipeline.edit_client(&json!({clients::STATUS: status}));
    set_status("Paused");
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Failed: 3 harvested, 0 examined, 0 scored; balanced");
    pipeline.retry().await;
    let line = "Nothing was queued again: client \"Guy-Wilson\" has the status \"Paused\"";
    assert!(notes(&pipeline.record()).contains(line), "{}", notes(&pipeline.record()));
    set_status(clients::ACTIVE);
    pipeline.retry().await;
    assert_eq!(pipeline.told(), COMPLETED);
}

#[tokio::test]
async fn an_unattributed_run_is_scored_by_retry_once_the_table_apify_names_its_client() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.run_by(&apify_run, "").await;
    let unattributed = pipeline.records().remove(0).id;
    assert_eq!(pipeline.billed_tokens(), 0, "nothing is scored");
    let row = json!({apify::APIFY_RUN_ID: apify_run, apify::CLIENT_ID: CLIENT});
    pipeline.insert(MASTER_BASE, apify::TABLE, row);
    pipeline.edit_record(&unattributed, &json!({run_record::RETRY: true}));
    pipeline.tick().await;
    let records = pipeline.records();
    let of_client = records.iter().find(|row| row.id != unattributed).unwrap();
    assert_eq!(told(&of_client.fields), COMPLETED);
    assert_eq!(pipeline.record_of(&unattributed)[run_record::STATUS], "Failed");
}

#[tokio::test]
async fn retry_of_a_run_that_is_well_says_that_there_is_nothing_to_do() {
    let (pipeline, _) = finished().await;
    let billed = pipeline.billed_tokens();
    pipeline.retry().await;
    let after = pipeline.record();
    assert!(!after.contains_key(run_record::RETRY));
    assert!(
        notes(&after).contains("Retry was ticked: nothing failed or is missing"),
        "{}",
        notes(&after)
    );
    assert_eq!((told(&after).as_str(), pipeline.billed_tokens()), (COMPLETED, billed));
}

#[tokio::test]
async fn a_run_whose_chunk_is_lost_stalls_by_name_and_is_completed_by_retry() {
    let variables = [("PROJECT_SECONDS", "0"), ("STALL_MINUTES", "0")];
    let pipeline = Pipeline::start_with(&variables).await;
    pipeline.add_lead("jane", json!({}));
    pipeline.add_lead("max", json!({}));
    let items = vec![post("jane", 1, "We shipped it."), post("max", 1, "Hi.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));
    // After the first tick.
    pipeline.tick().await;
    pipeline.report(lost_chunk(&apify_run, &["jane", "max"])).await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Running");

    pipeline.tick().await;
    let stalled = pipeline.record();
    assert_eq!(stalled[run_record::STATUS], "Stalled");
    let notes = notes(&stalled);
    assert!(notes.starts_with("Stalled: nothing has moved since "), "{notes}");
    assert!(notes.contains("Still missing: chunk 1 of 1."), "{notes}");

    pipeline.retry().await;
    assert_eq!(pipeline.told(), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
}
