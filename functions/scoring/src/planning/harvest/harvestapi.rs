//! Items of the actor harvestapi/linkedin-profile-posts.
//!
//! External rules: the actor's source. A post belongs to the requested profile (`query`), never to
//! the author: on a plain repost, the author is the original's. `type` is set before the post's own
//! keys, which can overwrite it.

use super::target::{TargetKey, TargetKind};
use super::text::{clean, count, cut, date, owned, text, text_or_number};
use serde_json::Value;
use shared::core::linkedin::PostUrl;
use shared::messages::{Post, PostKind};

/// The keys of `query` that name a target.
const TARGETS: [(&str, TargetKind); 12] = [
    ("targetUrl", TargetKind::Person),
    ("profilePublicIdentifier", TargetKind::Person),
    ("profileId", TargetKind::Person),
    ("profileUrl", TargetKind::Person),
    ("companyUniversalName", TargetKind::Company),
    ("companyId", TargetKind::Company),
    ("companyUrl", TargetKind::Company),
    ("companyPublicIdentifier", TargetKind::Company),
    ("authorsCompanyUniversalName", TargetKind::Company),
    ("authorsCompanyId", TargetKind::Company),
    ("authorsCompanyUrl", TargetKind::Company),
    ("authorsCompany", TargetKind::Company),
];
/// Keys that only posts have.
const OF_POSTS: [&str; 6] =
    ["content", "postedAt", "engagement", "article", "repost", "repostedBy"];
/// Keys with a post's text in items of other actors.
const WORDS_ELSEWHERE: [&str; 8] = [
    "text",
    "postText",
    "post_text",
    "postContent",
    "post_content",
    "commentary",
    "body",
    "description",
];
/// Most characters that are kept of each quoted text.
const QUOTED_MAX: usize = 3_000;

/// Whether an item is a post, whatever its type says.
pub(super) fn is_post(item: &Value) -> bool {
    let has = |key: &str| !item[key].is_null();
    (has("linkedinUrl") || has("id")) && OF_POSTS.iter().any(|key| has(key))
}

/// Whether an item has its text under another key than this actor's posts, so that it has another
/// shape.
pub(super) fn says_elsewhere(item: &Value) -> bool {
    match &item["content"] {
        Value::Null | Value::String(_) => {
            let has_words = |key: &str| text(&item[key]).is_some();
            text(&item["content"]).is_none() && WORDS_ELSEWHERE.iter().any(|key| has_words(key))
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// The target of an item, as named in its query.
pub(super) fn target(item: &Value) -> Option<TargetKey> {
    let query = &item["query"];
    TARGETS
        .iter()
        .find_map(|(key, kind)| text_or_number(&query[key]).map(|text| TargetKey::of(&text, *kind)))
}

/// The post in an item; `None` without an id and a URL.
pub(super) fn post(item: &Value) -> Option<Post> {
    let named = [&item["id"], &item["entityId"], &item["shareUrn"], &item["shareLinkedinUrl"]];
    let named: Vec<String> = named.into_iter().filter_map(text_or_number).collect();
    let url = text(&item["linkedinUrl"]).filter(|url| PostUrl::may_name_a_post(url));
    let url = match (url, named.first()) {
        (Some(url), _) => url.to_owned(),
        (None, Some(id)) => {
            // The id may be a whole URN.
            let number = PostUrl::ids_in(id).into_iter().next();
            let id = number.as_ref().unwrap_or(id);
            format!("https://www.linkedin.com/feed/update/urn:li:activity:{id}")
        }
        (None, None) => return None,
    };
    let kind = if says_anything(&item["repostedBy"]) {
        PostKind::Repost
    } else if says_anything(&item["repostId"]) || says_anything(&item["repost"]) {
        PostKind::Quote
    } else {
        PostKind::Original
    };
    let engagement = |of: &str| count(&item["engagement"][of]);
    Some(Post {
        url: PostUrl(clean(&url)),
        content: owned(&item["content"]),
        quoted: quoted(item),
        posted_at: date(&item["repostedAt"])
            .or_else(|| date(&item["postedAt"]))
            .unwrap_or_default(),
        author_url: owned(&item["author"]["linkedinUrl"]),
        author: owned(&item["author"]["name"]),
        kind,
        likes: engagement("likes"),
        comments: engagement("comments"),
        reposts: engagement("shares"),
        image_url: owned(&item["postImages"][0]["url"]),
        ids: named.iter().flat_map(|name| PostUrl::ids_in(name)).collect(),
    })
}

/// Whether there is anything in a value. Some versions send `""`, 0, or an object of nulls for none.
fn says_anything(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(says_anything),
        Value::Array(items) => items.iter().any(says_anything),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(_) => text(value).is_some(),
        Value::Null | Value::Bool(_) => false,
    }
}

/// The text in a post that is not its author's: the quoted post's, and that of attachments.
fn quoted(item: &Value) -> String {
    let repost = passed_on(item, "repost", &["content", "article", "document"]);
    let parts = [
        ("Quoted post", words(repost, &["content"])),
        ("Article", words(&item["article"], &["title", "subtitle", "description"])),
        ("Document", words(&item["document"], &["title"])),
        ("Newsletter", words(item, &["newsletterTitle"])),
        ("Poll", words(&item["poll"], &["question"])),
        ("Event", words(&item["event"], &["title", "description"])),
        ("Job", words(&item["job"], &["title", "description"])),
        ("Article of the quoted post", words(&repost["article"], &["title", "subtitle"])),
        ("Document of the quoted post", words(&repost["document"], &["title"])),
    ];
    joined(parts)
}

/// The post that `item` quotes under `key`. If that post has no content under the keys `says` and
/// only shares another post, the result is that other post.
pub(super) fn passed_on<'a>(item: &'a Value, key: &str, says: &[&str]) -> &'a Value {
    let mut post = &item[key];
    let is_silent = |post: &Value| {
        says.iter().all(|name| text(&post[name]).is_none() && !post[name].is_object())
    };
    while is_silent(post) && post[key].is_object() {
        post = &post[key];
    }
    post
}

