//! The targets of a harvest, and their leads.

use super::stage::{MIRA, case, of_jane, played_for, row, targets};
use serde_json::json;
use shared::schema::{leads, run_record};
use tests::{CLIENT_BASE, Pipeline};

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
async fn a_row_with_accents_of_their_own_is_the_same_person() {
    let case = case("11-nfd-row-nfc-target.json");
    let url = case["leadRow"][leads::PROFILE_URL].as_str().unwrap();
    let (pipeline, _) = played_for(&case["harvest"], &[url]).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_profile_that_no_row_has_is_named() {
    let case = case("10-url-shapes.json");
    let (pipeline, _) = played_for(&case, &["https://www.linkedin.com/in/cara-dunn"]).await;
    assert_eq!(pipeline.told(), "Completed: 13 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.record()[run_record::ITEMS_NOT_USED], 13);
    let notes = pipeline.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("13 harvested profiles are not leads of this client"), "{notes}");
    assert!(notes.contains("their posts are not used (/in/"), "{notes}");
    assert!(!notes.contains("Nothing to do"), "{notes}");
}

#[tokio::test]
async fn a_profile_that_two_rows_have_is_named_with_both() {
    let jane = "https://www.linkedin.com/in/jane";
    let body = json!({"input": {"targetUrls": [jane]},
        "items": [of_jane(&json!({"targetUrl": jane}))]});
    let pipeline = Pipeline::start().await;
    let mut ids = Vec::new();
    for url in [jane, "linkedin.com/in/jane/?trk=x"] {
        ids.push(pipeline.insert(CLIENT_BASE, leads::TABLE, row(url, json!({}))));
        // Rows of the same millisecond have the same age.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let apify_run = pipeline.play(&body.to_string());
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed: 1 harvested, 1 examined, 1 scored; balanced");
    let line =
        format!("the oldest is scored (1 profile): /in/jane ({}, {}); merge", ids[0], ids[1]);
    pipeline.assert_shows(run_record::SYSTEM_NOTES, &line);
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
        "If you expected a lead, compare its \"LinkedIn Profile URL\" with the harvested profile",
        "its posts are not used (/in/max)",
        "Look at the errors in the dataset",
    ] {
        assert!(notes.contains(line), "{line}: {notes}");
    }
    assert!(!notes.contains("Nothing to do") && !notes.contains("secret"), "{notes}");
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
async fn a_missing_input_is_noted() {
    let case = case("01-profileurls-input.json");
    let body = json!({"items": case["items"]});
    let (pipeline, _) = played_for(&body, &[MIRA]).await;
    assert_eq!(pipeline.record()[run_record::TARGETS], 2, "those that items name");
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "is missing: what was asked for is not known");
    pipeline.assert_shows(run_record::BALANCE, "is missing or names none");
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
