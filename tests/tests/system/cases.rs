//! What Apify really answers, case by case: the files in `tests/cases/apify-airtable`.

use crate::paused::World;
use serde_json::{Map, Value, json};
use shared::core::counted::grouped;
use shared::schema::{leads, run_record};
use std::path::Path;
use std::time::Duration;
use tests::{CLIENT_BASE, Pipeline};

const MIRA: &str = "https://www.linkedin.com/in/mira-tolland";

fn text_of(name: &str) -> String {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/apify-airtable"));
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn case(name: &str) -> Value {
    serde_json::from_str(&text_of(name)).unwrap()
}

/// Cells of a lead with this URL, and these cells besides.
fn row(url: &str, cells: Value) -> Value {
    let mut row = cells;
    row[leads::PROFILE_URL] = json!(url);
    if let Some(posts) = row.get(leads::POSTS_CONTENT).filter(|posts| posts.is_array()) {
        row[leads::POSTS_CONTENT] = json!(posts.to_string());
    }
    row
}

/// A pipeline with these leads, after the run of a case; and the leads' record ids.
async fn played(body: &str, rows: Vec<Value>) -> (Pipeline, Vec<String>) {
    let pipeline = Pipeline::start().await;
    let leads = rows.into_iter().map(|row| pipeline.insert(CLIENT_BASE, leads::TABLE, row));
    let leads = leads.collect();
    let apify_run = pipeline.play(body);
    pipeline.run(&apify_run).await;
    (pipeline, leads)
}

/// The same with leads of whom nothing but the URL is known.
async fn played_for(body: &Value, urls: &[&str]) -> (Pipeline, Vec<String>) {
    played(&body.to_string(), urls.iter().map(|url| row(url, json!({}))).collect()).await
}

fn targets(input: &Value) -> Vec<&str> {
    input["targetUrls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect()
}

fn stored(lead: &Map<String, Value>) -> Vec<Value> {
    serde_json::from_str(lead[leads::POSTS_CONTENT].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn targets_are_found_in_every_list_of_the_input_and_every_kind_of_query() {
    let case = case("01-profileurls-input.json");
    let (pipeline, leads) =
        played_for(&case, &[MIRA, "https://www.linkedin.com/in/oskar-venn"]).await;
    pipeline.assert_exact("Completed: 4 harvested, 4 examined, 4 scored; balanced");
    assert_eq!(pipeline.record()[run_record::TARGETS], 2);
    for lead in &leads {
        assert_eq!(pipeline.lead(lead)[leads::POSTS_HARVEST_STATUS], "Done");
    }
}

#[tokio::test]
async fn an_emoji_that_was_cut_costs_one_character() {
    let items = text_of("02-lone-surrogate-dataset-page.json");
    let body = format!(r#"{{"input":{{"targetUrls":["{MIRA}"]}},"items":{items}}}"#);
    let (pipeline, leads) = played(&body, vec![row(MIRA, json!({}))]).await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    let content = pipeline.lead(&leads[0])[leads::POSTS_CONTENT].to_string();
    assert!(content.contains("Shipping again \u{fffd}"), "{content}");
}

#[tokio::test]
async fn one_post_under_two_urls_is_stored_once_and_not_paid_again() {
    let case = case("03-same-activity-other-url.json");
    let url = case["leadRow"][leads::PROFILE_URL].as_str().unwrap();
    let rows = vec![row(url, case["leadRow"].clone())];
    let (pipeline, leads) = played(&case["harvest"].to_string(), rows).await;
    pipeline.assert_exact("Completed: 2 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.billed_tokens(), 0);
    assert_eq!(stored(&pipeline.lead(&leads[0])).len(), 2);
}

#[tokio::test]
async fn posts_of_the_actor_apimaestro_are_read() {
    let (pipeline, leads) = played_for(&case("06a-apimaestro.json"), &[MIRA]).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    let post = stored(&pipeline.lead(&leads[0])).remove(0);
    assert_eq!(post["postedAt"], "2026-11-20T10:39:56.000Z");
    assert_eq!(post["author"], "Mira Tolland");
}

#[tokio::test]
async fn a_harvest_of_a_shape_that_nobody_knows_is_refused_by_its_keys() {
    let (pipeline, leads) = played_for(&case("06c-type-is-not-post.json"), &[MIRA]).await;
    assert_eq!(
        pipeline.told(),
        "Failed: 0 harvested, 0 examined, 0 scored; \
         1 of 1 target unknown: the items are not understood\n\
         1 of 1 item not understood: unknown shape"
    );
    pipeline.assert_shows(run_record::ERROR_DETAILS, "keys authorName, authorProfileUrl, inputUrl");
    let record = pipeline.record();
    assert_eq!(record[run_record::ITEMS_NOT_USED], 1);
    assert_eq!(record[run_record::TARGETS_UNKNOWN], 1);
    assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("Nothing to do"));
    assert!(!pipeline.lead(&leads[0]).contains_key(leads::POSTS_HARVEST_STATUS));
}

#[tokio::test]
async fn an_item_whose_words_nobody_finds_is_never_a_post_without_words() {
    let other = json!({"url": format!("{MIRA}/y"), "id": "7300000000000000032", "type": "post",
        "inputUrl": MIRA, "postedAtISO": "2026-11-20T10:39:56.000Z"});
    let ours = json!({"type": "post", "id": "7300000000000000033", "query": {"targetUrl": MIRA},
        "linkedinUrl": "https://www.linkedin.com/posts/mira_z-activity-7300000000000000033-ab",
        "engagement": {"likes": 3}});
    let with = |item: &Value, key: &str, words: Value| {
        let mut item = item.clone();
        item[key] = words;
        item
    };
    for item in [
        with(&other, "text", json!("Hiring two engineers.")),
        with(&other, "postText", json!("Hiring two engineers.")),
        with(&ours, "text", json!("Hiring two engineers.")),
        with(&ours, "content", json!({"text": "Hiring two engineers."})),
        with(&ours, "content", json!(["Hiring", "two engineers."])),
    ] {
        println!("{item}");
        let body = json!({"input": {"targetUrls": [MIRA]}, "items": [item]});
        let (pipeline, leads) = played_for(&body, &[MIRA]).await;
        let told = pipeline.told();
        assert!(
            told.starts_with("Failed: 0 harvested, 0 examined, 0 scored; 1 of 1 target unknown"),
            "{told}"
        );
        pipeline.assert_shows(run_record::ERROR_DETAILS, "have a shape that is not known: keys ");
        let row = pipeline.lead(&leads[0]);
        assert_eq!(row.keys().collect::<Vec<_>>(), [leads::PROFILE_URL], "its row is left alone");
    }
}

#[tokio::test]
async fn two_items_of_one_post_give_the_words_that_either_has() {
    let item = |words: &str| {
        let mut item = of_jane(&json!({"targetUrl": "https://www.linkedin.com/in/jane"}));
        item["content"] = json!(words);
        item
    };
    for items in [[item(""), item("We shipped it.")], [item("We shipped it."), item("")]] {
        let input = json!({"targetUrls": ["https://www.linkedin.com/in/jane"]});
        let body = json!({"input": input, "items": items});
        let (pipeline, _) = played_for(&body, &["https://www.linkedin.com/in/jane"]).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    }
}

#[tokio::test]
async fn posts_that_all_name_the_profile_as_their_url_are_told_apart_by_their_ids() {
    let jane = "https://www.linkedin.com/in/jane";
    let item = |id: u64| {
        let mut item = of_jane(&json!({"targetUrl": jane}));
        item["linkedinUrl"] = json!(format!("{jane}/recent-activity/all/"));
        item["id"] = json!(7_300_000_000_000_000_050 + id);
        item
    };
    let body = json!({"input": {"targetUrls": [jane]}, "items": [item(1), item(2)]});
    let (pipeline, leads) = played_for(&body, &[jane]).await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(stored(&pipeline.lead(&leads[0])).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_no_list_is_asked_for_again_and_costs_no_item() {
    for page in [json!({"text": "<html>"}), json!({"body": {"error": {"type": "x"}}})] {
        let world = World::start();
        let apify_run = world.harvest(&["jane".to_owned()]);
        let mut answer = page;
        (answer["status"], answer["kind"], answer["next"]) = (json!(200), json!("items"), json!(9));
        let answer = serde_json::from_value(answer).unwrap();
        world.services.apify.answers().add(answer);
        assert_eq!(world.webhook(&apify_run).await, 202);
        tokio::time::sleep(Duration::from_hours(2)).await;
        let record = world.record();
        assert_eq!(tests::told(&record), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    }
}

#[tokio::test]
async fn an_input_that_is_no_json_costs_nothing_of_what_was_found() {
    let jane = "https://www.linkedin.com/in/jane";
    let pipeline = Pipeline::start().await;
    pipeline.insert(CLIENT_BASE, leads::TABLE, row(jane, json!({})));
    let item = of_jane(&json!({"targetUrl": jane}));
    let apify_run = pipeline.play(&json!({"input": {}, "items": [item]}).to_string());
    let page = json!({"status": 200, "text": "<html>", "kind": "input"});
    pipeline.services.apify.answers().add(serde_json::from_value(page).unwrap());
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.record()[run_record::POSTS_SCORED], 1);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "names no target that can be read");
}

#[tokio::test]
async fn a_target_that_was_never_tried_is_unknown_and_its_row_is_left_alone() {
    let case = case("08-maxitems-reached.json");
    let (pipeline, leads) = played_for(&case, &targets(&case["input"])).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 2 harvested, 2 examined, 2 scored; \
         2 of 3 targets unknown: maxItems reached"
    );
    assert_eq!(pipeline.record()[run_record::TARGETS_UNKNOWN], 2);
    pipeline.assert_shows(
        run_record::SYSTEM_NOTES,
        "It is not known whether 2 profiles have posts: maxItems reached (/in/lead-b, /in/lead-c)",
    );
    for untried in &leads[1..] {
        let row = pipeline.lead(untried);
        assert_eq!(row.keys().collect::<Vec<_>>(), [leads::PROFILE_URL]);
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_shrinks_until_it_fits() {
    let case = case("09-page-beyond-64MiB.json");
    let (pipeline, leads) = played_for(&case, &[MIRA]).await;
    let record = pipeline.record();
    let harvested = case["timesWithOtherIds"].as_u64().unwrap();
    assert_eq!(record[run_record::POSTS_HARVESTED], harvested);
    assert_eq!(record[run_record::BALANCE], "balanced");
    let left_out = harvested - stored(&pipeline.lead(&leads[0])).len() as u64;
    assert_eq!(record[run_record::ITEMS_NOT_USED], left_out);
    let left_out = grouped(left_out);
    let line = format!("{left_out} harvested posts are stored nowhere, because Posts Content of");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
    assert!(!pipeline.text(run_record::SYSTEM_NOTES).contains("Nothing to do"));
}

#[tokio::test]
async fn a_post_that_a_full_cell_has_no_room_for_is_counted_and_its_lead_is_named() {
    let old = json!([{"postUrl": format!("{MIRA}/old"), "postContent": "o".repeat(97_000)}]);
    let words = "n".repeat(1_500);
    let items = ["newest", "older"].map(|name| {
        json!({"type": "post", "linkedinUrl": format!("https://www.linkedin.com/posts/{name}"),
            "content": words, "query": {"targetUrl": MIRA}})
    });
    let harvest = json!({"input": {"targetUrls": [MIRA]}, "items": items});
    let rows = vec![row(MIRA, json!({leads::POSTS_CONTENT: old}))];
    let (pipeline, leads) = played(&harvest.to_string(), rows).await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(stored(&pipeline.lead(&leads[0])).len(), 2);
    assert_eq!(pipeline.record()[run_record::ITEMS_NOT_USED], 1);
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    let line = "1 harvested post is stored nowhere, because Posts Content of the lead is full.";
    assert!(notes.contains(line), "{notes}");
    assert!(notes.contains("Shorten Posts Content of these leads"), "{notes}");
    assert!(notes.contains(&format!("/{}", leads[0])), "a link to the row: {notes}");
}

/// An item of jane's, whom LinkedIn itself calls `ACoAAA8BYqEB`.
fn of_jane(query: &Value) -> Value {
    json!({"type": "post", "linkedinUrl": "https://www.linkedin.com/posts/jane_x-activity-7300000000000000051-ab",
        "content": "We shipped it.", "query": query,
        "author": {"id": "ACoAAA8BYqEB", "publicIdentifier": "jane", "type": "profile",
            "linkedinUrl": "https://www.linkedin.com/in/jane?miniProfileUrn=urn%3Ali%3Afsd_profile%3AACoAAA8BYqEB"}})
}

#[tokio::test]
async fn a_lead_is_found_by_name_or_by_id_whichever_its_row_has_and_the_target_has_not() {
    let (name, id) =
        ("https://www.linkedin.com/in/jane", "https://www.linkedin.com/in/ACoAAA8BYqEB");
    for (row_has, input, query) in [
        (name, json!({"profileIds": ["ACoAAA8BYqEB"]}), json!({"profileId": "ACoAAA8BYqEB"})),
        (id, json!({"targetUrls": [name]}), json!({"targetUrl": name})),
        (
            id,
            json!({"profilePublicIdentifiers": ["jane"]}),
            json!({"profilePublicIdentifier": "jane"}),
        ),
    ] {
        let body = json!({"input": input, "items": [of_jane(&query)]});
        let (pipeline, leads) = played_for(&body, &[row_has]).await;
        pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
        let top = pipeline.lead(&leads[0])[leads::TOP_POST].to_string();
        assert!(!top.contains("REPOST"), "her own words: {top}");
    }
}

#[tokio::test]
async fn what_was_left_out_or_is_nobodys_never_stands_beside_nothing_to_do() {
    let two = json!([of_jane(&json!({"targetUrl": "https://www.linkedin.com/in/jane"})),
        {"type": "post", "linkedinUrl": "https://www.linkedin.com/posts/max", "content": "Hi.",
            "query": {"targetUrl": "https://www.linkedin.com/in/max"}},
        {"type": "error", "error": "secret words", "query": {"targetUrl": "https://www.linkedin.com/in/jane"}}]);
    let input = json!({"targetUrls": ["https://www.linkedin.com/in/jane", "https://www.linkedin.com/in/max"]});
    let body = json!({"input": input, "items": two});
    let (pipeline, _) = played_for(&body, &["https://www.linkedin.com/in/jane"]).await;
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    for line in [
        "If one of them should be a lead, compare it with the leads' \"LinkedIn Profile URL\"",
        "the posts are not used (/in/max)",
        "Look at the errors in the dataset",
    ] {
        assert!(notes.contains(line), "{line}: {notes}");
    }
    assert!(!notes.contains("Nothing to do") && !notes.contains("secret"), "{notes}");
}

#[tokio::test]
async fn a_profile_that_two_rows_have_is_named_with_both() {
    let jane = "https://www.linkedin.com/in/jane";
    let body = json!({"input": {"targetUrls": [jane]},
        "items": [of_jane(&json!({"targetUrl": jane}))]});
    let rows = [jane, "linkedin.com/in/jane/?trk=x"];
    let (pipeline, leads) = played_for(&body, &rows).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    let mut ids = leads.clone();
    ids.sort();
    let line =
        format!("the oldest is scored (1 profile): /in/jane ({}, {}); merge", ids[0], ids[1]);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
}

#[tokio::test]
async fn a_webhook_that_is_corrected_within_minutes_is_read_again() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let query = |run: &str, client: &str| format!("clientId={client}&runId={run}");
    pipeline.run_by(&apify_run, &query("261101-000000", "Guy-Wilsn")).await;
    pipeline.run_by(&apify_run, &query("261101-000000", "Guy-Wilson")).await;
    pipeline.run_by(&apify_run, &query("261102-000000", "Guy-Wilson")).await;
    let mut told: Vec<(String, String)> = Vec::new();
    for record in pipeline.records() {
        let text = |field: &str| record.fields[field].as_str().unwrap_or_default().to_owned();
        told.push((text(run_record::RUN_ID), text(run_record::STATUS)));
    }
    told.sort();
    let told: Vec<(&str, &str)> =
        told.iter().map(|(run, status)| (run.as_str(), status.as_str())).collect();
    assert_eq!(
        told,
        [
            ("261101-000000-(unattributed)", "Failed"),
            ("261101-000000-Guy-Wilson", "Completed"),
            ("261102-000000-Guy-Wilson", "Completed"),
        ]
    );
}

#[tokio::test]
async fn urls_as_people_paste_them_find_the_person_whichever_way_the_row_is_written() {
    let case = case("10-url-shapes.json");
    let pasted = targets(&case["input"]);
    let canonical = [
        "https://www.linkedin.com/in/anya-bell",
        "https://www.linkedin.com/in/brent-cole/",
        "https://www.linkedin.com/in/cara-dunn-67834512",
        "https://www.linkedin.com/in/ACwAAAX1yzBbb",
        "linkedin.com/in/dora-fenn",
        "https://www.linkedin.com/in/egon-frey",
        "https://www.linkedin.com/in/Fay-Gill",
        "https://www.linkedin.com/in/ACoAAAX1yzBHelloWorldAbCdEfGh",
        "https://www.linkedin.com/in/hugo",
        "https://www.linkedin.com/in/🚀-ivy-jones-1a2b3c",
        "https://www.linkedin.com/in/jos%C3%A9-kern/",
        "https://www.linkedin.com/in/lena.mor_1?trk=x",
        "https://www.linkedin.com/in/ACoAAAX1yzC",
    ];
    for rows in [pasted, canonical.to_vec()] {
        let (pipeline, leads) = played_for(&case, &rows).await;
        for (lead, url) in leads.iter().zip(&rows) {
            assert!(pipeline.lead(lead).contains_key(leads::POSTS_SCORE), "{url}");
        }
        pipeline.assert_exact("Completed: 13 harvested, 13 examined, 13 scored; balanced");
    }
}

#[tokio::test]
async fn a_profile_that_no_row_has_is_named() {
    let case = case("10-url-shapes.json");
    let (pipeline, _) = played_for(&case, &["https://www.linkedin.com/in/cara-dunn"]).await;
    assert_eq!(pipeline.told(), "Completed: 13 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.record()[run_record::ITEMS_NOT_USED], 13);
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("13 harvested profiles are no leads of this client"), "{notes}");
    assert!(notes.contains("the posts are not used (/in/"), "{notes}");
    assert!(!notes.contains("Nothing to do"), "{notes}");
}

#[tokio::test]
async fn a_row_with_accents_of_their_own_is_the_same_person() {
    let case = case("11-nfd-row-nfc-target.json");
    let url = case["leadRow"][leads::PROFILE_URL].as_str().unwrap();
    let (pipeline, _) = played_for(&case["harvest"], &[url]).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn words_that_a_post_quotes_or_attaches_are_scored_and_marked() {
    let case = case("15-posts-without-own-text.json");
    let (pipeline, leads) = played_for(&case, &targets(&case["input"])).await;
    pipeline.assert_exact("Completed: 4 harvested, 3 examined, 3 scored; balanced");
    let quoted: Vec<Value> = leads[..3]
        .iter()
        .map(|lead| stored(&pipeline.lead(lead)).remove(0)["quotedContent"].clone())
        .collect();
    assert_eq!(
        quoted,
        [
            "Quoted post: Twenty lessons from building a sales team from zero.",
            "Article: Why we left per-seat pricing – An essay – Long essay on pricing models and churn.",
            "Document: Ten slides on hiring plans",
        ]
    );
    assert_eq!(pipeline.lead(&leads[3])[leads::POSTS_SKIP_REASON], "NO_CONTENT");
    let top = pipeline.lead(&leads[0])[leads::TOP_POST].to_string();
    assert!(top.contains("Quoted: Quoted post: Twenty lessons"), "{top}");
}

#[tokio::test]
async fn one_stored_post_without_a_url_costs_the_others_nothing() {
    let case = case("18-stored-post-without-url.json");
    let rows = vec![row(MIRA, case["leadRow"].clone())];
    let (pipeline, leads) = played(&case["harvest"].to_string(), rows).await;
    pipeline.assert_exact("Completed: 1 harvested, 2 examined, 2 scored; balanced");
    let posts = stored(&pipeline.lead(&leads[0]));
    assert_eq!(posts.len(), 3, "nothing that was stored is lost: {posts:?}");
    assert!(posts.iter().any(|post| post["postUrl"].is_null()));
}

#[tokio::test]
async fn a_missing_input_is_noted() {
    let case = case("01-profileurls-input.json");
    let body = json!({"items": case["items"]});
    let (pipeline, _) = played_for(&body, &[MIRA]).await;
    assert_eq!(pipeline.record()[run_record::TARGETS], 2, "those that items name");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "is missing: what was asked for is not known");
    pipeline.assert_shows(run_record::BALANCE, "is missing or names none");
}

#[tokio::test]
async fn a_dataset_that_ignores_the_offset_is_read_once() {
    let case = case("01-profileurls-input.json");
    let body = json!({"input": case["input"], "items": case["items"], "ignoresOffset": true});
    let (pipeline, _) = played_for(&body, &[MIRA]).await;
    assert_eq!(pipeline.record()[run_record::POSTS_HARVESTED], 4);
    assert_eq!(pipeline.record()[run_record::ITEMS_NOT_USED], 2, "the other is no lead");
}

#[tokio::test]
async fn one_damaged_item_costs_only_itself() {
    let case = case("01-profileurls-input.json");
    let items = case["items"].as_array().unwrap().iter().map(Value::to_string);
    let deep = format!(r#"{{"type":"post","x":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
    let items: Vec<String> = items.chain([deep]).collect();
    let body = format!(r#"{{"input":{},"items":[{}]}}"#, case["input"], items.join(","));
    let rows = [MIRA, "https://www.linkedin.com/in/oskar-venn"].map(|url| row(url, json!({})));
    let (pipeline, _) = played(&body, rows.to_vec()).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 4 harvested, 4 examined, 4 scored; \
         1 of 5 items not understood: damaged item"
    );
}

#[tokio::test]
async fn a_run_that_is_resurrected_is_read_again_when_it_ends_a_second_time() {
    let case = case("07-resurrected-run.json");
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let urls = [MIRA, "https://www.linkedin.com/in/oskar-venn"];
    let leads = urls.map(|url| pipeline.insert(CLIENT_BASE, leads::TABLE, row(url, json!({}))));
    let end = |items: &Value, cost: f64, empty: u64| {
        json!({"input": case["input"], "items": items, "costUsd": cost,
            "chargedEventCounts": {"zero-result-query": empty}})
        .to_string()
    };
    let apify_run = pipeline.play(&end(&case["firstDataset"], 0.01, 0));
    pipeline.ended(&apify_run, 1).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 1 harvested, 1 examined, 1 scored; \
         1 of 2 targets unknown: not all of them were charged as empty"
    );
    assert!(!pipeline.lead(&leads[1]).contains_key(leads::POSTS_HARVEST_STATUS));
    let billed = pipeline.billed_tokens();

    pipeline.resurrect(&apify_run, &end(&case["afterResurrection"], 0.02, 0));
    pipeline.ended(&apify_run, 2).await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_COST], 0.02);
    assert!(pipeline.billed_tokens() < 3 * billed, "the first lead is not paid for again");
    assert_eq!(pipeline.lead(&leads[1])[leads::POSTS_HARVEST_STATUS], "Done");
}

#[tokio::test]
async fn the_cost_of_a_harvest_stands_on_the_first_run_that_named_it() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    for run in ["261101-000000", "261102-000000", "261103-000000"] {
        pipeline.run_by(&apify_run, &format!("clientId=Guy-Wilson&runId={run}")).await;
    }
    let mut records = pipeline.records();
    records.sort_by_key(|record| record.fields[run_record::RUN_ID].to_string());
    let costs: Vec<&Value> =
        records.iter().map(|record| &record.fields[run_record::APIFY_COST]).collect();
    assert_eq!(costs, [0.074, 0.0, 0.0]);
    for other in &records[1..] {
        let notes = other.fields[run_record::SYSTEM_NOTES].as_str().unwrap();
        let names = "stands on the record of run 261101-000000-Guy-Wilson, which named it first";
        assert!(notes.contains(names), "{notes}");
    }
}
