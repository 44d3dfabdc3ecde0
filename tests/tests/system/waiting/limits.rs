//! Token limits of a run and of a day.

use super::stage::{RUN, add_wordy, ask, score, send, stored};
use serde_json::json;
use shared::schema::{clients, leads, run_record};
use simulators::gemini::Marker;
use tests::{CLIENT_BASE, Pipeline, told};

#[tokio::test]
async fn a_clients_limit_is_kept_and_what_is_beyond_it_waits_for_the_next_run() {
    let pipeline = Pipeline::start_with(&[("LANES", "1"), ("PROJECT_SECONDS", "0")]).await;
    let text = "words and words ".repeat(100);
    add_wordy(&pipeline, 40, &text);
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 7_000}));
    score(&pipeline, "post").await;

    let record = pipeline.record();
    let scored = record[run_record::POSTS_SCORED].as_u64().unwrap();
    assert!((10..40).contains(&scored), "{scored}");
    let used = record[run_record::POST_TOKENS].as_u64().unwrap();
    assert!((3_500..=7_000).contains(&used), "{used}");
    assert_eq!(record[run_record::BALANCE], "balanced");
    assert_eq!(record[run_record::STATUS], "Completed");
    pipeline.assert_shows(
        run_record::SYSTEM_NOTES,
        &format!("{} leads wait: the token limit of the run is reached", 40 - scored),
    );

    // The same run has no tokens left. Another run continues where it ended.
    ask(&pipeline, json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "limit": 30}))
        .await;
    assert!(pipeline.billed_tokens() <= 7_000);
    ask(&pipeline, json!({"clientId": "Guy-Wilson", "kind": "post", "runId": "261123-030000"}))
        .await;
    let next = pipeline.records().pop().unwrap().fields;
    assert!(next[run_record::POSTS_SCORED].as_u64().unwrap() > 0);
    assert_eq!(next[run_record::BALANCE], "balanced");
}

#[tokio::test]
async fn a_runs_limit_is_kept_by_its_next_plans_although_the_field_of_its_tokens_is_gone() {
    let pipeline = Pipeline::start_with(&[("LANES", "1"), ("PROJECT_SECONDS", "0")]).await;
    add_wordy(&pipeline, 40, &"words and words ".repeat(100));
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 5_000}));
    let airtable = pipeline.services.airtable.service();
    let table = run_record::TABLE;
    airtable.delete_field(tests::MASTER_BASE, table, run_record::POST_TOKENS).unwrap();
    for limit in [30, 31, 32] {
        let body = json!({"clientId": "Guy-Wilson", "kind": "post", "runId": RUN, "limit": limit});
        ask(&pipeline, body).await;
    }
    assert!((2_500..=5_000).contains(&pipeline.billed_tokens()), "{}", pipeline.billed_tokens());
}

#[tokio::test]
async fn a_lead_alone_is_scored_under_a_limit_that_it_is_far_from_whatever_its_row_holds() {
    let words = "Old words that were scored long ago. ".repeat(400);
    for cells in [json!({}), stored("jane", &[&words, &words, &words])] {
        let pipeline = Pipeline::start().await;
        let jane = pipeline.add_lead("jane", cells);
        pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 100_000}));
        let items = vec![tests::post("jane", 9, "New words.")];
        let apify_run = pipeline.harvest(tests::Harvest::of(&["jane"], items));
        pipeline.run(&apify_run).await;
        let record = pipeline.record();
        assert_eq!(record[run_record::STATUS], "Completed");
        assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("token limit"));
        assert!(pipeline.lead(&jane).contains_key(leads::POSTS_SCORE));
    }
    let pipeline = Pipeline::start().await;
    let jane = pipeline.add_lead("jane", stored("jane", &["Few words."]));
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 100_000}));
    score(&pipeline, "post").await;
    assert!(pipeline.lead(&jane).contains_key(leads::POSTS_SCORE));
}

#[tokio::test]
async fn under_a_limit_that_they_are_far_from_all_waiting_leads_are_scored() {
    let pipeline = Pipeline::start().await;
    let leads = add_wordy(&pipeline, 15, &"words and words ".repeat(100));
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 1_000_000}));
    score(&pipeline, "post").await;
    pipeline.assert_exact("Completed: 0 harvested, 15 examined, 15 scored; balanced");
    assert!(leads.iter().all(|lead| pipeline.lead(lead).contains_key(leads::POSTS_SCORE)));
}

