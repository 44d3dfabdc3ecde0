//! Fields and choices that somebody renamed.

use super::stage::{case, harvest_of, put_lead, score_waiting, waiting};
use serde_json::{Value, json};
use shared::schema::{clients, leads, post_attributes, post_instructions, run_record};
use simulators::airtable::{FieldSpec, Row};
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post};

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
        let line = format!("it is called {name:?} now; rename it back to {field:?}");
        pipeline.assert_shows(shown_in, &line);
    }
}

#[tokio::test]
async fn a_field_of_the_rubric_that_is_gone_is_named_and_without_any_words_nothing_is_asked() {
    let (texts, criteria) = (post_instructions::TABLE, post_attributes::TABLE);
    for (table, field, line) in [
        (texts, post_instructions::SORT_ORDER, Some("it is missing; add it as number")),
        (criteria, post_attributes::NAME, Some("it is missing; add it as single line text")),
        (criteria, post_attributes::ACTIVE, None),
    ] {
        let pipeline = Pipeline::start().await;
        pipeline.services.airtable.service().delete_field(CLIENT_BASE, table, field).unwrap();
        pipeline.add_lead("jane", waiting("jane"));
        score_waiting(&pipeline).await;
        pipeline.assert_exact("Completed: 0 harvested, 1 examined, 1 scored; balanced");
        let says = match line {
            Some(line) => {
                format!("The prompt is made without the field {field:?} of {table:?}: {line}")
            }
            None => "Nothing to do.".to_owned(),
        };
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &says);
    }
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    airtable.rename_field(CLIENT_BASE, texts, post_instructions::TEXT, "Words").unwrap();
    pipeline.add_lead("jane", waiting("jane"));
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Failed: 0 harvested, 0 examined, 0 scored; balanced");
    let line = "has no words in its field \"Instruction Text\"; add some";
    pipeline.assert_shows(run_record::ERROR_DETAILS, line);
}

#[tokio::test]
async fn a_renamed_field_that_is_only_read_is_named_and_leads_acted_on_stay_left_alone() {
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    pipeline.add_lead("jane", waiting("jane"));
    score_waiting(&pipeline).await;
    let table = post_attributes::TABLE;
    airtable.rename_field(CLIENT_BASE, table, post_attributes::ACTIVE, "Use it").unwrap();
    let (table, name) = (leads::TABLE, "Acted on");
    airtable.rename_field(CLIENT_BASE, table, leads::POSTS_ACTIONED, name).unwrap();
    let acted = pipeline.add_lead("acted", waiting("acted"));
    put_lead(&pipeline, &acted, name, &json!(true));
    pipeline.add_lead("max", waiting("max"));
    let body = json!({"clientId": CLIENT, "kind": "post", "runId": "261101-000000"}).to_string();
    assert_eq!(pipeline.post("/runs", &body).await.0, 202);
    pipeline.settle().await;
    assert!(!pipeline.lead(&acted).contains_key(leads::POSTS_SCORE));
    let is_second = |row: &Row| row.fields[run_record::RUN_ID] == "261101-000000-Guy-Wilson";
    let record = pipeline.records().into_iter().find(is_second).unwrap().fields;
    assert_eq!(record[run_record::POSTS_SCORED], 1);
    let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap();
    for line in [
        "Field \"Posts Actioned\" of \"Leads\" in base appClient00000001 is called \"Acted on\" now",
        "without the field \"Active\" of \"Post Scoring Attributes\": it is called \"Use it\" now",
    ] {
        assert!(notes.contains(line), "{notes}");
    }
}

#[tokio::test]
async fn a_field_of_the_clients_base_whose_name_looks_the_same_is_named_and_leads_acted_on_stay_left_alone()
 {
    let pipeline = Pipeline::start().await;
    let airtable = pipeline.services.airtable.service();
    for (table, field, name) in [
        (leads::TABLE, leads::POSTS_ACTIONED, "Posts actioned"),
        (leads::TABLE, leads::POSTS_SKIP_REASON, "Posts Skip Reason "),
        (post_attributes::TABLE, post_attributes::ACTIVE, "active"),
    ] {
        airtable.rename_field(CLIENT_BASE, table, field, name).unwrap();
    }
    let acted = pipeline.add_lead("acted", waiting("acted"));
    put_lead(&pipeline, &acted, "Posts actioned", &json!(true));
    pipeline.add_lead("max", waiting("max"));
    score_waiting(&pipeline).await;
    pipeline.assert_exact("Completed: 0 harvested, 1 examined, 1 scored; balanced");
    assert!(!pipeline.lead(&acted).contains_key(leads::POSTS_SCORE));
    for line in [
        "\"Posts Actioned\" of \"Leads\" in base appClient00000001 is called \"Posts actioned\" now",
        "it is called \"Posts Skip Reason \" now; rename it back to \"Posts Skip Reason\"",
        "\"Active\" of \"Post Scoring Attributes\": it is called \"active\" now",
    ] {
        pipeline.assert_shows(run_record::SYSTEM_NOTES, line);
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
async fn a_record_is_written_whatever_its_table_makes_of_the_client_id() {
    let client = run_record::CLIENT_ID;
    let select = |choice| FieldSpec::single_select(client, &[choice]);
    let renamed = |name: &str| format!("was renamed: it is called {name:?}");
    for (name, kind, cell, line) in [
        ("client id ", FieldSpec::text(client), json!(CLIENT), renamed("client id ")),
        ("Customer", FieldSpec::text(client), Value::Null, "the table has no such field".into()),
        (client, FieldSpec::number(client, 0), Value::Null, "it is a number field".into()),
        (client, select("Ada-Park"), Value::Null, "lacks the choice \"Guy-Wilson\"".into()),
        (client, select(CLIENT), json!(CLIENT), "Nothing to do.".into()),
    ] {
        let (pipeline, _, apify_run) =
            Pipeline::with_posts(["jane"], vec![post("jane", 1, "Hi.")]).await;
        let airtable = pipeline.services.airtable.service();
        airtable.retype_field(MASTER_BASE, run_record::TABLE, client, kind).unwrap();
        airtable.rename_field(MASTER_BASE, run_record::TABLE, client, name).unwrap();
        pipeline.run(&apify_run).await;
        pipeline.tick().await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
        assert_eq!(pipeline.record().get(name).unwrap_or(&Value::Null), &cell, "{name}");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    }
}

#[tokio::test]
async fn a_harvest_is_scored_although_no_record_can_name_it() {
    for name in ["apify run id", "Harvest"] {
        let (pipeline, _, apify_run) =
            Pipeline::with_posts(["jane"], vec![post("jane", 1, "Hi.")]).await;
        let airtable = pipeline.services.airtable.service();
        let field = run_record::APIFY_RUN_ID;
        airtable.rename_field(MASTER_BASE, run_record::TABLE, field, name).unwrap();
        pipeline.run(&apify_run).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
        pipeline.assert_shows(run_record::SYSTEM_NOTES, "Field \"Apify Run ID\"");
        pipeline.run(&apify_run).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    }
}
