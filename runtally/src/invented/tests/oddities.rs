//! Every oddity occurs.

use super::support::{cell, expected, furnished, posts, target_of, targets};
use crate::invented::{Harvest, Size, World};
use serde_json::Value;
use shared::core::linkedin::ProfileKey;
use shared::schema::leads;
use simulators::airtable::Row;
use simulators::gemini::Marker;
use std::collections::BTreeSet;
use std::collections::HashMap;

/// A name and the condition that shows it.
type Oddity<T> = (&'static str, fn(&T) -> bool);

/// Oddities of single items.
const OF_ITEMS: [Oddity<Value>; 13] = [
    ("originals", |item| is_post(item) && item["header"]["text"].is_null()),
    ("reposts", |item| item["repostedBy"].is_object()),
    ("reposts of a company", |item| {
        item["repostedBy"].is_object() && item["author"]["type"] == "company"
    }),
    ("quotes", |item| item["repost"].is_object()),
    ("pictures", |item| is_post(item) && text_of(item).is_empty()),
    ("comments", |item| item["type"] == "comment"),
    ("reactions", |item| item["type"] == "reaction"),
    ("errors", |item| item["type"] == "error"),
    ("without permalink", |item| is_post(item) && item.get("linkedinUrl").is_none()),
    ("safety blocks", |item| text_of(item).contains(Marker::SafetyBlock.text())),
    ("truncations", |item| text_of(item).contains(Marker::Truncate.text())),
    ("missed posts", |item| text_of(item).contains(Marker::MissPost.text())),
    ("texts that are not ASCII", |item| !text_of(item).is_ascii()),
];

/// Oddities of a lead's stored posts.
const OF_CONTENTS: [Oddity<str>; 5] = [
    ("stored JSON", is_json),
    ("JSON cut off", |text| text.starts_with('[') && !is_json(text) && !text.ends_with(']')),
    ("raw newlines", |text| text.starts_with('[') && text.contains('\n')),
    ("plain text", |text| text.starts_with("Date: ") && text.contains("\n---\n")),
    ("prose", |text| text.starts_with("Spoke to")),
];

/// Spellings of profile URLs that occur in rows and in targets.
const OF_URLS: [(&str, &str); 5] = [
    ("capitals in the host", "http://LinkedIn.com/"),
    ("country subdomains", "de.linkedin.com"),
    ("activity pages", "/recent-activity/all/"),
    ("queries", "?x=1"),
    ("percent-encoding", "%"),
];

fn is_post(item: &Value) -> bool {
    item["type"] == "post"
}

fn text_of(item: &Value) -> &str {
    item["content"].as_str().unwrap_or_default()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

#[test]
fn a_client_of_twenty_leads_has_every_oddity() {
    let world = World::invent(Size { leads: 40, clients: 2, seed: 1 });
    let airtable = furnished(&world);
    for client in &world.clients {
        let harvest = client.harvest();
        let rows = airtable.rows(client.base.as_str(), leads::TABLE).unwrap();
        check_alone(&harvest, &rows);
        check_together(&harvest, &rows);
    }
}

/// Finds the oddities of a single item, cell or URL.
fn check_alone(harvest: &Harvest, rows: &[Row]) {
    for (name, is_odd) in OF_ITEMS {
        assert!(harvest.items.iter().any(is_odd), "{name}");
    }
    for (name, is_odd) in OF_CONTENTS {
        assert!(rows.iter().any(|row| is_odd(cell(row, leads::POSTS_CONTENT))), "{name}");
    }
    for (name, part) in OF_URLS {
        assert!(rows.iter().any(|row| cell(row, leads::PROFILE_URL).contains(part)), "{name}");
        assert!(targets(harvest).iter().any(|url| url.contains(part)), "{name}");
    }
    assert!(targets(harvest).iter().any(|url| url.contains("/company/")), "company targets");
    assert!(rows.iter().any(|row| row.fields.contains_key(leads::DATE_POSTS_SCORED)));
}

/// Finds the oddities that show only in items, targets and rows together.
fn check_together(harvest: &Harvest, rows: &[Row]) {
    let targets = targets(harvest);
    let mut profiles_of_post: HashMap<&str, BTreeSet<ProfileKey>> = HashMap::new();
    let mut under_target: HashMap<(&str, &str), usize> = HashMap::new();
    for item in posts(harvest) {
        let (id, target) = (item["id"].as_str().unwrap(), target_of(item));
        profiles_of_post.entry(id).or_default().extend(ProfileKey::of(target));
        *under_target.entry((id, target)).or_default() += 1;
    }
    let mut spellings: HashMap<ProfileKey, usize> = HashMap::new();
    for profile in targets.iter().filter_map(|url| ProfileKey::of(url)) {
        *spellings.entry(profile).or_default() += 1;
    }
    let is_empty = |target: &&str| {
        harvest.items.iter().all(|item| item["query"]["targetUrl"].as_str() != Some(target))
    };
    let is_stored =
        |id: &&str| rows.iter().any(|row| cell(row, leads::POSTS_CONTENT).contains(*id));
    for (name, is_there) in [
        ("one post, two profiles", profiles_of_post.values().any(|of| of.len() > 1)),
        ("one post twice under a target", under_target.values().any(|count| *count > 1)),
        ("targets without posts", targets.iter().any(is_empty)),
        ("one profile, two targets", spellings.values().any(|count| *count > 1)),
        ("posts harvested again", profiles_of_post.keys().any(is_stored)),
    ] {
        assert!(is_there, "{name}");
    }
}

#[test]
fn a_small_client_has_the_most_important_oddities() {
    let world = World::invent(Size { leads: 5, clients: 1, seed: 1 });
    let cases: Vec<String> = world.clients[0].leads().map(|lead| lead.case.name.clone()).collect();
    assert_eq!(cases, ["originals", "stored", "blocked", "no_posts", "missed"]);
    assert_eq!(expected(&world).posts_unmatched, 4, "a profile and a company that are no leads");
}
