//! Cases that happened at other people's Airtable: locked fields, odd cells, renamed choices, lost
//! listings, tokens that are denied for a while. `tests/cases/apify-airtable` has what came in.

use crate::paused::World;
use serde_json::{Map, Value, json};
use shared::schema::{clients, leads, run_record};
use simulators::AnswerRule;
use simulators::apify::RunStatus;
use std::path::Path;
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post, profile, told};

/// A case as it is written down.
fn case(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/apify-airtable");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The harvest of a case, and a row for each of its targets.
fn harvest_of(pipeline: &Pipeline, case: &Value) -> String {
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let targets = texts(&case["harvest"]["input"]["targetUrls"]);
    for target in &targets {
        pipeline.insert(CLIENT_BASE, leads::TABLE, json!({leads::PROFILE_URL: target}));
    }
    let items = case["harvest"]["items"].as_array().unwrap().clone();
    pipeline.harvest(Harvest { targets, items, status: RunStatus::Succeeded })
}

fn rule(rule: Value) -> AnswerRule {
    serde_json::from_value(rule).unwrap()
}

/// Puts any JSON into a cell of the client's row, as a formula does.
fn put_client(pipeline: &Pipeline, field: &str, value: &Value) {
    let airtable = pipeline.services.airtable.service();
    let rows = airtable.rows(MASTER_BASE, clients::TABLE).unwrap();
    let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == CLIENT).unwrap();
    let table = (MASTER_BASE, clients::TABLE);
    airtable.put_cell(table, &row.id, field, value.clone()).unwrap();
}

fn put_lead(pipeline: &Pipeline, record: &str, field: &str, value: &Value) {
    let airtable = pipeline.services.airtable.service();
    airtable.put_cell((CLIENT_BASE, leads::TABLE), record, field, value.clone()).unwrap();
}

fn waiting(name: &str) -> Value {
    let posts = json!([{"postUrl": format!("https://www.linkedin.com/posts/{name}"),
        "postContent": "Some words.", "postedAt": "2026-11-20"}]);
    json!({leads::POSTS_CONTENT: posts.to_string()})
}

async fn score_waiting(pipeline: &Pipeline) {
    let body = json!({"clientId": CLIENT, "kind": "post"}).to_string();
    let (status, answer) = pipeline.post("/runs", &body).await;
    assert_eq!(status, 202, "{answer}");
    pipeline.settle().await;
}