/// The strings under some keys of `of`.
pub(super) fn words(of: &Value, keys: &[&str]) -> String {
    let found: Vec<&str> = keys.iter().filter_map(|key| text(&of[key])).collect();
    found.join(" – ")
}

/// Quoted texts, one line each, with a label. Each is limited in length.
pub(super) fn joined<const N: usize>(parts: [(&str, String); N]) -> String {
    let parts = parts.into_iter().filter(|(_, words)| !words.is_empty());
    let lines = parts.map(|(what, words)| format!("{what}: {}", cut(&clean(&words), QUOTED_MAX)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn post_with(extra: &Value) -> Post {
        let mut item = json!({"type": "post", "id": "7329207003942125568",
            "linkedinUrl": "https://www.linkedin.com/posts/x", "content": "Hello"});
        item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        post(&item).unwrap()
    }

    #[test]
    fn kinds_are_told_apart_in_the_actors_order() {
        let kind = |extra: Value| post_with(&extra).kind;
        assert_eq!(kind(json!({})), PostKind::Original);
        assert_eq!(kind(json!({"repostId": null})), PostKind::Original);
        assert_eq!(kind(json!({"repostId": "7"})), PostKind::Quote);
        assert_eq!(kind(json!({"repost": {"id": "7"}})), PostKind::Quote);
        for by in [json!({"name": "Jane"}), json!("Jane")] {
            assert_eq!(kind(json!({"repostId": "7", "repostedBy": by})), PostKind::Repost);
        }
        for id in [json!(7), json!("7")] {
            assert_eq!(kind(json!({"repostId": id})), PostKind::Quote);
        }
        assert_eq!(kind(json!({"repostedBy": [{"name": "Jane"}]})), PostKind::Repost);
        let zeros = json!({"name": null, "linkedinUrl": "", "likes": 0, "images": [""]});
        for none in [json!(""), json!({}), zeros, json!(false), json!(0), json!([])] {
            let nobody = json!({"repostedBy": none, "repost": none, "repostId": none});
            assert_eq!(kind(nobody), PostKind::Original, "{none}");
        }
    }

    #[test]
    fn characters_that_no_queue_carries_are_replaced() {
        let odd = post_with(&json!({"content": "a\u{ffff}b\u{1}c"}));
        assert_eq!(odd.content, "a\u{fffd}b\u{1}c");
    }

    #[test]
    fn words_are_found_behind_posts_that_only_pass_on_others() {
        let inner = json!({"content": "We launched.", "repost": {"content": "Older."}});
        let twice = post_with(&json!({"content": "", "repost": {"content": "", "repost": inner}}));
        assert_eq!(twice.quoted, "Quoted post: We launched.");
        let attached = json!({"article": {"title": "A title"}, "repost": inner});
        let article = post_with(&json!({"content": "", "repost": attached}));
        assert_eq!(article.quoted, "Article of the quoted post: A title");
    }

    #[test]
    fn an_id_that_is_a_whole_urn_makes_a_url_that_leads_to_the_post() {
        let id = "urn:li:activity:7329207003942125568";
        let post = super::post(&json!({"type": "post", "id": id})).unwrap();
        assert_eq!(post.url.as_str(), format!("https://www.linkedin.com/feed/update/{id}"));
        let shared = json!({"type": "post", "shareUrn": "urn:li:share:7329207003942125568"});
        assert!(super::post(&shared).unwrap().url.as_str().ends_with("7329207003942125568"));
    }

    #[test]
    fn missing_parts_of_a_post_are_empty() {
        let post = post(&json!({"type": "post", "id": 7_331_111_111_111_111_111_u64})).unwrap();
        assert_eq!(
            post.url.as_str(),
            "https://www.linkedin.com/feed/update/urn:li:activity:7331111111111111111"
        );
        assert_eq!((post.content.as_str(), post.posted_at.as_str(), post.likes), ("", "", 0));
        assert_eq!(post.quoted, "");
    }

    #[test]
    fn words_of_others_are_kept_apart_from_the_leads_own() {
        let share = post_with(&json!({
            "repost": {"content": "Twenty lessons", "document": {"title": "Slides"}},
            "article": {"title": "Pricing", "subtitle": null, "description": "Long essay"},
            "document": {"title": "x".repeat(4_000)},
        }));
        assert_eq!(share.content, "Hello");
        let lines: Vec<&str> = share.quoted.lines().collect();
        assert_eq!(lines[..2], ["Quoted post: Twenty lessons", "Article: Pricing – Long essay"]);
        assert_eq!(lines[2].chars().count(), "Document: …".chars().count() + QUOTED_MAX);
        assert_eq!(lines[3], "Document of the quoted post: Slides");
    }
}
