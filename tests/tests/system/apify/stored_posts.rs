//! The posts that are stored with a lead, and the posts that were stored before.

use super::stage::{MIRA, case, played, row, stored};
use serde_json::json;
use shared::schema::{leads, run_record};

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
    let line = "1 harvested post is not stored, because Posts Content of the lead is full.";
    assert!(notes.contains(line), "{notes}");
    assert!(notes.contains("Shorten that cell"), "{notes}");
    assert!(notes.contains(&format!("/{}", leads[0])), "a link to the row: {notes}");
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
