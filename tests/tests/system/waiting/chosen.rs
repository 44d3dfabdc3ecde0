//! Which leads wait, and which of them are scored.

use super::stage::{RUN, add_wordy, ask, score, stored};
use serde_json::json;
use shared::ports::EventLog;
use shared::schema::{leads, run_record};
use simulators::gemini::Marker;
use tests::{CLIENT_BASE, Pipeline, profile_of, told};

#[tokio::test]
async fn leads_whose_posts_wait_are_scored_and_the_others_are_left_alone() {
    let pipeline = Pipeline::start().await;
    let jane = pipeline.add_lead("jane", stored("jane", &["One.", "Two."]));
    let max = pipeline.add_lead("max", stored("max", &["Three."]));
    let mut acted = stored("acted", &["Four."]);
    acted[leads::POSTS_ACTIONED] = json!(true);
    let acted = pipeline.add_lead("acted", acted);
    let mut dated = stored("dated", &["Five."]);
    dated[leads::DATE_POSTS_SCORED] = json!("2026-11-01T00:00:00.000Z");
    pipeline.add_lead("dated", dated);
    pipeline.add_lead("empty", json!({}));

    let answer = score(&pipeline, "post").await;

    assert_eq!(answer, json!({"accepted": true, "runId": RUN}));
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 3 examined, 3 scored; balanced");
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], format!("{RUN}-Guy-Wilson"));
    assert_eq!(record[run_record::RUN_TYPE], "Orchestrated");
    assert_eq!(record[run_record::POST_TOKENS], pipeline.billed_tokens());
    let of_lead = |lead: &String| pipeline.lead(lead)[leads::POST_SCORING_TOKENS].as_u64().unwrap();
    assert_eq!(
        of_lead(&jane) + of_lead(&max),
        pipeline.billed_tokens(),
        "the leads' parts add up to the whole"
    );
    assert!(!pipeline.lead(&acted).contains_key(leads::POSTS_SCORE));
    pipeline.assert_shows(run_record::PROGRESS_LOG, "Asked to score the posts that are waiting");
    let log = pipeline.text(run_record::PROGRESS_LOG);
    assert_eq!(log.matches("Planned post scoring of 2 leads").count(), 1, "{log}");
}

#[tokio::test]
async fn the_view_decides_what_waits_where_the_base_has_it() {
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    let view = simulators::airtable::ViewSpec::filtered(
        leads::WAITING_VIEW,
        &format!("{{{}}}='{}'", leads::PROFILE_URL, tests::profile("max")),
    );
    airtable.add_view(CLIENT_BASE, leads::TABLE, view).unwrap();
    pipeline.add_lead("jane", stored("jane", &["One."]));
    let max = pipeline.add_lead("max", stored("max", &["Two."]));
    ask(&pipeline, json!({"clientId": "Guy-Wilson", "kind": "post"})).await;
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 1 examined, 1 scored; balanced");
    assert!(pipeline.lead(&max).contains_key(leads::POSTS_SCORE));
    assert_eq!(pipeline.record()[run_record::RUN_TYPE], "Standalone", "nobody chose its id");
}

#[tokio::test]
async fn a_limit_and_lead_ids_narrow_the_choice() {
    let pipeline = Pipeline::start().await;
    let ids = add_wordy(&pipeline, 4, "x");
    ask(&pipeline, json!({"clientId": "Guy-Wilson", "kind": "post", "limit": 1, "runId": RUN}))
        .await;
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 1 examined, 1 scored; balanced");
    let scored = |id: &String| pipeline.lead(id).contains_key(leads::DATE_POSTS_SCORED);
    let done: Vec<&String> = ids.iter().filter(|id| scored(id)).collect();
    let open: Vec<&String> = ids.iter().filter(|id| !scored(id)).collect();
    assert_eq!(done.len(), 1);

    let gone = "recGone0000000001";
    let named = [done[0].as_str(), open[0], gone, open[0]];
    let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "leadIds": named});
    ask(&pipeline, body).await;

    assert!(scored(open[0]) && !scored(open[1]) && !scored(open[2]));
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 2 examined, 2 scored; balanced");
    for line in [
        format!("1 of the 3 leads named does not wait for post scoring: {}", done[0]),
        format!("1 of the 3 leads named is in no row of the base: {gone}"),
    ] {
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    }

    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("To do:"), "{notes}");
    assert!(!notes.contains("Nothing to do"), "{notes}");

    let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "limit": 1,
        "leadIds": [open[1], open[2]]});
    ask(&pipeline, body).await;
    let line = "1 of the 2 leads named was not looked at: the limit is 1 lead";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);

    let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "leadIds": [gone]});
    ask(&pipeline, body).await;
    let line = format!("- The lead named is in no row of the base: {gone}");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
}

#[tokio::test]
async fn two_rows_of_one_profile_are_two_leads() {
    let pipeline = Pipeline::start().await;
    let first = pipeline.add_lead("jane", stored("one", &["One."]));
    let second = pipeline.add_lead("jane", stored("two", &["Two."]));
    score(&pipeline, "post").await;
    assert_eq!(pipeline.told(), "Completed: 0 harvested, 2 examined, 2 scored; balanced");
    for lead in [first, second] {
        assert!(pipeline.lead(&lead).contains_key(leads::POSTS_SCORE));
    }
}

