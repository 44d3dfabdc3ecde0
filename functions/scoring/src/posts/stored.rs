//! The cell `Posts Content`: what it contains, and what a harvest adds.
//!
//! Earlier systems left three formats: a JSON array, damaged JSON, and blocks of plain text. All of
//! them are read. A cell that cannot be read is never overwritten.

use super::post::StoredPost;
use super::{mend, plain_text};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::core::ids::PostKey;
use shared::core::json;
use shared::core::text::trim_invisible;
use shared::core::unicode::mend_json;
use shared::messages::Post;
use std::collections::BTreeSet;

/// Most UTF-16 units of a text cell (Airtable's limit).
pub(crate) const CELL_MAX: usize = 100_000;

/// The cell's text does not match any known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Posts Content is neither JSON, nor JSON that can be mended without loss, nor blocks of text with URLs"
)]
pub(crate) struct Unreadable;

/// The content of a cell.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Stored {
    /// The posts that have a URL.
    pub(crate) posts: Vec<StoredPost>,
    /// Entries that do not show which post they are. They are kept unchanged.
    pub(crate) others: Vec<Value>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Merged {
    pub(crate) stored: Stored,
    /// Number of new posts with text to judge, and of stored ones that had none before.
    pub(crate) added: usize,
    /// New posts that do not fit in the cell.
    pub(crate) without_room: Vec<PostKey>,
}

/// Reads the cell. An empty cell contains no posts.
pub(crate) fn read_posts(cell: &str) -> Result<Stored, Unreadable> {
    // Files of tables begin with a byte order mark.
    let cell = trim_invisible(cell);
    if cell.is_empty() {
        return Ok(Stored::default());
    }
    if let Some(posts) = from_json(cell) {
        return Ok(posts);
    }
    let mended = mend::mend(cell).and_then(|mended| from_json(&mended));
    mended.or_else(|| plain_text::read(cell).and_then(Stored::of)).ok_or(Unreadable)
}

/// Posts from a JSON array. An entry that is not a post does not affect the others, and a cut emoji
/// costs only one character. An earlier system may have written the array as a JSON string.
fn from_json(text: &str) -> Option<Stored> {
    let written = whole_json(text)?;
    let value = written.as_str().and_then(whole_json).unwrap_or(written);
    if value.is_null() {
        // Nothing can be lost here.
        return Some(Stored::default());
    }
    if let Value::Array(items) = value { Stored::of(items) } else { None }
}

fn whole_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&mend_json(text.as_bytes()))).ok()
}

impl Stored {
    /// Separates entries into posts and others; `None` if there are entries but no posts.
    fn of(entries: Vec<Value>) -> Option<Self> {
        let mut stored = Self::default();
        for entry in entries {
            match StoredPost::of(entry) {
                Ok(post) => stored.posts.push(post),
                Err(other) => stored.others.push(other),
            }
        }
        (!stored.posts.is_empty() || stored.others.is_empty()).then_some(stored)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.others.is_empty()
    }

    /// The posts with something to judge, without duplicates: an earlier system may have stored a
    /// post under two of its URLs.
    pub(crate) fn to_judge(&self) -> Vec<StoredPost> {
        let mut known = BTreeSet::new();
        let worded = self.posts.iter().filter(|post| post.has_words());
        worded.filter(|post| known.insert(post.url().key())).cloned().collect()
    }