#[tokio::test]
async fn a_locked_field_of_the_run_record_costs_that_field() {
    let case = case("04-locked-field-run-record.json");
    let pipeline = Pipeline::start().await;
    let apify_run = harvest_of(&pipeline, &case);
    let refusal = &case["airtableAnswersUpsertThatHasTheField"];
    let key = format!("\"{}\":", run_record::APIFY_COST);
    pipeline.services.airtable.answers().add(rule(json!({"status": refusal["status"],
        "body": refusal["body"], "kind": "upsert", "holds": key})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert!(!pipeline.record().contains_key(run_record::APIFY_COST));
    let line = "Field \"Apify API Costs\" is not written: You are not permitted";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
}

#[tokio::test]
async fn a_locked_field_of_the_leads_costs_that_field_and_no_paid_answer() {
    for field in [leads::POST_SCORING_RUN_ID, leads::TOP_POST, leads::POSTS_SCORE] {
        let pipeline = Pipeline::start().await;
        let words: Vec<String> = (0..12).map(|n| format!("Words {n}.")).collect();
        let (rows, apify_run) = pipeline.harvest_of_many(&words);
        let airtable = pipeline.services.airtable.service();
        airtable.lock_field((CLIENT_BASE, leads::TABLE), field, true).unwrap();
        pipeline.run(&apify_run).await;
        pipeline.assert_exact("Completed: 12 harvested, 12 examined, 12 scored; balanced");
        for row in &rows {
            let lead = pipeline.lead(row);
            assert!(lead.contains_key(leads::DATE_POSTS_SCORED), "{field}: {lead:?}");
            assert!(!lead.contains_key(field), "{field}: {lead:?}");
        }
        let line = format!("Field {field:?} of \"Leads\" in base {CLIENT_BASE} is not written: ");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    }
}

#[tokio::test]
async fn under_a_token_limit_that_nobody_can_read_nothing_is_scored_and_the_note_says_so() {
    let case = case("05-token-limit-sentinel.json");
    let sentinel = case["clientsRow"][clients::POST_TOKEN_LIMIT].clone();
    for limit in [sentinel, json!({"error": "#ERROR!"}), json!("many"), json!(-5), json!([500])] {
        let pipeline = Pipeline::start().await;
        let apify_run = harvest_of(&pipeline, &case);
        put_client(&pipeline, clients::POST_TOKEN_LIMIT, &limit);
        pipeline.run(&apify_run).await;
        assert_eq!(pipeline.billed_tokens(), 0, "{limit}");
        let notes = pipeline.text(run_record::SYSTEM_NOTES);
        assert!(
            notes.contains("1 lead waits: the token limit of the run is reached"),
            "{limit}: {notes}"
        );
        let line = "The token limit of client \"Guy-Wilson\" cannot be read: the field \
                    \"Post Scoring Token Limit\"";
        assert!(notes.contains(line), "{limit}: {notes}");
    }
}

#[tokio::test]
async fn under_a_limit_that_nobody_can_read_leads_that_wait_go_on_waiting() {
    let pipeline = Pipeline::start().await;
    let jane = pipeline.add_lead("jane", waiting("jane"));
    put_client(&pipeline, clients::POST_TOKEN_LIMIT, &json!({"specialValue": "NaN"}));
    score_waiting(&pipeline).await;
    assert_eq!(pipeline.billed_tokens(), 0);
    assert!(!pipeline.lead(&jane).contains_key(leads::DATE_POSTS_SCORED));
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "holds no value (NaN); nothing is scored");
}

#[tokio::test]
async fn two_rows_of_one_client_are_named_and_the_oldest_counts() {
    let pipeline = Pipeline::start().await;
    let case = case("05-token-limit-sentinel.json");
    let apify_run = harvest_of(&pipeline, &case);
    let other = json!({clients::CLIENT_ID: CLIENT, clients::STATUS: clients::ACTIVE,
        clients::BASE_ID: "appOther000000001"});
    let other = pipeline.insert(MASTER_BASE, clients::TABLE, other);
    pipeline.run(&apify_run).await;
    let line = format!("and the oldest counts; {other} do not: merge them");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    assert_eq!(pipeline.record()[run_record::POSTS_SCORED], 3);
    let (status, answer) = pipeline.post("/runs", r#"{"all":true,"kind":"post"}"#).await;
    assert_eq!(status, 202, "{answer}");
    pipeline.settle().await;
    for record in pipeline.records() {
        let notes = record.fields[run_record::SYSTEM_NOTES].as_str().unwrap();
        assert!(notes.contains(&line), "{notes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_names_no_row_is_no_success_and_costs_no_paid_answer() {
    for page in [json!({"text": "<html>"}), json!({"body": {}}), json!({"body": {"records": []}})] {
        let world = World::start();
        let apify_run = world.harvest(&["jane".to_owned()]);
        let mut answer = page;
        (answer["status"], answer["kind"], answer["next"]) =
            (json!(200), json!("update"), json!(2));
        world.services.airtable.answers().add(rule(answer));
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
        let rows = world.services.airtable.service().rows(CLIENT_BASE, leads::TABLE).unwrap();
        assert!(rows[0].fields.contains_key(leads::POSTS_SCORE), "{:?}", rows[0].fields);
        assert_eq!(world.services.gemini.service().billed_totals().answers, 1, "paid once");
    }
}

#[tokio::test]
async fn a_client_id_that_only_looks_the_same_is_found_with_a_warning() {
    let case = case("12-client-id-trailing-space.json");
    let spaced = case["clientsRow"][clients::CLIENT_ID].as_str().unwrap();
    let query = case["webhookQuery"].as_str().unwrap().trim_start_matches('?');
    for (id, query) in [
        (spaced, query),
        ("\u{a0}Mara-Lindqvist", query),
        ("Mara-Lindqvist\u{200b}", query),
        ("Jose\u{301}-Park", "clientId=Jos%C3%A9-Park"),
        ("Jos\u{e9}-Park", "clientId=Jose%CC%81-Park"),
        ("Guy\u{a0}Wilson", "clientId=Guy%20Wilson"),
    ] {
        let pipeline = Pipeline::start().await;
        let apify_run = harvest_of(&pipeline, &case);
        put_client(&pipeline, clients::CLIENT_ID, &json!(id));
        pipeline.run_by(&apify_run, query).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, "correct");
        let seen = pipeline.text(run_record::CLIENT_ID);
        assert_eq!(seen, id.trim_matches([' ', '\u{a0}', '\u{200b}']), "as its row spells it");
    }
}

#[tokio::test]
async fn one_odd_cell_among_leads_that_wait_costs_its_lead_by_record_id_and_no_other() {
    let case = case("14-one-error-cell-among-waiting-leads.json");
    let answered = &case["oneLeadRowAnsweredAs"]["fields"];
    let error = answered[leads::PROFILE_URL].clone();
    for (field, cell) in [
        (leads::PROFILE_URL, error.clone()),
        (leads::DATE_POSTS_SCORED, error.clone()),
        (leads::POSTS_EVALUATION, error.clone()),
        (leads::POSTS_CONTENT, error),
        (leads::PROFILE_URL, json!({"specialValue": "NaN"})),
        (leads::POSTS_CONTENT, json!(["a list"])),
    ] {
        let pipeline = Pipeline::start().await;
        let rows = ["jane", "odd", "max"].map(|name| pipeline.add_lead(name, waiting(name)));
        put_lead(&pipeline, &rows[1], field, &cell);
        let before = pipeline.lead(&rows[1]);
        score_waiting(&pipeline).await;
        pipeline.assert_exact("Completed with Errors: 0 harvested, 2 examined, 2 scored; balanced");
        let line = format!("/{}: the field {field:?} of record {} holds", rows[1], rows[1]);
        pipeline.assert_shows(run_record::ERROR_DETAILS, &line);
        assert_eq!(pipeline.lead(&rows[1]), before, "what nobody can read is not written over");
    }
}

#[tokio::test]
async fn a_listing_whose_offset_is_not_taken_any_more_starts_again() {
    let case = case("17-invalid-offset-value.json");
    let second = &case["secondPageAnswer"];
    let pipeline = Pipeline::start().await;
    for n in 0..case["rowsWaiting"].as_u64().unwrap() {
        let name = format!("l{n}");
        pipeline.add_lead(&name, waiting(&name));
    }
    pipeline.services.airtable.answers().add(rule(json!({"status": second["status"],
        "body": second["body"], "kind": "list", "holds": "\"offset\"", "next": 2})));
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Completed: 0 harvested, 120 examined, 120 scored; balanced");
}

#[tokio::test]
async fn a_status_that_the_table_lacks_clears_the_cell_and_the_notes_name_it() {
    let case = case("25-status-choice-renamed.json");
    let (pipeline, airtable_of) = (Pipeline::start().await, "Client Run Results.Status choices");
    let airtable = pipeline.services.airtable.service();
    let renamed: Vec<String> = serde_json::from_value(case[airtable_of].clone()).unwrap();
    let table = (MASTER_BASE, run_record::TABLE);
    for (from, to) in run_record::STATUSES.iter().zip(&renamed).filter(|(from, to)| from != to) {
        airtable.rename_choice(table, run_record::STATUS, (from, to)).unwrap();
    }
    pipeline.run(&harvest_of(&pipeline, &case)).await;
    pipeline.assert_exact("-: 1 harvested, 1 examined, 1 scored; balanced");
    let line = "Field \"Status\" is empty: the table lacks the choice \"Completed\"";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    pipeline.tick().await;
    let writes = pipeline.airtable_requests("upsert");
    pipeline.tick().await;
    assert_eq!(pipeline.airtable_requests("upsert"), writes, "it is not written at every tick");

    airtable.rename_choice(table, run_record::STATUS, (&renamed[1], "Completed")).unwrap();
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_renamed_field_is_written_under_its_new_name_and_named_until_it_is_itself_again() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let airtable = pipeline.services.airtable.service();
    let rename = |from: &str, to: &str| {
        airtable.rename_field(MASTER_BASE, run_record::TABLE, from, to).unwrap();
    };
    pipeline.tick().await;
    rename(run_record::POSTS_SCORED, "Good posts");
    pipeline.run(&apify_run).await;
    pipeline.tick().await;
    assert_eq!(pipeline.record()["Good posts"], 3);
    let line = "Field \"Posts Successfully Scored\" was renamed: it is called \"Good posts\"";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    let writes = pipeline.airtable_requests("upsert");
    pipeline.tick().await;
    assert_eq!(pipeline.airtable_requests("upsert"), writes, "what is right is not written");
    rename("Good posts", run_record::POSTS_SCORED);
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("renamed"));
}

#[tokio::test]
async fn a_renamed_field_of_the_leads_is_named_by_its_new_name() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.run(&apify_run).await;
    let airtable = pipeline.services.airtable.service();
    for (field, name, shown_in) in [
        (leads::POSTS_SKIP_REASON, "Why skipped", run_record::SYSTEM_NOTES),
        (leads::POSTS_EVALUATION, "Judgement", run_record::ERROR_DETAILS),
    ] {
        airtable.rename_field(CLIENT_BASE, leads::TABLE, field, name).unwrap();
        let items = vec![post("jane", 7, &format!("About {name}."))];
        pipeline.run(&pipeline.harvest(Harvest::of(&["jane"], items))).await;
        let line = format!("it is called {name:?} now; name it {field:?} again");
        pipeline.assert_shows(shown_in, &line);
    }
}

#[tokio::test]
async fn a_harvest_is_scored_once_though_the_fields_that_find_its_record_are_renamed() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let limit = json!(1_000_000);
    pipeline.edit_client(&json!({clients::POST_TOKEN_LIMIT: limit}));
    pipeline.tick().await;
    pipeline.run(&apify_run).await;
    let billed = pipeline.billed_tokens();
    let airtable = pipeline.services.airtable.service();
    for (field, name) in [(run_record::RUN_ID, "Run"), (run_record::CLIENT_ID, "Customer")] {
        airtable.rename_field(MASTER_BASE, run_record::TABLE, field, name).unwrap();
    }
    pipeline.tick().await;
    let later = post("jane", 9, "Later.");
    let items = vec![post("jane", 1, "We shipped it."), later];
    pipeline.run(&pipeline.harvest(Harvest::of(&["jane"], items))).await;
    pipeline.run_by(&apify_run, &format!("clientId={CLIENT}&runId=261101-000000")).await;
    let records = pipeline.records();
    let told: Vec<&Value> = records.iter().map(|record| &record.fields["Run"]).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for record in &records {
        assert_eq!(record.fields[run_record::STATUS], "Completed");
        let notes = record.fields[run_record::SYSTEM_NOTES].as_str().unwrap();
        assert!(notes.contains("Field \"Run ID\" was renamed: it is called \"Run\""), "{notes}");
    }
    let notes = records[0].fields[run_record::SYSTEM_NOTES].as_str().unwrap();
    assert!(pipeline.billed_tokens() > billed, "the new post is scored under the limit: {notes}");
}