#[tokio::test]
async fn a_lead_that_is_deleted_before_its_turn_is_counted_and_no_harvest_is_blamed() {
    let pipeline = Pipeline::start().await;
    let rows = add_wordy(&pipeline, 3, "x");
    let airtable = pipeline.services.airtable.service();
    let first = airtable.row(CLIENT_BASE, leads::TABLE, &rows[0]).unwrap().unwrap();
    let left = json!({"records": [{"id": first.id, "fields": first.fields}]});
    let read = json!({"status": 200, "body": left, "kind": "list", "path": "/Leads",
        "holds": leads::POSTS_EVALUATION});
    pipeline.services.airtable.answers().add(serde_json::from_value(read).unwrap());
    score(&pipeline, "post").await;
    pipeline.assert_exact("Completed: 0 harvested, 1 examined, 1 scored; balanced");
    let line = "2 leads that waited were not scored: the row is gone.";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "Nothing to do.");
}

#[tokio::test]
async fn profiles_are_scored_through_the_same_chain() {
    let pipeline = Pipeline::start().await;
    let about = "Runs operations at a company of eighty people and decides about tools.";
    let jane = pipeline.add_lead("jane", profile_of(about));
    let max = pipeline.add_lead("max", profile_of(&format!("{about} Twice.")));
    let thin = pipeline.add_lead("thin", profile_of("Hello!"));
    let blocked = pipeline
        .add_lead("blocked", profile_of(&format!("{about} {}", Marker::SafetyBlock.text())));
    let cut = pipeline.add_lead("cut", profile_of(&format!("{about} {}", Marker::Truncate.text())));
    let mut done = profile_of(about);
    done[leads::SCORING_STATUS] = json!(leads::SCORED);
    pipeline.add_lead("done", done);

    score(&pipeline, "profile").await;

    let record = pipeline.record();
    assert_eq!(told(&record), "Completed with Errors: 0 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(record[run_record::PROFILES_EXAMINED], 4);
    assert_eq!(record[run_record::PROFILES_SCORED], 2);
    assert_eq!(record[run_record::PROFILE_TOKENS], pipeline.billed_tokens());
    assert_eq!(record[run_record::POST_TOKENS], 0);
    for lead in [&jane, &max] {
        let row = pipeline.lead(lead);
        assert_eq!(row[leads::SCORING_STATUS], leads::SCORED);
        let breakdown = row[leads::AI_BREAKDOWN].as_str().unwrap();
        assert!(breakdown.starts_with("**A (A)**: "), "{breakdown}");
        let total = breakdown.lines().find(|line| line.starts_with("Total: ")).unwrap();
        let percent: f64 =
            total.rsplit_once("= ").unwrap().1.trim_end_matches(" %").parse().unwrap();
        let score = row[leads::AI_SCORE].as_f64().unwrap();
        assert!((score * 100.0 - percent).abs() < 1e-9, "{score} {total}");
        assert!(row[leads::AI_ASSESSMENT].as_str().is_some_and(|text| !text.is_empty()));
        assert!(row.contains_key(leads::DATE_SCORED));
    }
    let row = pipeline.lead(&thin);
    assert_eq!(row[leads::SCORING_STATUS], "Skipped – Profile Too Thin");
    assert_eq!(row[leads::AI_SCORE], 0);
    assert_eq!(pipeline.lead(&blocked)[leads::SCORING_STATUS], "Failed – API Error");
    assert_eq!(pipeline.lead(&cut)[leads::SCORING_STATUS], "Failed – Parse Error");
    pipeline.assert_shows(
        run_record::SYSTEM_NOTES,
        "1 lead was skipped: the profile says too little to be judged (PROFILE_TOO_THIN)",
    );
}

#[tokio::test]
async fn posts_and_profiles_of_one_run_stand_on_one_record() {
    let pipeline = Pipeline::start().await;
    let mut jane = stored("jane", &["One.", "Two."]);
    let about = profile_of("Runs operations at a company of eighty people and decides.");
    jane.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    pipeline.add_lead("jane", jane);
    for kind in ["post", "profile"] {
        score(&pipeline, kind).await;
    }
    let record = pipeline.record();
    assert_eq!(told(&record), "Completed: 0 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(record[run_record::PROFILES_SCORED], 1);
    let both = record[run_record::POST_TOKENS].as_u64().unwrap()
        + record[run_record::PROFILE_TOKENS].as_u64().unwrap();
    assert_eq!(both, pipeline.billed_tokens());
}

#[tokio::test]
async fn a_harvest_and_what_was_waiting_in_one_run_count_each_lead_and_post_once() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.add_lead("waits", stored("waits", &["Old words."]));
    pipeline.webhook(&apify_run, &format!("clientId=Guy-Wilson&runId={RUN}")).await;
    for _ in 0..2 {
        let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN});
        assert_eq!(pipeline.post("/runs", &body.to_string()).await.0, 202);
    }
    pipeline.settle().await;
    let record = pipeline.record();
    assert_eq!(told(&record), "Completed: 3 harvested, 4 examined, 4 scored; balanced");
    assert_eq!(record[run_record::POST_TOKENS], pipeline.billed_tokens());
}

/// The log's events of this type for the run [`RUN`].
async fn events_of_type(pipeline: &Pipeline, name: &str) -> Vec<String> {
    let run = format!("{RUN}-Guy-Wilson").parse().unwrap();
    let events = pipeline.system.log.read(&run).await.unwrap().events;
    events.into_iter().filter(|body| body.contains(&format!(r#""type":"{name}""#))).collect()
}

#[tokio::test]
async fn a_chunk_that_says_what_is_in_it_as_planning_did_stands_in_the_log_once() {
    let pipeline = Pipeline::start().await;
    add_wordy(&pipeline, 60, "Post.");
    score(&pipeline, "post").await;
    let done = events_of_type(&pipeline, "chunk_done").await.len();
    let planned = events_of_type(&pipeline, "planned_chunk").await;
    assert!(done > 1, "{done}");
    assert_eq!(planned.len(), done, "each chunk is told once: {planned:#?}");
}
