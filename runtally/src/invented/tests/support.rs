//! Helpers that read worlds and harvests.

use crate::invented::{Expected, Harvest, World};
use jiff::Timestamp;
use serde_json::Value;
use simulators::airtable::{Airtable, AirtableOptions, Row};
use simulators::{Clock, NoStore};
use std::sync::Arc;

pub(super) fn furnished(world: &World) -> Airtable {
    let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let options = AirtableOptions::with_token("pat");
    let airtable = Airtable::new(options, Clock::new(move || now), Arc::new(NoStore), 1).unwrap();
    world.furnish(&airtable).unwrap();
    airtable
}

pub(super) fn targets(harvest: &Harvest) -> Vec<&str> {
    harvest.input["targetUrls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|url| url.as_str().unwrap())
        .collect()
}

pub(super) fn posts(harvest: &Harvest) -> impl Iterator<Item = &Value> {
    harvest.items.iter().filter(|item| item["type"] == "post")
}

pub(super) fn target_of(item: &Value) -> &str {
    item["query"]["targetUrl"].as_str().unwrap()
}

pub(super) fn cell<'a>(row: &'a Row, field: &str) -> &'a str {
    row.fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The sum of what is expected of all harvests of the world.
pub(super) fn expected(world: &World) -> Expected {
    let mut all = Expected::default();
    for client in &world.clients {
        client.leads().for_each(|lead| all.count_lead(&lead));
        for outsider in client.outsiders() {
            all.count_outsider(outsider.posts.len(), outsider.is_company);
        }
    }
    all
}
