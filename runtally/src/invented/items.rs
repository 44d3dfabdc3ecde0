//! Dataset items in the shape that the actor harvestapi/linkedin-profile-posts gives them.

use super::cases::Link;
use super::people::{Author, Person};
use super::posts::{MOMENT, Post, Role};
use super::random::{letters, pick, rng};
use super::spelling::encoded;
use super::words::WORDS;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The item of a post that was found under `target`.
pub(super) fn post(post: &Post, link: Link, target: &str) -> Value {
    let mut item = bare_post(post);
    match link {
        Link::Plain => {}
        Link::Shared => item["linkedinUrl"] = post.shared_url().into(),
        Link::IdOnly => drop(item.as_object_mut().and_then(|item| item.remove("linkedinUrl"))),
    }
    match &post.role {
        Role::Original => item["header"] = json!({"text": null}),
        Role::Quote(quoted) => {
            item["repostId"] = quoted.id.to_string().into();
            item["repost"] = bare_post(quoted);
        }
        Role::Repost { by, at } => {
            let url = format!("https://www.linkedin.com/in/{}", encoded(&by.slug));
            item["header"] = json!({"text": format!("{} reposted this", by.name)});
            item["repostedBy"] = json!({"name": by.name, "publicIdentifier": by.slug,
                "universalName": null, "linkedinUrl": url});
            item["repostedAt"] = json!({"timestamp": at.as_millisecond(), "date": iso(*at)});
        }
    }
    item["query"] = query(target);
    item
}

/// Comments and reactions below a post: they are separate items, but not posts.
pub(super) fn below(post: &Post, seed: u64) -> Vec<Value> {
    let mut items = Vec::new();
    for n in 0..2 {
        let rng = &mut rng(&[post.id, n]);
        let who = actor(&Person::invent(seed, u64::from(u32::MAX) + rng.u64(..10_007)));
        let id = (post.id + 7 + n).to_string();
        let at = post.posted_at + jiff::SignedDuration::from_mins(9);
        items.push(json!({
            "type": "comment", "id": id, "linkedinUrl": format!("{}?commentUrn={id}", post.url()),
            "commentary": pick(rng, &WORDS.remarks), "createdAt": iso(at),
            "createdAtTimestamp": at.as_millisecond(), "pinned": false, "contributed": false,
            "edited": false, "engagement": {"likes": n, "comments": 0, "shares": 0, "reactions": []},
            "actor": who, "postId": post.id.to_string(), "query": {"post": post.url()},
        }));
        items.push(json!({
            "type": "reaction", "id": format!("urn:li:fsd_reaction:{id}"), "reactionType": "LIKE",
            "actor": who, "postId": post.id.to_string(), "query": {"post": post.url()},
        }));
    }
    items
}

pub(super) fn error(target: &str) -> Value {
    let message = "The profile could not be read, try again later";
    json!({"type": "error", "error": message, "query": query(target)})
}

fn bare_post(post: &Post) -> Value {
    let mut item = json!({
        "type": "post", "id": post.id.to_string(), "linkedinUrl": post.url(),
        "contentAttributes": [], "author": author(&post.author),
        "postedAt": posted_at(post.posted_at), "postImages": images(post), "article": null,
        "entityId": post.id.to_string(), "engagement": engagement(post), "reactions": [],
        "comments": [],
    });
    // A post without text has an empty text, `null`, or no such key.
    match (post.has_words(), post.id % 3) {
        (true, _) | (false, 0) => item["content"] = post.text.as_str().into(),
        (false, 1) => item["content"] = Value::Null,
        (false, _) => {}
    }
    if post.id.is_multiple_of(5) {
        item["socialContent"] = json!({"hideShareAction": false, "shareUrl": post.shared_url()});
    }
    item
}

fn author(author: &Author) -> Value {
    if author.is_company {
        return json!({
            "type": "company", "name": author.name, "universalName": author.slug,
            "publicIdentifier": null, "linkedinUrl": author.url(), "info": author.info,
        });
    }
    let rng =
        &mut rng(&[author.slug.bytes().fold(0, |sum, byte| sum * 31 % 999_983 + u64::from(byte))]);
    let id = format!("ACoAA{}", letters(rng, 8));
    json!({
        "type": "profile", "id": id, "name": author.name, "publicIdentifier": author.slug,
        "universalName": null, "info": author.info, "website": null, "websiteLabel": null,
        "linkedinUrl": format!("{}?miniProfileUrn=urn%3Ali%3Afsd_profile%3A{id}", author.url()),
    })
}

fn actor(person: &Person) -> Value {
    json!({
        "id": person.slug, "type": "profile", "name": person.name(), "position": person.headline(),
        "linkedinUrl": person.author().url(), "author": false,
    })
}

fn posted_at(at: Timestamp) -> Value {
    let days = (MOMENT.as_second() - at.as_second()) / 86_400;
    let (short, long) = match days {
        0..=6 => (format!("{days}d"), format!("{days} days ago")),
        7..=29 => (format!("{}w", days / 7), format!("{} weeks ago", days / 7)),
        _ => (format!("{}mo", days / 30), format!("{} months ago", days / 30)),
    };
    json!({
        "timestamp": at.as_millisecond(), "date": iso(at), "postedAgoShort": short,
        "postedAgoText": format!("{long} • Visible to anyone on or off LinkedIn"),
    })
}

fn images(post: &Post) -> Value {
    if !post.has_picture {
        return json!([]);
    }
    let url = format!("https://media.licdn.com/dms/image/{}", post.id);
    json!([{"url": url, "width": 1200, "height": 800}])
}

fn engagement(post: &Post) -> Value {
    let praise = post.likes / 7;
    json!({
        "likes": post.likes, "comments": post.likes / 9, "shares": post.likes / 40,
        "reactions": [
            {"type": "LIKE", "count": post.likes - praise}, {"type": "PRAISE", "count": praise},
        ],
    })
}

fn query(target: &str) -> Value {
    json!({"targetUrl": target, "sortBy": "date", "page": "1"})
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
