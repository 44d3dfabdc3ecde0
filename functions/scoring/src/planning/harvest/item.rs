//! What one dataset item is.

use super::target::TargetKey;
use super::text::{cut, text, text_or_number};
use super::{apimaestro, harvestapi};
use serde_json::Value;
use shared::core::linkedin::ProfileKey;
use shared::messages::{Post, UnusedReason};

/// Most keys that are listed for an item of unknown shape.
const NAMED_KEYS: usize = 12;
/// Most characters in a name.
const NAME_MAX: usize = 120;

/// Where an error names the profile that it is about.
const PROFILES: [&str; 6] = ["targetUrl", "profileUrl", "inputUrl", "linkedinUrl", "url", "input"];

/// What one dataset item is.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    Post {
        post: Box<Post>,
        target: Option<TargetKey>,
    },
    /// It is not a post, for this reason. Its name never contains a post's text.
    Unused {
        reason: UnusedReason,
        name: String,
        target: Option<TargetKey>,
    },
}

/// Reads an item; `None` stands for an item that is not JSON. One actor packs several posts into an
/// item.
pub(super) fn read_item(item: Option<&Value>) -> Vec<Item> {
    let Some(item) = item else { return vec![unused(UnusedReason::Damaged, &Value::Null)] };
    match apimaestro::packed(item) {
        Some([]) => vec![unused(UnusedReason::NoPost, item)],
        Some(posts) => posts.iter().map(read_one).collect(),
        None => vec![read_one(item)],
    }
}

fn read_one(item: &Value) -> Item {
    let kind = text(&item["type"]).unwrap_or_default().to_lowercase();
    // A post whose text is not found would count as a post without text.
    let hides_words = harvestapi::says_elsewhere(item);
    let post = match kind.as_str() {
        "comment" => Err(UnusedReason::Comment),
        "reaction" => Err(UnusedReason::Reaction),
        "error" => Err(UnusedReason::Error),
        _ if harvestapi::is_post(item) && !hides_words => Ok(harvestapi::post(item)),
        _ if apimaestro::is_post(item) => Ok(apimaestro::post(item)),
        "post" if !hides_words => Ok(harvestapi::post(item)),
        _ => Err(not_a_post(item)),
    };
    let unnamed = || {
        if item["error"].is_null() { UnusedReason::NoIdentity } else { UnusedReason::Error }
    };
    match post.and_then(|post| post.ok_or_else(unnamed)) {
        Ok(post) => Item::Post { post: Box::new(post), target: harvestapi::target(item) },
        Err(reason) => unused(reason, item),
    }
}

fn not_a_post(item: &Value) -> UnusedReason {
    let has = |key: &str| !item[key].is_null();
    if has("commentary") && has("postId") {
        UnusedReason::Comment
    } else if has("reactionType") {
        UnusedReason::Reaction
    } else if has("error") || item["#error"] == true || item["success"] == false {
        UnusedReason::Error
    } else {
        UnusedReason::UnknownShape
    }
}

fn unused(reason: UnusedReason, item: &Value) -> Item {
    let is_strange = reason == UnusedReason::UnknownShape;
    let name = if is_strange { keys(item) } else { name(item) };
    let failed = || PROFILES.iter().find_map(|key| ProfileKey::of(text(&item[key])?));
    let failed = if reason == UnusedReason::Error { failed() } else { None };
    let target = harvestapi::target(item).or(failed.map(TargetKey::Profile));
    Item::Unused { reason, name: cut(&name, NAME_MAX), target }
}

/// A name for an item: its URL, its id, its target, or else its keys.
fn name(item: &Value) -> String {
    let named =
        ["linkedinUrl", "url", "id", "urn"].iter().find_map(|key| text_or_number(&item[key]));
    named
        .or_else(|| harvestapi::target(item).map(|target| target.to_string()))
        .unwrap_or_else(|| keys(item))
}

