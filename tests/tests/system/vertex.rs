//! The model on Vertex AI, with a service account.

use serde_json::json;
use tests::{Harvest, Pipeline, post};

#[tokio::test]
async fn a_service_account_scores_as_well_as_an_api_key() {
    let pipeline = Pipeline::start_on_vertex().await;
    pipeline.add_lead("jane", json!({}));
    pipeline.add_lead("max", json!({}));
    let items = vec![post("jane", 1, "We shipped it."), post("max", 1, "Hi.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(pipeline.record()["Post Scoring Tokens"], pipeline.billed_tokens());
    let tokens = pipeline.services.gemini.requests();
    let granted = tokens.iter().filter(|count| count.kind == "token").map(|count| count.count);
    assert_eq!(granted.sum::<u64>(), 1, "one access token serves all calls");
}
