//! Items look like the actor's items.

use super::support::{posts, target_of, targets};
use crate::invented::{Size, World};
use jiff::Timestamp;
use serde_json::Value;
use shared::core::linkedin::PostUrl;
use std::collections::BTreeSet;
use std::collections::HashMap;

#[test]
fn every_item_has_the_shape_of_the_actors_items() {
    let world = World::invent(Size { leads: 300, clients: 2, seed: 5 });
    for client in &world.clients {
        let harvest = client.harvest();
        let asked: BTreeSet<&str> = targets(&harvest).into_iter().collect();
        for item in &harvest.items {
            match item["type"].as_str().unwrap() {
                "post" => {
                    check_post(item);
                    assert!(asked.contains(target_of(item)), "{item}");
                }
                "comment" => assert!(item["commentary"].is_string() && item["actor"].is_object()),
                "reaction" => assert!(item["reactionType"].is_string()),
                "error" => assert!(item["error"].is_string() && asked.contains(target_of(item))),
                other => panic!("{other}"),
            }
        }
    }
}

fn check_post(item: &Value) {
    let id = item["id"].as_str().unwrap();
    assert!(id.len() == 19 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    if let Some(url) = item.get("linkedinUrl") {
        assert_eq!(PostUrl(url.as_str().unwrap().to_owned()).activity_id().as_deref(), Some(id));
    }
    assert!(item["content"].is_string() || item["content"].is_null());
    if let Some(text) = item["content"].as_str().filter(|text| !text.is_empty()) {
        assert!((150..=1_200).contains(&text.chars().count()));
    }
    let author = &item["author"];
    for key in ["name", "linkedinUrl", "info"] {
        assert!(author[key].is_string(), "{author}");
    }
    let is_company = author["type"] == "company";
    assert_eq!(author["publicIdentifier"].is_null(), is_company);
    assert_eq!(author["universalName"].is_string(), is_company);
    for key in ["postedAt", "repostedAt"] {
        let Some(at) = item.get(key) else { continue };
        let date: Timestamp = at["date"].as_str().unwrap().parse().unwrap();
        assert_eq!(Some(date.as_millisecond()), at["timestamp"].as_i64());
        assert!(date <= "2026-11-20T00:00:00Z".parse().unwrap(), "{at}");
    }
    assert!(item["postImages"].is_array() && item["reactions"].is_array());
    let engagement = &item["engagement"];
    let kinds = engagement["reactions"].as_array().unwrap();
    let reactions: u64 = kinds.iter().map(|kind| kind["count"].as_u64().unwrap()).sum();
    assert_eq!(engagement["likes"].as_u64(), Some(reactions));
    assert!(item.get("repostedBy").is_none_or(|by| by["linkedinUrl"].is_string()));
    assert_eq!(item.get("repostId").is_some(), item["repost"]["content"].is_string());
}

#[test]
fn activity_ids_are_the_worlds_own() {
    let world = World::invent(Size { leads: 500, clients: 5, seed: 8 });
    let mut texts: HashMap<String, String> = HashMap::new();
    for client in &world.clients {
        for item in posts(&client.harvest()) {
            let text = item["content"].as_str().unwrap_or_default().to_owned();
            let id = item["id"].as_str().unwrap().to_owned();
            let known = texts.entry(id).or_insert_with(|| text.clone());
            assert_eq!(*known, text, "one id, two posts");
        }
    }
    assert!(texts.len() > 1_000);
}
