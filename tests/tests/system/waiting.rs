//! Leads that are waiting are scored: one client's or every active client's, posts or profiles.

use serde_json::{Value, json};
use shared::core::digest::queue_id;
use shared::messages::routes;
use shared::ports::{EventLog, Queue, QueueName};
use shared::schema::{clients, leads, run_record};
use simulators::gemini::Marker;
use tests::{CLIENT_BASE, Pipeline, profile_of, told};

const RUN: &str = "261123-020000";

/// A cell with one stored post per text.
fn stored(name: &str, texts: &[&str]) -> Value {
    let posts = texts.iter().enumerate().map(|(n, text)| {
        json!({"postUrl": format!("https://www.linkedin.com/posts/{name}-{n}"),
            "postContent": text, "postedAt": "2026-11-20"})
    });
    json!({leads::POSTS_CONTENT: Value::from_iter(posts).to_string()})
}

async fn ask(pipeline: &Pipeline, body: Value) -> Value {
    let (status, answer) = pipeline.post("/runs", &body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    pipeline.settle().await;
    answer
}

/// Asks for the client's waiting leads to be scored in the run [`RUN`].
async fn score(pipeline: &Pipeline, kind: &str) -> Value {
    ask(pipeline, json!({"clientId": "Guy-Wilson", "kind": kind, "runId": RUN})).await
}

/// Adds so many leads with one long post each; returns their record ids.
fn add_wordy(pipeline: &Pipeline, count: usize, text: &str) -> Vec<String> {
    let add = |n| {
        let name = format!("l{n}");
        pipeline.add_lead(&name, stored(&name, &[&format!("{n} {text}")]))
    };
    (0..count).map(add).collect()
}

async fn send(pipeline: &Pipeline, name: &str, body: Value) {
    let message = routes::verbatim("plan#all", &queue_id(name), &body.to_string());
    pipeline.system.queue.send(QueueName::Scoring, vec![message]).await.unwrap();
    pipeline.settle().await;
}

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

/// The events of the log of this type of the run [`RUN`].
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
async fn a_client_whose_row_cannot_be_read_is_not_left_out_of_a_scheduled_run_in_silence() {
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    let row = airtable.rows(tests::MASTER_BASE, clients::TABLE).unwrap().remove(0);
    let table = (tests::MASTER_BASE, clients::TABLE);
    airtable.put_cell(table, &row.id, clients::STATUS, json!({"error": "#ERROR!"})).unwrap();
    let task = json!({"version": 1, "type": "score", "clients": "all", "kind": "post",
        "requested_at": "2026-11-23T02:00:00Z"});
    send(&pipeline, "a night", task).await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Failed");
    let line = format!("is not served: the field \"Status\" of record {} holds", row.id);
    pipeline.assert_shows(run_record::ERROR_DETAILS, &line);
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

    // The same run again has nothing left; another run goes on where it ended.
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
    // Every answer is billed thrice: the first is cut off, and each half of its call again.
    let pipeline = Pipeline::start_with(&[("LANES", "2")]).await;
    let text = format!("words and words {} ", Marker::Truncate.text()).repeat(40);
    add_wordy(&pipeline, 60, &text);
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: 18_000}));
    score(&pipeline, "post").await;
    let record = pipeline.record();
    assert_eq!(record[run_record::BALANCE], "balanced");
    let used = record[run_record::POST_TOKENS].as_u64().unwrap();
    let answers = pipeline.services.gemini.service().billed();
    // A wave is ten leads: one call, two, four, and what is left of it by halves.
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