/// The keys of an item, which describe an unknown shape.
pub(super) fn keys(item: &Value) -> String {
    let Some(fields) = item.as_object() else {
        let is_nothing = item.is_null();
        return if is_nothing { "not JSON" } else { "a value that is not an object" }.to_owned();
    };
    let shown: Vec<String> = fields.keys().take(NAMED_KEYS).map(|key| cut(key, 40)).collect();
    let more = if fields.len() > NAMED_KEYS { ", …" } else { "" };
    format!("keys {}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn described(item: &Value) -> String {
        let items = read_item(Some(item));
        let one = |item: &Item| match item {
            Item::Post { post, target } => {
                let target = target.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("post {} of {target}", post.url.as_str())
            }
            Item::Unused { reason, name, .. } => format!("{}: {name}", reason.as_str()),
        };
        items.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    const URL: &str = "https://www.linkedin.com/posts/jane_x-activity-7329207003942125568-ab";

    #[test]
    fn all_three_kinds_of_query_name_the_target() {
        for (key, value) in [
            ("targetUrl", "https://www.linkedin.com/in/jane"),
            ("profilePublicIdentifier", "https://www.linkedin.com/in/jane"),
            ("profilePublicIdentifier", "jane"),
            ("profileId", "jane"),
        ] {
            let item = json!({"type": "post", "linkedinUrl": URL, "query": {key: value}});
            assert_eq!(described(&item), format!("post {URL} of /in/jane"), "{key}");
        }
        let company =
            json!({"type": "post", "linkedinUrl": URL, "query": {"companyUniversalName": "Acme"}});
        assert_eq!(described(&company), format!("post {URL} of acme"));
    }

    #[test]
    fn a_post_is_one_whatever_its_type_says_and_what_is_none_is_named() {
        let query = json!({"targetUrl": "https://www.linkedin.com/in/jane"});
        let post = format!("post {URL} of /in/jane");
        for item in [
            json!({"linkedinUrl": URL, "content": "x", "query": query}),
            json!({"type": "text", "linkedinUrl": URL, "postedAt": {"timestamp": 1}, "query": query}),
            json!({"type": null, "linkedinUrl": URL, "engagement": {}, "query": query}),
        ] {
            assert_eq!(described(&item), post, "{item}");
        }
        for (item, is) in [
            (json!({"type": "comment", "id": "1"}), "comment: 1"),
            (json!({"id": "2", "postId": "1", "commentary": "secret"}), "comment: 2"),
            (json!({"reactionType": "LIKE", "id": "3"}), "reaction: 3"),
            (json!({"error": "secret", "query": query}), "error reported by the actor: /in/jane"),
            (
                json!({"#error": true, "#debug": {"url": "x"}}),
                "error reported by the actor: keys #debug, #error",
            ),
            (
                json!({"type": "error", "error": "secret"}),
                "error reported by the actor: keys error, type",
            ),
            (
                json!({"type": "post", "content": "secret"}),
                "post without id and URL: keys content, type",
            ),
            (
                json!({"urn": "u", "text": "secret", "inputUrl": "x"}),
                "unknown shape: keys inputUrl, text, urn",
            ),
            (
                json!({"type": "profile", "id": "4", "linkedinUrl": "l", "firstName": "J"}),
                "unknown shape: keys firstName, id, linkedinUrl, type",
            ),
            (json!([1]), "unknown shape: a value that is not an object"),
        ] {
            assert_eq!(described(&item), is);
        }
        let damaged = read_item(None);
        assert!(matches!(&damaged[..], [Item::Unused { reason: UnusedReason::Damaged, .. }]));
    }

    #[test]
    fn posts_of_apimaestro_are_read_also_where_they_are_packed() {
        let post = json!({"urn": {"activity_urn": "7300000000000000031"}, "text": "x", "url": URL,
            "posted_at": {"timestamp": 1}, "author": {"username": "jane"}});
        assert_eq!(described(&post), format!("post {URL} of "));
        let packed = json!({"success": true, "message": "", "data": {"posts": [post, post]}});
        assert_eq!(described(&packed), format!("post {URL} of ; post {URL} of "));
        let none = json!({"success": true, "data": {"posts": []}});
        assert_eq!(described(&none), "no post: keys data, success");
    }
}