#[tokio::test]
async fn a_choice_that_the_leads_lack_empties_its_cell_and_costs_no_paid_answer() {
    let (pipeline, leads_of, apify_run) =
        Pipeline::with_posts(["jane"], vec![post("jane", 1, "Hi.")]).await;
    let airtable = pipeline.services.airtable.service();
    let table = (CLIENT_BASE, leads::TABLE);
    let renamed = (leads::HARVEST_DONE, "Harvested");
    airtable.rename_choice(table, leads::POSTS_HARVEST_STATUS, renamed).unwrap();
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert!(!pipeline.lead(&leads_of[0]).contains_key(leads::POSTS_HARVEST_STATUS));
    let line =
        "Field \"Posts Harvest Status\" of \"Leads\" is emptied: it lacks the choice \"Done\"";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
}

#[tokio::test]
async fn a_value_that_one_lead_has_refused_costs_that_cell_and_no_other_lead() {
    let words = ["One.", "Two.", "Three."].map(str::to_owned);
    let pipeline = Pipeline::start().await;
    let (rows, apify_run) = pipeline.harvest_of_many(&words);
    let refusal = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN",
        "message": "Field \"Top Scoring Post\" cannot accept the provided value"}});
    pipeline.services.airtable.answers().add(rule(json!({"status": 422, "body": refusal,
        "kind": "update", "holds": "Content: Two."})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    for (n, row) in rows.iter().enumerate() {
        let lead = pipeline.lead(row);
        assert!(lead.contains_key(leads::DATE_POSTS_SCORED), "{lead:?}");
        assert_eq!(lead.contains_key(leads::TOP_POST), n != 1, "{lead:?}");
    }
    let line = format!("Field \"Top Scoring Post\" of record {} is not written", rows[1]);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
}

#[tokio::test]
async fn a_value_that_one_record_has_refused_is_left_out_of_that_record_alone() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let refusal = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN",
        "message": "Field \"Apify Run ID\" cannot accept the provided value"}});
    let holds = format!("\"{}\":\"{apify_run}", run_record::APIFY_RUN_ID);
    pipeline
        .services
        .airtable
        .answers()
        .add(rule(json!({"status": 422, "body": refusal, "kind": "upsert", "holds": holds})));
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 3 harvested, 3 examined, 3 scored; balanced");
    let line = "Field \"Apify Run ID\" is not written: Airtable does not take its value";
    pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
    let other = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 9, "Later.")]));
    pipeline.run_by(&other, &format!("clientId={CLIENT}&runId=261124-100000")).await;
    let records = pipeline.records();
    let other_record =
        records.iter().find(|row| row.fields[run_record::RUN_ID] == "261124-100000-Guy-Wilson");
    assert_eq!(other_record.unwrap().fields[run_record::APIFY_RUN_ID], other);
}