    /// The cell's text.
    pub(crate) fn to_text(&self) -> String {
        let posts = self.posts.iter().map(|post| Entry::Post(&post.0));
        let entries: Vec<Entry<'_>> = posts.chain(self.others.iter().map(Entry::Other)).collect();
        json::text(&entries)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Post(&'a Map<String, Value>),
    Other(&'a Value),
}

/// Merges harvested posts (newest first) with the stored posts. All ids of a post are compared.
pub(crate) fn merge_posts(stored: Stored, harvested: &[Post]) -> Merged {
    let Stored { posts: stored, others } = stored;
    let keys: Vec<PostKey> = stored.iter().map(|post| post.url().key()).collect();
    let mut updated = stored.clone();
    let mut added: Vec<StoredPost> = Vec::new();
    for post in harvested {
        let (of_post, newer): (Vec<PostKey>, _) = (post.keys().collect(), StoredPost::from(post));
        match keys.iter().position(|known| of_post.contains(known)) {
            Some(at) => updated[at].update(&newer),
            None => added.push(newer),
        }
    }
    let room =
        CELL_MAX.saturating_sub(others.iter().map(|other| cell_len(&json::text(other)) + 1).sum());
    let known = if stored_len(&updated) <= room { &updated } else { &stored };
    let gained = stored.iter().zip(known).filter(|(was, is)| !was.has_words() && is.has_words());
    let gained = gained.count();
    let mut without_room = Vec::new();
    // Stored posts are kept; the oldest of the new ones are left out.
    while stored_len(added.iter().chain(known)) > room
        && let Some(oldest) = added.pop()
    {
        without_room.push(oldest.url().key());
    }
    let added_worded = added.iter().filter(|post| post.has_words()).count();
    let posts = added.into_iter().chain(known.iter().cloned()).collect();
    Merged { stored: Stored { posts, others }, added: added_worded + gained, without_room }
}

/// Length of the cell's text in UTF-16 units: the posts, the commas between them, and the brackets.
pub(crate) fn stored_len<'a>(posts: impl IntoIterator<Item = &'a StoredPost>) -> usize {
    let with_comma = posts.into_iter().map(|post| cell_len(&json::text(&post.0)) + 1);
    with_comma.sum::<usize>() + 1
}

/// Length of a string in UTF-16 units, as Airtable counts.
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
            let posts = read_posts(cell).unwrap().posts;
            assert_eq!(
                (urls(&posts), posts[0].content()),
                (vec!["https://l/1".to_owned()], "one"),
                "{cell}"
            );
            assert_eq!(read_posts(&format!("\u{feff}{cell}\u{200b}")).unwrap().posts, posts);
        }
        let twice = serde_json::to_string(array).unwrap();
        let cut = r#"[{"postUrl":"https://l/1","postContent":"one \ud83d"}]"#;
        assert_eq!(urls(&read_posts(&twice).unwrap().posts), ["https://l/1"]);
        assert_eq!(read_posts(cut).unwrap().posts[0].content(), "one \u{fffd}");
        assert_eq!(read_posts("null"), Ok(Stored::default()));
        assert_eq!(read_posts("  "), Ok(Stored::default()));
        assert_eq!(read_posts("[]"), Ok(Stored::default()));
    }

    #[test]
    fn one_entry_that_is_no_post_costs_the_others_nothing_and_is_kept() {
        let cell = r#"[{"postUrl":null,"postContent":"no link"},{"postUrl":"https://l/1","postContent":"one"},null,"x"]"#;
        let stored = read_posts(cell).unwrap();
        assert_eq!((urls(&stored.posts), stored.others.len()), (vec!["https://l/1".to_owned()], 3));
        let merged = merge_posts(stored, &[post("https://l/2", "two")]).stored;
        let again = read_posts(&merged.to_text()).unwrap();
        assert_eq!((again.posts.len(), again.others.len()), (2, 3));
        assert!(merged.to_text().contains("no link"));
        let plain = "Date: 2024-01-01\nContent: lost\n---\nURL: https://l/1\nContent: one";
        let stored = read_posts(plain).unwrap();
        assert_eq!((stored.posts.len(), stored.others.len()), (1, 1));
    }

    #[test]
    fn one_post_under_two_urls_is_stored_and_judged_once() {
        const FEED: &str =
            "https://www.linkedin.com/feed/update/urn:li:activity:7300000000000000021/";
        const SLUG: &str = "https://www.linkedin.com/posts/m_x-activity-7300000000000000021-ab";
        let stored = merge_posts(Stored::default(), &[post(FEED, "words")]).stored;
        let merged = merge_posts(stored, &[post(SLUG, "edited")]);
        assert_eq!((merged.added, merged.stored.posts.len()), (0, 1));
        let share =
            Post { ids: vec!["7300000000000000021".to_owned()], ..post("https://l/share", "x") };
        assert_eq!(merge_posts(merged.stored, &[share]).added, 0, "known by another of its ids");
        let twice = format!(
            r#"[{{"postUrl":"{FEED}","postContent":"a"}},{{"postUrl":"{SLUG}","postContent":"a"}}]"#
        );
        let twice = read_posts(&twice).unwrap();
        assert_eq!((twice.posts.len(), twice.to_judge().len()), (2, 1));
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
        assert_eq!((merged.added, merged.stored.posts.len()), (1, 2));
        assert_eq!(merged.stored.posts[0].content(), "new");
        assert_eq!(merged.stored.posts[1].content(), "edited");
        assert!(merged.stored.to_text().contains("socialContent"));
        let again = merge_posts(read_posts(&merged.stored.to_text()).unwrap(), &harvested);
        assert_eq!((again.added, again.stored.to_text()), (0, merged.stored.to_text()));
    }

    #[test]
    fn words_that_a_stored_post_did_not_have_are_new() {
        let stored = || merge_posts(Stored::default(), &[post("u", "")]).stored;
        let merged = merge_posts(stored(), &[post("u", "words")]);
        assert_eq!((merged.added, merged.stored.posts[0].content()), (1, "words"));
        assert_eq!(merge_posts(merged.stored, &[post("u", "other words")]).added, 0);
        let too_long = "x".repeat(CELL_MAX);
        assert_eq!(merge_posts(stored(), &[post("u", &too_long)]).added, 0, "it is not stored");
    }

    #[test]
    fn a_newer_harvest_never_empties_what_is_stored() {
        let stored = merge_posts(Stored::default(), &[post("u", "words")]).stored;
        assert_eq!(merge_posts(stored, &[post("u", "")]).stored.posts[0].content(), "words");
    }

    #[test]
    fn the_oldest_new_posts_give_way_when_the_cell_is_full() {
        let stored = merge_posts(Stored::default(), &[post("kept", &"k".repeat(60_000))]).stored;
        let new = [post("newest", &"n".repeat(20_000)), post("older", &"o".repeat(30_000))];
        let merged = merge_posts(stored, &new);
        assert_eq!(urls(&merged.stored.posts), ["newest", "kept"]);
        assert_eq!((merged.added, merged.without_room), (1, vec![new[1].key()]));
        assert!(cell_len(&merged.stored.to_text()) <= CELL_MAX);
    }

    #[test]
    fn the_length_of_a_cell_is_known_without_its_text() {
        let posts =
            merge_posts(Stored::default(), &[post("a", "one 😀 \"two\""), post("b", "é\n")]).stored;
        assert_eq!(stored_len(&posts.posts), cell_len(&posts.to_text()));
    }
}
