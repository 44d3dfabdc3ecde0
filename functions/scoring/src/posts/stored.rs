//! The cell `Posts Content`: what is in it, and what a harvest adds.
//!
//! Earlier systems left three forms: a JSON array, damaged JSON, and blocks of plain text. All are
//! read; what cannot be read is never overwritten.

use super::{mend, plain_text};
use serde_json::{Map, Value, json};
use shared::core::ids::PostKey;
use shared::core::json;
use shared::core::linkedin::{PostUrl, ProfileKey};
use shared::messages::{Post, PostKind};

/// Most UTF-16 units of a text cell (Airtable's limit).
pub(crate) const CELL_MAX: usize = 100_000;

/// A post as the cell holds it. Keys this system does not know are kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredPost(pub(super) Map<String, Value>);

/// The cell's text is in none of the known forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Posts Content is neither JSON, nor JSON that can be mended without loss, nor blocks of text with URLs"
)]
pub(crate) struct Unreadable;

/// What a harvest changed about a lead's posts.
#[derive(Debug, PartialEq)]
pub(crate) struct Merged {
    /// All posts, those that are new first.
    pub(crate) posts: Vec<StoredPost>,
    /// How many are new.
    pub(crate) added: usize,
    /// New ones that the cell had no room for, oldest first.
    pub(crate) without_room: usize,
}

impl StoredPost {
    pub(crate) fn url(&self) -> PostUrl {
        PostUrl(self.text("postUrl").to_owned())
    }

    pub(crate) fn content(&self) -> &str {
        self.text("postContent").trim()
    }

    pub(crate) fn posted_at(&self) -> &str {
        self.text("postedAt")
    }

    pub(crate) fn author(&self) -> &str {
        self.text("author")
    }

    pub(crate) fn author_url(&self) -> &str {
        let author = self.text("authorUrl");
        if author.is_empty() { self.meta("authorUrl") } else { author }
    }

