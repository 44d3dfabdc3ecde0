//! Items of the actor apimaestro/linkedin-profile-posts.
//!
//! External rules: items seen from that actor. It reads one profile per run (`username`), so its
//! items do not repeat the target. An old format packs the posts of a page into one item.

use super::harvestapi::{joined, passed_on, words};
use super::text::{clean, count, date, owned, text, text_or_number};
use serde_json::Value;
use shared::core::linkedin::PostUrl;
use shared::messages::{Post, PostKind};

/// The posts packed in one item; `None` for any other item.
pub(super) fn packed(item: &Value) -> Option<&[Value]> {
    item["data"]["posts"].as_array().map(Vec::as_slice)
}

pub(super) fn is_post(item: &Value) -> bool {
    let has = |key: &str| !item[key].is_null();
    let is_named = has("urn") || has("full_urn") || has("url");
    is_named && item["author"].is_object() && (has("posted_at") || has("post_type"))
}

/// The post in an item; `None` without an id and a URL.
pub(super) fn post(item: &Value) -> Option<Post> {
    let urn = &item["urn"];
    let named =
        [&urn["activity_urn"], &urn["ugcPost_urn"], &urn["share_urn"], urn, &item["full_urn"]];
    let mut named = named.into_iter().filter_map(text_or_number);
    let mut ids: Vec<String> = named.by_ref().flat_map(|name| PostUrl::ids_in(&name)).collect();
    ids.dedup();
    let url = text(&item["url"]).filter(|url| PostUrl::may_name_a_post(url));
    let url = match (url, ids.first()) {
        (Some(url), _) => url.to_owned(),
        (None, Some(id)) => format!("https://www.linkedin.com/feed/update/urn:li:activity:{id}"),
        (None, None) => return None,
    };
    let author = &item["author"];
    let is_quote = item["reshared_post"].is_object();
    let stats = |of: &[&str]| {
        let counts = of.iter().map(|key| count(&item["stats"][key]));
        counts.max().unwrap_or(0)
    };
    let media =
        [&item["media"]["url"], &item["media"]["images"][0]["url"], &item["media"]["images"][0]];
    Some(Post {
        url: PostUrl(clean(&url)),
        content: owned(&item["text"]),
        quoted: quoted(item),
        posted_at: date(&item["posted_at"]).unwrap_or_default(),
        author_url: owned(&author["profile_url"]),
        author: clean(&words(author, &["first_name", "last_name"]).replace(" – ", " ")),
        kind: if is_quote { PostKind::Quote } else { PostKind::Original },
        likes: stats(&["total_reactions", "like"]),
        comments: stats(&["comments", "comments_count"]),
        reposts: stats(&["reposts"]),
        image_url: clean(media.into_iter().find_map(text).unwrap_or_default()),
        ids,
    })
}

fn quoted(item: &Value) -> String {
    let reshared = passed_on(item, "reshared_post", &["text", "article", "document"]);
    joined([
        ("Quoted post", words(reshared, &["text"])),
        ("Article", words(&item["article"], &["title", "subtitle"])),
        ("Document", words(&item["document"], &["title"])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_is_read_as_the_post_it_is() {
        let item = json!({
            "urn": {"activity_urn": "7300000000000000031", "share_urn": null},
            "full_urn": "urn:li:activity:7300000000000000031",
            "posted_at": {"date": "2026-11-20 10:39:56", "timestamp": 1_795_171_196_000_i64},
            "text": "We opened our second office", "post_type": "quote",
            "url": "https://www.linkedin.com/posts/mira_x-activity-7300000000000000031-ab?rcm=A",
            "author": {"first_name": "Mira", "last_name": "Tolland", "profile_url": "https://l/in/mira"},
            "stats": {"total_reactions": 5, "comments": 1, "reposts": 2},
            "reshared_post": {"text": "Somebody's words"},
        });
        assert!(is_post(&item));
        let post = post(&item).unwrap();
        assert_eq!(post.author, "Mira Tolland");
        assert_eq!(post.posted_at, "2026-11-20T10:39:56.000Z");
        assert_eq!((post.likes, post.comments, post.reposts), (5, 1, 2));
        assert_eq!(
            (post.kind, post.quoted.as_str()),
            (PostKind::Quote, "Quoted post: Somebody's words")
        );
        assert_eq!(post.ids, ["7300000000000000031"]);
    }

    #[test]
    fn a_post_of_the_oldest_form_is_named_by_its_urn() {
        let item = json!({"urn": "urn:li:activity:7300000000000000031", "text": "x", "author": {},
            "post_type": "regular"});
        let url = post(&item).unwrap().url;
        assert_eq!(url.activity_id().as_deref(), Some("7300000000000000031"));
    }
}