#[tokio::test]
async fn what_is_harvested_beyond_the_limit_is_stored_and_waits() {
    let pipeline = Pipeline::start_with(&[("LANES", "1")]).await;
    let text = "words and words ".repeat(100);
    let words: Vec<String> = (0..20).map(|n| format!("l{n} {text}")).collect();
    let (ids, apify_run) = pipeline.harvest_of_many(&words);
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 4_000}));
    pipeline.run(&apify_run).await;
    let record = pipeline.record();
    assert!(told(&record).ends_with("; balanced"), "{}", told(&record));
    assert_eq!(record[run_record::POSTS_HARVESTED], 20);
    let rows: Vec<_> = ids.iter().map(|id| pipeline.lead(id)).collect();
    let waiting = rows.iter().filter(|row| !row.contains_key(leads::DATE_POSTS_SCORED)).count();
    assert!((1..20).contains(&waiting), "{waiting}");
    assert!(rows.iter().all(|row| row.contains_key(leads::POSTS_CONTENT)), "it was paid for");
    let reached = Some(&json!("BUDGET_REACHED"));
    let skipped = rows.iter().filter(|row| row.get(leads::POSTS_SKIP_REASON) == reached);
    assert_eq!(skipped.count(), waiting);
    assert!(record[run_record::POST_TOKENS].as_u64().unwrap() <= 4_000);
}

#[tokio::test]
async fn what_a_wave_uses_beyond_its_estimate_ends_the_lane() {
    // Every answer is billed three times: the first is cut off, and each half of its call is made
    // again.
    let pipeline = Pipeline::start_with(&[("LANES", "2")]).await;
    let text = format!("words and words {} ", Marker::Truncate.text()).repeat(40);
    add_wordy(&pipeline, 60, &text);
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 18_000}));
    score(&pipeline, "post").await;
    let record = pipeline.record();
    assert_eq!(record[run_record::BALANCE], "balanced");
    let used = record[run_record::POST_TOKENS].as_u64().unwrap();
    let answers = pipeline.services.gemini.service().billed();
    // A wave is ten leads: one call, two, four, and then halves of the rest.
    let of_wave = answers.iter().map(|answer| answer.usage.total).sum::<u64>()
        / (record[run_record::POSTS_EXAMINED].as_u64().unwrap().div_ceil(10));
    assert!(used <= 18_000 + 2 * of_wave, "{used} with {of_wave} a wave");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "the token limit of the run is reached");
}

#[tokio::test]
async fn a_days_limit_is_divided_over_the_clients_and_kept_by_the_next_plan() {
    let pipeline =
        Pipeline::start_with(&[("DAILY_TOKEN_LIMIT", "5000"), ("PROJECT_SECONDS", "0")]).await;
    let text = "words and words ".repeat(100);
    add_wordy(&pipeline, 40, &text);
    for hour in [2, 3, 4] {
        let task = json!({"version": 1, "type": "score", "clients": "all", "kind": "post",
            "requested_at": format!("2026-11-23T0{hour}:00:00Z")});
        send(&pipeline, &format!("hour {hour}"), task).await;
    }
    assert!((2_500..=5_000).contains(&pipeline.billed_tokens()), "{}", pipeline.billed_tokens());
}

#[tokio::test]
async fn a_chunk_that_comes_again_does_not_get_its_share_again() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let text = "words and words ".repeat(100);
    let records = add_wordy(&pipeline, 30, &text);
    let chunk = json!({"version": 1, "type": "chunk", "index": 0, "of": 1, "kind": "post",
        "run": {"base_run": RUN, "client": "Guy-Wilson", "client_name": "Guy Wilson",
            "run_type": "orchestrated", "opened_at": "2026-11-23T02:00:00Z"},
        "plan": "pPpPpPpPpPpPpPpPpPpPpP", "base": CLIENT_BASE, "source": "waiting",
        "rubric": "You judge posts.", "token_share": 6_000,
        "writable": leads::POST_FIELDS.iter().map(|field| field.name).collect::<Vec<_>>(),
        "leads": records.iter().zip(10..).map(|(record, n)| {
            json!({"key": format!("lead-key-{n}"), "lead": {"record": record}})
        }).collect::<Vec<_>>()});
    send(&pipeline, "a chunk", chunk.clone()).await;
    let billed = pipeline.billed_tokens();
    assert!((4_000..=6_000).contains(&billed), "{billed}");
    send(&pipeline, "the same chunk, redriven", chunk).await;
    assert!(pipeline.billed_tokens() <= 6_000, "{}", pipeline.billed_tokens());
    assert_eq!(pipeline.record()[run_record::POST_TOKENS], billed);
}