    /// Whether the words are somebody else's: its action says so and its author is not the lead,
    /// or author and lead are both known and differ.
    pub(crate) fn is_repost_for(&self, lead: Option<&ProfileKey>) -> bool {
        match (lead, ProfileKey::of(self.author_url())) {
            (Some(lead), Some(author)) => *lead != author,
            _ => [self.text("action"), self.meta("action"), self.meta("originLabel")]
                .iter()
                .any(|action| action.to_lowercase().contains("repost")),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn meta(&self, key: &str) -> &str {
        self.0.get("pbMeta").and_then(|meta| meta[key].as_str()).unwrap_or_default()
    }

    /// Takes over what a harvest says of the same post, as far as it says something.
    fn update(&mut self, newer: &Self) {
        for (key, value) in &newer.0 {
            if !matches!(value, Value::Null) && *value != json!("") {
                self.0.insert(key.clone(), value.clone());
            }
        }
    }
}

impl From<&Post> for StoredPost {
    fn from(post: &Post) -> Self {
        let action = match post.kind {
            PostKind::Original => "original",
            PostKind::Quote => "quote",
            PostKind::Repost => "repost",
        };
        let origin = match post.kind {
            PostKind::Original => "ORIGINAL".to_owned(),
            PostKind::Quote => "QUOTE".to_owned(),
            PostKind::Repost => format!("REPOST - ORIGINAL AUTHOR: {}", post.author_url),
        };
        let fields = [
            ("postUrl", json!(post.url)),
            ("postContent", json!(post.content)),
            ("postedAt", json!(post.posted_at)),
            ("authorUrl", json!(post.author_url)),
            ("author", json!(post.author)),
            ("action", json!(action)),
            ("likeCount", json!(post.likes)),
            ("commentCount", json!(post.comments)),
            ("repostCount", json!(post.reposts)),
            ("imgUrl", json!(post.image_url)),
            (
                "pbMeta",
                json!({"authorUrl": post.author_url, "authorName": post.author,
                    "action": action, "originLabel": origin}),
            ),
        ];
        Self(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

/// Reads the cell. An empty one holds no posts.
pub(crate) fn read(cell: &str) -> Result<Vec<StoredPost>, Unreadable> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(posts) = from_json(cell) {
        return Ok(posts);
    }
    let mended = mend::mend(cell).and_then(|mended| from_json(&mended));
    mended.or_else(|| plain_text::read(cell)).ok_or(Unreadable)
}

/// Posts from a JSON array of objects, each with a URL.
fn from_json(text: &str) -> Option<Vec<StoredPost>> {
    let Value::Array(items) = serde_json::from_str(text).ok()? else { return None };
    items
        .into_iter()
        .map(|item| match item {
            Value::Object(fields) => {
                let post = StoredPost(fields);
                (!post.text("postUrl").trim().is_empty()).then_some(post)
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        })
        .collect()
}

/// Merges harvested posts (newest first) into those that are stored, by post URL.
pub(crate) fn merge(stored: Vec<StoredPost>, harvested: &[Post]) -> Merged {
    let keys: Vec<PostKey> = stored.iter().map(|post| post.url().key()).collect();
    let mut updated = stored.clone();
    let mut added: Vec<StoredPost> = Vec::new();
    for post in harvested {
        let (key, newer) = (post.key(), StoredPost::from(post));
        match keys.iter().position(|known| *known == key) {
            Some(at) => updated[at].update(&newer),
            None => added.push(newer),
        }
    }
    let known = if length(&updated) <= CELL_MAX { updated } else { stored };
    let new = added.len();
    // What is stored stays; of what is new the oldest gives way.
    while !added.is_empty() && length(added.iter().chain(&known)) > CELL_MAX {
        added.pop();
    }
    let kept = added.len();
    let posts = added.into_iter().chain(known).collect();
    Merged { posts, added: kept, without_room: new - kept }
}

/// The cell's text.
pub(crate) fn write(posts: &[StoredPost]) -> String {
    let posts: Vec<&Map<String, Value>> = posts.iter().map(|post| &post.0).collect();
    json::text(&posts)
}

/// Length of the cell's text: every post, the commas between them and the brackets around.
pub(crate) fn length<'a>(posts: impl IntoIterator<Item = &'a StoredPost>) -> usize {
    let with_comma = posts.into_iter().map(|post| cell_len(&json::text(&post.0)) + 1);
    with_comma.sum::<usize>() + 1
}

/// Length as Airtable counts it.
pub(crate) fn cell_len(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(url: &str, content: &str) -> Post {
        Post {
            url: PostUrl(url.to_owned()),
            content: content.to_owned(),
            posted_at: "2026-11-23T09:45:19.821Z".to_owned(),
            author_url: "https://www.linkedin.com/in/janedoe".to_owned(),
            author: "Jane Doe".to_owned(),
            kind: PostKind::Original,
            likes: 3,
            comments: 0,
            reposts: 0,
            image_url: String::new(),
        }
    }

    fn urls(posts: &[StoredPost]) -> Vec<String> {
        posts.iter().map(|post| post.url().0).collect()
    }

    #[test]
    fn all_three_forms_are_read() {
        let array = r#"[{"postUrl":"https://l/1","postContent":"one"}]"#;
        let damaged = "[{\"postUrl\":\"https://l/1\",\"postContent\":\"one\n\",}";
        let plain =
            "Date: 2024-01-01\nURL: https://l/1\nAuthorURL: https://l/in/jane\nContent: one\n";
        for cell in [array, damaged, plain] {
            let posts = read(cell).unwrap();
            assert_eq!(
                (urls(&posts), posts[0].content()),
                (vec!["https://l/1".to_owned()], "one"),
                "{cell}"
            );
        }
        assert_eq!(read("  "), Ok(Vec::new()));
        assert_eq!(read("[]"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_in_no_known_form_is_not_read() {
        for cell in [
            "just prose",
            "{\"a\":1}",
            "[1,2]",
            r#"[{"postContent":"no url"}]"#,
            r#"[{“postUrl”:“https://l/1”}]"#,
        ] {
            assert_eq!(read(cell), Err(Unreadable), "{cell}");
        }
    }

    #[test]
    fn merging_adds_each_post_once_and_keeps_what_it_does_not_know() {
        let stored = read(r#"[{"postUrl":"https://www.linkedin.com/posts/a/","postContent":"old","socialContent":{"x":1}}]"#).unwrap();
        let harvested = [
            post("https://linkedin.com/posts/b", "new"),
            post("http://linkedin.com/posts/A?utm=1", "edited"),
        ];
        let merged = merge(stored, &harvested);
        assert_eq!((merged.added, merged.posts.len()), (1, 2));
        assert_eq!(merged.posts[0].content(), "new");
        assert_eq!(merged.posts[1].content(), "edited");
        assert!(write(&merged.posts).contains("socialContent"));
        let again = merge(read(&write(&merged.posts)).unwrap(), &harvested);
        assert_eq!((again.added, write(&again.posts)), (0, write(&merged.posts)));
    }

    #[test]
    fn a_newer_harvest_never_empties_what_is_stored() {
        let stored = merge(Vec::new(), &[post("u", "words")]).posts;
        assert_eq!(merge(stored, &[post("u", "")]).posts[0].content(), "words");
    }

    #[test]
    fn the_oldest_new_posts_give_way_when_the_cell_is_full() {
        let stored = merge(Vec::new(), &[post("kept", &"k".repeat(60_000))]).posts;
        let new = [post("newest", &"n".repeat(20_000)), post("older", &"o".repeat(30_000))];
        let merged = merge(stored, &new);
        assert_eq!(urls(&merged.posts), ["newest", "kept"]);
        assert_eq!((merged.added, merged.without_room), (1, 1));
        assert!(cell_len(&write(&merged.posts)) <= CELL_MAX);
    }

    #[test]
    fn the_length_of_a_cell_is_known_without_its_text() {
        let posts = merge(Vec::new(), &[post("a", "one 😀 \"two\""), post("b", "é\n")]).posts;
        for posts in [&posts[..], &posts[..1]] {
            assert_eq!(length(posts), cell_len(&write(posts)));
        }
    }

    #[test]
    fn a_repost_is_told_by_its_author_or_else_by_its_action() {
        let lead = ProfileKey::of("https://www.linkedin.com/in/janedoe").unwrap();
        let stored = |json: &str| read(json).unwrap().remove(0);
        let own = stored(
            r#"[{"postUrl":"u","authorUrl":"linkedin.com/in/JaneDoe/","action":"apify_ingest repost"}]"#,
        );
        let others =
            stored(r#"[{"postUrl":"u","pbMeta":{"authorUrl":"https://www.linkedin.com/in/max"}}]"#);
        let company = stored(
            r#"[{"postUrl":"u","authorUrl":"https://www.linkedin.com/company/acme","pbMeta":{"originLabel":"REPOST - ORIGINAL AUTHOR: x"}}]"#,
        );
        let unknown = stored(r#"[{"postUrl":"u"}]"#);
        assert!(!own.is_repost_for(Some(&lead)));
        assert!(others.is_repost_for(Some(&lead)));
        assert!(company.is_repost_for(Some(&lead)));
        assert!(!unknown.is_repost_for(Some(&lead)));
    }
}
