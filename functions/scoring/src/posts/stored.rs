//! The cell `Posts Content`: what is in it, and what a harvest adds.
//!
//! Earlier systems left three formats: a JSON array, damaged JSON, and blocks of plain text. All are
//! read; what cannot be read is never overwritten.

use super::post::StoredPost;
use super::{mend, plain_text};
use serde_json::{Map, Value};
use shared::core::ids::PostKey;
use shared::core::json;
use shared::messages::Post;

/// Most UTF-16 units of a text cell (Airtable's limit).
pub(crate) const CELL_MAX: usize = 100_000;

/// The cell's text has none of the known formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Posts Content is neither JSON, nor JSON that can be mended without loss, nor blocks of text with URLs"
)]
pub(crate) struct Unreadable;

#[derive(Debug, PartialEq)]
pub(crate) struct Merged {
    pub(crate) posts: Vec<StoredPost>,
    pub(crate) added: usize,
    /// New ones that the cell has no room for.
    pub(crate) without_room: usize,
}

/// Reads the cell. An empty one holds no posts.
pub(crate) fn read_posts(cell: &str) -> Result<Vec<StoredPost>, Unreadable> {
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
        .map(|item| {
            let Value::Object(fields) = item else { return None };
            let post = StoredPost(fields);
            (!post.text("postUrl").trim().is_empty()).then_some(post)
        })
        .collect()
}

/// Merges harvested posts (newest first) into those that are stored, by post URL.
pub(crate) fn merge_posts(stored: Vec<StoredPost>, harvested: &[Post]) -> Merged {
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
    let known = if stored_len(&updated) <= CELL_MAX { updated } else { stored };
    let new = added.len();
    // Stored posts stay; the oldest of the new ones are left out.
    while !added.is_empty() && stored_len(added.iter().chain(&known)) > CELL_MAX {
        added.pop();
    }
    let kept = added.len();
    let posts = added.into_iter().chain(known).collect();
    Merged { posts, added: kept, without_room: new - kept }
}

pub(crate) fn write_posts(posts: &[StoredPost]) -> String {
    let posts: Vec<&Map<String, Value>> = posts.iter().map(|post| &post.0).collect();
    json::text(&posts)
}

/// Length of the cell's text in UTF-16 units: the posts, the commas between them, the brackets.
pub(crate) fn stored_len<'a>(posts: impl IntoIterator<Item = &'a StoredPost>) -> usize {
    let with_comma = posts.into_iter().map(|post| cell_len(&json::text(&post.0)) + 1);
    with_comma.sum::<usize>() + 1
}

/// Length of a text as Airtable counts it: in UTF-16 units.
pub(crate) fn cell_len(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::post;

    fn urls(posts: &[StoredPost]) -> Vec<String> {
        posts.iter().map(|post| post.url().0).collect()
    }

    #[test]
    fn all_three_formats_are_read() {
        let array = r#"[{"postUrl":"https://l/1","postContent":"one"}]"#;
        let damaged = "[{\"postUrl\":\"https://l/1\",\"postContent\":\"one\n\",}";
        let plain =
            "Date: 2024-01-01\nURL: https://l/1\nAuthorURL: https://l/in/jane\nContent: one\n";
        for cell in [array, damaged, plain] {
            let posts = read_posts(cell).unwrap();
            assert_eq!(
                (urls(&posts), posts[0].content()),
                (vec!["https://l/1".to_owned()], "one"),
                "{cell}"
            );
        }
        assert_eq!(read_posts("  "), Ok(Vec::new()));
        assert_eq!(read_posts("[]"), Ok(Vec::new()));
    }

    #[test]
    fn an_unknown_format_is_not_read() {
        for cell in [
            "just prose",
            "{\"a\":1}",
            "[1,2]",
            r#"[{"postContent":"no url"}]"#,
            r#"[{“postUrl”:“https://l/1”}]"#,
        ] {
            assert_eq!(read_posts(cell), Err(Unreadable), "{cell}");
        }
    }

    #[test]
    fn merging_adds_each_post_once_and_keeps_what_it_does_not_know() {
        let stored = read_posts(r#"[{"postUrl":"https://www.linkedin.com/posts/a/","postContent":"old","socialContent":{"x":1}}]"#).unwrap();
        let harvested = [
            post("https://linkedin.com/posts/b", "new"),
            post("http://linkedin.com/posts/A?utm=1", "edited"),
        ];
        let merged = merge_posts(stored, &harvested);
        assert_eq!((merged.added, merged.posts.len()), (1, 2));
        assert_eq!(merged.posts[0].content(), "new");
        assert_eq!(merged.posts[1].content(), "edited");
        assert!(write_posts(&merged.posts).contains("socialContent"));
        let again = merge_posts(read_posts(&write_posts(&merged.posts)).unwrap(), &harvested);
        assert_eq!((again.added, write_posts(&again.posts)), (0, write_posts(&merged.posts)));
    }

    #[test]
    fn a_newer_harvest_never_empties_what_is_stored() {
        let stored = merge_posts(Vec::new(), &[post("u", "words")]).posts;
        assert_eq!(merge_posts(stored, &[post("u", "")]).posts[0].content(), "words");
    }

    #[test]
    fn the_oldest_new_posts_give_way_when_the_cell_is_full() {
        let stored = merge_posts(Vec::new(), &[post("kept", &"k".repeat(60_000))]).posts;
        let new = [post("newest", &"n".repeat(20_000)), post("older", &"o".repeat(30_000))];
        let merged = merge_posts(stored, &new);
        assert_eq!(urls(&merged.posts), ["newest", "kept"]);
        assert_eq!((merged.added, merged.without_room), (1, 1));
        assert!(cell_len(&write_posts(&merged.posts)) <= CELL_MAX);
    }

    #[test]
    fn the_length_of_a_cell_is_known_without_its_text() {
        let posts = merge_posts(Vec::new(), &[post("a", "one 😀 \"two\""), post("b", "é\n")]).posts;
        for posts in [&posts[..], &posts[..1]] {
            assert_eq!(stored_len(posts), cell_len(&write_posts(posts)));
        }
    }
}
