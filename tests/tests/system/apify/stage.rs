//! Plays a case: the run of a harvest as Apify reports it, with the leads of one client.

use serde_json::{Map, Value, json};
use shared::schema::leads;
use std::path::Path;
use tests::{CLIENT_BASE, Pipeline};

pub(crate) const MIRA: &str = "https://www.linkedin.com/in/mira-tolland";

pub(crate) fn text_of(name: &str) -> String {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/apify-airtable"));
    std::fs::read_to_string(folder.join(name)).unwrap()
}

pub(crate) fn case(name: &str) -> Value {
    serde_json::from_str(&text_of(name)).unwrap()
}

/// The row of a lead with this URL and these cells.
pub(crate) fn row(url: &str, cells: Value) -> Value {
    let mut row = cells;
    row[leads::PROFILE_URL] = json!(url);
    if let Some(posts) = row.get(leads::POSTS_CONTENT).filter(|posts| posts.is_array()) {
        row[leads::POSTS_CONTENT] = json!(posts.to_string());
    }
    row
}

/// A pipeline with these leads, after the run of a case. Also returns the leads' record ids.
pub(crate) async fn played(body: &str, rows: Vec<Value>) -> (Pipeline, Vec<String>) {
    let pipeline = Pipeline::start().await;
    let leads = rows.into_iter().map(|row| pipeline.insert(CLIENT_BASE, leads::TABLE, row));
    let leads = leads.collect();
    let apify_run = pipeline.play(body);
    pipeline.run(&apify_run).await;
    (pipeline, leads)
}

/// Like [`played`], with leads of which only the URL is known.
pub(crate) async fn played_for(body: &Value, urls: &[&str]) -> (Pipeline, Vec<String>) {
    played(&body.to_string(), urls.iter().map(|url| row(url, json!({}))).collect()).await
}

pub(crate) fn targets(input: &Value) -> Vec<&str> {
    input["targetUrls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect()
}

pub(crate) fn stored(lead: &Map<String, Value>) -> Vec<Value> {
    serde_json::from_str(lead[leads::POSTS_CONTENT].as_str().unwrap()).unwrap()
}

/// An item about jane, whose LinkedIn id is `ACoAAA8BYqEB`.
pub(crate) fn of_jane(query: &Value) -> Value {
    json!({"type": "post", "linkedinUrl": "https://www.linkedin.com/posts/jane_x-activity-7300000000000000051-ab",
        "content": "We shipped it.", "query": query,
        "author": {"id": "ACoAAA8BYqEB", "publicIdentifier": "jane", "type": "profile",
            "linkedinUrl": "https://www.linkedin.com/in/jane?miniProfileUrn=urn%3Ali%3Afsd_profile%3AACoAAA8BYqEB"}})
}