#[tokio::test]
async fn a_retry_whose_checkbox_is_locked_queues_nothing_however_many_ticks_find_it() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Hi.")]));
    pipeline.run(&apify_run).await;
    pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: null}));
    let airtable = pipeline.services.airtable.service();
    let table = (MASTER_BASE, run_record::TABLE);
    airtable.lock_field(table, run_record::RETRY, true).unwrap();
    pipeline.retry().await;
    pipeline.tick().await;
    assert_eq!(pipeline.billed_tokens(), 0);
    let line = "Retry is ticked, and nothing is queued: it cannot be cleared: Airtable denies";
    assert_eq!(pipeline.text(run_record::SYSTEM_NOTES).matches(line).count(), 1);
    airtable.lock_field(table, run_record::RETRY, false).unwrap();
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

/// Answers of a token that was just changed, and what they are about.
fn denials() -> [Value; 4] {
    let unknown =
        json!({"error": {"type": "UNAUTHORIZED", "message": "Invalid authentication token"}});
    let forbidden = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}});
    [
        json!({"status": 401, "body": unknown, "path": "/Leads", "seconds": 10}),
        json!({"status": 401, "body": unknown, "kind": "update", "seconds": 10}),
        json!({"status": 403, "body": forbidden, "kind": "update", "seconds": 15}),
        json!({"status": 403, "body": forbidden, "seconds": 50}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_denied_for_a_while_is_waited_out_and_nothing_paid_is_lost() {
    let case = case("34-token-invalid-for-10s.json");
    let target = case["harvest"]["input"]["targetUrls"][0].as_str().unwrap();
    assert_eq!(target, profile("mira-tolland").trim_end_matches('/'));
    for denial in denials() {
        let world = World::start();
        let apify_run = world.harvest(&["mira-tolland".to_owned()]);
        world.services.airtable.answers().add(rule(denial.clone()));
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_mins(30)).await;
        let record: Map<String, Value> = world.record();
        let shown = told(&record);
        assert_eq!(shown, "Completed: 1 harvested, 1 examined, 1 scored; balanced", "{denial}");
        let billed = world.services.gemini.service().billed_totals();
        assert_eq!(record[run_record::POST_TOKENS], billed.usage.total, "{denial}");
        assert_eq!(billed.answers, 1, "paid once: {denial}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_monthly_quota_is_waited_out_for_days_and_no_attempt_is_used_up() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let airtable = world.services.airtable.service();
    airtable.set_quota_spent(true);
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_hours(30)).await;
    assert_eq!(world.services.gemini.service().billed_totals().answers, 0);
    airtable.set_quota_spent(false);
    tokio::time::sleep(Duration::from_mins(40)).await;
    assert_eq!(told(&world.record()), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_spent_while_the_model_is_asked_costs_one_call_and_is_named() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let spent = json!({"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": ""}]});
    let spent = json!({"status": 429, "body": spent, "kind": "update", "seconds": 36_000});
    world.services.airtable.answers().add(rule(spent));
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_hours(5)).await;
    let waiting = world.record();
    assert_eq!(waiting[run_record::STATUS], "Stalled", "{waiting:?}");
    let notes = waiting[run_record::SYSTEM_NOTES].as_str().unwrap();
    assert!(notes.contains("the Airtable workspace's monthly API quota is spent"), "{notes}");
    assert_eq!(world.services.gemini.service().billed_totals().answers, 1, "paid once until then");
    tokio::time::sleep(Duration::from_hours(6)).await;
    let record = world.record();
    assert_eq!(told(&record), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert_eq!(world.services.gemini.service().billed_totals().answers, 2);
}

#[tokio::test(start_paused = true)]
async fn a_base_that_cannot_be_written_costs_the_waves_that_are_open_however_often_its_chunk_comes_again()
 {
    let world = World::start_with(&[("CALLS_AT_ONCE", "2")]);
    let names: Vec<String> = (0..30).map(|n| format!("lead{n}")).collect();
    let apify_run = world.harvest(&names);
    let forbidden = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}});
    world
        .services
        .airtable
        .answers()
        .add(rule(json!({"status": 403, "body": forbidden, "kind": "update", "seconds": 3600})));
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_mins(50)).await;
    let paid = world.services.gemini.service().billed_totals().answers;
    tokio::time::sleep(Duration::from_mins(90)).await;
    assert!(paid <= 4, "two calls of each of two lanes: {paid}");
    let record = world.record();
    assert_eq!(told(&record), "Completed: 30 harvested, 30 examined, 30 scored; balanced");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_unlocked_is_written_again_within_two_hours() {
    let world = World::start();
    let apify_run = world.harvest(&["jane".to_owned()]);
    let airtable = world.services.airtable.service();
    let lock = |is_locked| {
        let table = (MASTER_BASE, run_record::TABLE);
        airtable.lock_field(table, run_record::APIFY_COST, is_locked).unwrap();
    };
    lock(true);
    assert_eq!(world.webhook(&apify_run).await, 202);
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert!(!world.record().contains_key(run_record::APIFY_COST));
    lock(false);
    tokio::time::sleep(Duration::from_mins(120)).await;
    assert_eq!(world.record()[run_record::APIFY_COST], 1);
    let notes = world.record()[run_record::SYSTEM_NOTES].to_string();
    assert!(!notes.contains("is not written"), "{notes}");
}
