//! Rows and cells with unexpected contents.

use super::stage::{case, harvest_of, put_client, put_lead, score_waiting, waiting};
use serde_json::json;
use shared::schema::{clients, leads, post_attributes, run_record};
use simulators::airtable::FieldSpec;
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post, profile};

#[tokio::test]
async fn under_a_token_limit_that_nobody_can_read_nothing_is_scored_and_the_note_says_so() {
    let case = case("05-token-limit-sentinel.json");
    let sentinel = case["clientsRow"][clients::POST_TOKEN_LIMIT].clone();
    for limit in [sentinel, json!({"error": "#ERROR!"}), json!("many"), json!(-5), json!([5, 6])] {
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
        (leads::POSTS_CONTENT, json!(["a", "list"])),
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
async fn a_lookup_of_one_value_is_read_as_that_value() {
    let pipeline = Pipeline::start().await;
    let jane = pipeline.add_lead("jane", waiting("jane"));
    put_lead(&pipeline, &jane, leads::PROFILE_URL, &json!([profile("jane")]));
    for (field, value) in [
        (clients::STATUS, json!([clients::ACTIVE])),
        (clients::BASE_ID, json!([CLIENT_BASE])),
        (clients::POST_TOKEN_LIMIT, json!([1_000_000])),
    ] {
        put_client(&pipeline, field, &value);
    }
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Completed: 0 harvested, 1 examined, 1 scored; balanced");
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 7, "Newer.")]));
    pipeline.run_by(&apify_run, &format!("clientId={CLIENT}&runId=261124-100000")).await;
    assert!(pipeline.lead(&jane)[leads::POSTS_CONTENT].to_string().contains("Newer."));
}

#[tokio::test]
async fn a_checkbox_may_be_a_text_or_a_select_that_says_yes_or_no() {
    for field in [FieldSpec::text("any"), FieldSpec::single_select("any", &["Yes", "No"])] {
        let pipeline = Pipeline::start().await;
        let airtable = pipeline.services.airtable.service();
        let retype = |table, name, field: &FieldSpec| {
            airtable.retype_field(CLIENT_BASE, table, name, field.clone()).unwrap();
        };
        retype(leads::TABLE, leads::POSTS_ACTIONED, &field);
        let rows = ["", "No", "Yes"].map(|says| {
            let row = pipeline.add_lead(&format!("lead{says}"), waiting(&format!("lead{says}")));
            put_lead(&pipeline, &row, leads::POSTS_ACTIONED, &json!(says));
            row
        });
        score_waiting(&pipeline).await;
        pipeline.assert_exact("Completed: 0 harvested, 2 examined, 2 scored; balanced");
        assert!(!pipeline.lead(&rows[2]).contains_key(leads::POSTS_SCORE), "somebody acted on it");
        pipeline.assert_shows(
            run_record::SYSTEM_NOTES,
            "any text in it other than \"no\" counts as acted on",
        );
    }
}

#[tokio::test]
async fn a_criterion_is_active_where_a_text_in_place_of_the_checkbox_says_so() {
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    let (table, active) = (post_attributes::TABLE, post_attributes::ACTIVE);
    airtable.retype_field(CLIENT_BASE, table, active, FieldSpec::text("any")).unwrap();
    let first = airtable.rows(CLIENT_BASE, table).unwrap().remove(0).id;
    airtable.put_cell((CLIENT_BASE, table), &first, active, json!("Yes")).unwrap();
    for (id, says) in [("OFF", "no"), ("ODD", "perhaps")] {
        let row =
            json!({post_attributes::ID: id, post_attributes::CATEGORY: "Bonus", active: says});
        pipeline.insert(CLIENT_BASE, table, row);
    }
    pipeline.add_lead("jane", waiting("jane"));
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Completed: 0 harvested, 1 examined, 1 scored; balanced");
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("holds text that says neither yes nor no; correct it"), "{notes}");
    assert!(!notes.contains("unknown category"), "neither of the two is in the prompt: {notes}");
}
