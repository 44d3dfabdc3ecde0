//! Odd properties of a harvest that ended.

use super::world::World;
use crate::fault::Fault;
use crate::oracle::Oddities;
use serde_json::{Value, json};
use shared::core::linkedin::PostUrl;
use simulators::apify::{RunLimits, RunSpec};

/// The run of a harvest, and what is odd about it.
pub(crate) fn run_of(world: &World, harvest: usize) -> (RunSpec, Oddities) {
    let mut spec = world.scenario.run_spec(harvest, world.clock.now());
    let mut odd = Oddities::default();
    if !spec.items.is_empty() && world.faults.hits(Fault::UnicodeBroken) {
        let item = spec.items.remove(world.dice.below(spec.items.len()));
        spec.raw_items.push(cut_emoji(&item));
    }
    if !spec.items.is_empty() && world.faults.hits(Fault::PostUnderTwoUrls) {
        let item = &spec.items[world.dice.below(spec.items.len())];
        // After the first one, because the row keeps the first URL.
        spec.items.push(under_another_url(item));
        odd.items += 1;
    }
    if world.faults.hits(Fault::ItemsOdd) {
        let (strange, damaged) = (world.dice.between(0, 2), world.dice.between(0, 2));
        let comment = json!({"type": "comment", "id": "1", "commentary": "x", "postId": "2"});
        spec.items.push(comment);
        let shape =
            json!({"urn": "urn:li:activity:1", "text": "x", "inputUrl": "https://x.example"});
        spec.items.extend((0..strange).map(|_| shape.clone()));
        let nested = format!(r#"{{"type":"post","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        spec.raw_items.extend((0..damaged).map(|_| nested.clone()));
        odd = Oddities { items: odd.items + 1 + strange + damaged, strange, damaged, ..odd };
    }
    if world.faults.hits(Fault::MaxItemsReached) {
        let items = spec.items.len() + spec.raw_items.len();
        spec.run_options = RunLimits { max_items: Some(items as u64), ..RunLimits::default() };
        // Without items no limit can be reached: a limit of zero means no limit.
        odd.is_full = items > 0;
    }
    (spec, odd)
}

/// The same post with a feed's link.
fn under_another_url(item: &Value) -> Value {
    let mut item = item.clone();
    let url = PostUrl(item["linkedinUrl"].as_str().unwrap_or_default().to_owned());
    let id = url.activity_id().unwrap_or_default();
    item["linkedinUrl"] =
        json!(format!("https://www.linkedin.com/feed/update/urn:li:activity:{id}"));
    item
}

/// An item whose text ends in half an emoji.
fn cut_emoji(item: &Value) -> String {
    let mut item = item.clone();
    let content = item["content"].as_str().unwrap_or_default();
    item["content"] = json!(format!("{content} CUT"));
    item.to_string().replace(" CUT\"", " \\ud83d\"")
}
