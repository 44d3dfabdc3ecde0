//! How the items of a dataset are read.

use super::stage::{MIRA, case, of_jane, played, played_for, row, stored, targets, text_of};
use serde_json::{Value, json};
use shared::schema::{leads, run_record};

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
