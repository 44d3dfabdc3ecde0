//! The model on Vertex AI, with a service account.

use serde_json::json;
use shared::schema::run_record;
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

/// The run of a lead with the flex tier, at a location.
async fn flex_at(location: &str) -> Pipeline {
    let set = [("GEMINI_TIER", "flex"), ("VERTEX_LOCATION", location)];
    let pipeline = Pipeline::start_on_vertex_with(&set).await;
    pipeline.add_lead("jane", json!({}));
    let items = vec![post("jane", 1, "We shipped it.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], items));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    pipeline
}

fn calls(pipeline: &Pipeline) -> Vec<(&'static str, u16, u64)> {
    let requests = pipeline.services.gemini.requests();
    let calls = requests.iter().filter(|count| count.kind.starts_with("generate"));
    calls.map(|count| (count.kind, count.status, count.count)).collect()
}

#[tokio::test]
async fn flex_is_asked_for_in_one_request_at_the_location_that_has_it_and_nowhere_else() {
    let global = flex_at("global").await;
    assert_eq!(calls(&global), [("generate_flex", 200, 1)], "by its header, and not refused");
    global.assert_shows(run_record::SYSTEM_NOTES, "Served: 1 answer at the tier flex.");
    let regional = flex_at("europe-west4").await;
    assert_eq!(calls(&regional), [("generate", 200, 1)]);
}
