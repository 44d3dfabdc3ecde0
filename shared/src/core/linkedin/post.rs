//! Which post a URL names.

use super::pasted::{Pasted, plain};
use crate::core::digest::short_id_of;
use crate::core::ids::PostKey;
use serde::{Deserialize, Serialize};

/// What comes before the id in a URL, the most reliable first.
const MARKERS: [&str; 6] = ["activity-", "activity:", "ugcpost-", "ugcpost:", "share-", "share:"];
/// Fewest digits in a LinkedIn id.
const ID_DIGITS: usize = 15;

/// A post's permalink as written. Two permalinks with the same [`PostUrl::key`] are the same post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostUrl(pub String);

impl PostUrl {
    /// The permalink as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The post's key: made from its activity id, or from the normalised URL if it has none. An
    /// edited slug, a feed link and a share link of one post therefore all give the same key.
    pub fn key(&self) -> PostKey {
        match self.activity_id() {
            Some(id) => Self::key_of_id(&id),
            None => key(&["post", &self.normalised()]),
        }
    }

    /// The key of the post with this activity id.
    pub fn key_of_id(id: &str) -> PostKey {
        key(&["activity", id])
    }

    /// LinkedIn's activity id: the long number after `activity`, `ugcPost` or `share`, or between
    /// hyphens in the slug.
    pub fn activity_id(&self) -> Option<String> {
        let path = self.normalised();
        marked(&path).or_else(|| long_numbers(&path).next_back()).or_else(|| {
            // A feed that shows one post has the post's id in its query.
            marked(&Pasted::read(&self.0).query)
        })
    }

    /// Whether a URL may lead to a single post. The URL of a profile, a company or the feed leads
    /// to many posts.
    pub fn may_name_a_post(url: &str) -> bool {
        let pasted = Pasted::read(url);
        let begins_with = pasted.path.first().map(String::as_str);
        let is_of_many =
            matches!(begins_with, None | Some("in" | "company" | "school" | "showcase"))
                || pasted.path == ["feed"];
        let has_id = || Self(url.to_owned()).activity_id().is_some();
        !(pasted.is_linkedin() && is_of_many) || has_id()
    }

    /// The ids in any string that names a post: a URL, a URN, or a bare number.
    pub fn ids_in(text: &str) -> Vec<String> {
        long_numbers(&plain(text)).collect()
    }

    fn normalised(&self) -> String {
        let Pasted { host, path, .. } = Pasted::read(&self.0);
        let path = path.iter().take_while(|part| *part != "recent-activity");
        path.fold(host, |url, part| format!("{url}/{part}"))
    }
}

fn key(parts: &[&str]) -> PostKey {
    short_id_of(parts).try_into().expect("a short id has the form of a post key")
}

fn marked(text: &str) -> Option<String> {
    MARKERS.iter().find_map(|marker| {
        let (_, after) = text.rsplit_once(marker)?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        (end >= ID_DIGITS).then(|| after[..end].to_owned())
    })
}

fn long_numbers(text: &str) -> impl DoubleEndedIterator<Item = String> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.filter(|number| number.len() >= ID_DIGITS).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7329207003942125568";

    #[test]
    fn a_post_is_the_same_whichever_of_its_urls_names_it() {
        let key = |url: &str| PostUrl(url.to_owned()).key();
        let post =
            key("https://www.linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfJ");
        for url in [
            "linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfj/?utm_source=share",
            "https://www.linkedin.com/posts/janedoe_edited-slug-activity-7329207003942125568-AbCd",
            "https://www.linkedin.com/posts/janedoe_x-7329207003942125568-abcd",
            "https://www.linkedin.com/posts/janedoe_x-ugcPost-7329207003942125568-abcd",
            "https://www.linkedin.com/posts/janedoe_x-share-7329207003942125568-abcd",
            "https://www.linkedin.com/feed/update/urn:li:activity:7329207003942125568/",
            "https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A7329207003942125568",
            "https://www.linkedin.com/feed/update/urn:li:ugcPost:7329207003942125568",
            "https://www.linkedin.com/feed/update/urn:li:share:7329207003942125568?x=1",
            "https://www.linkedin.com/feed/?highlightedUpdateUrn=urn%3Ali%3Aactivity%3A7329207003942125568",
            "urn:li:activity:7329207003942125568",
        ] {
            assert_eq!(key(url), post, "{url}");
            assert_eq!(PostUrl(url.to_owned()).activity_id().as_deref(), Some(ID), "{url}");
        }
        assert_eq!(PostUrl::key_of_id(ID), post);
    }

    #[test]
    fn a_url_that_leads_to_many_posts_names_none() {
        for url in [
            "https://www.linkedin.com/in/janedoe/",
            "https://www.linkedin.com/in/janedoe/recent-activity/all/",
            "https://www.linkedin.com/company/acme/posts",
            "https://www.linkedin.com/feed/",
            "linkedin.com",
        ] {
            assert!(!PostUrl::may_name_a_post(url), "{url}");
        }
        for url in [
            "https://www.linkedin.com/posts/janedoe_words",
            "https://www.linkedin.com/pulse/words-jane-doe",
            "https://www.linkedin.com/feed/?highlightedUpdateUrn=urn%3Ali%3Aactivity%3A7329207003942125568",
            "https://lnkd.in/abc",
        ] {
            assert!(PostUrl::may_name_a_post(url), "{url}");
        }
    }

    #[test]
    fn a_post_without_an_id_is_known_by_its_url() {
        let post = |url: &str| PostUrl(url.to_owned());
        assert_eq!(post("https://www.linkedin.com/posts/janedoe_2026-plans").activity_id(), None);
        assert_eq!(
            post("https://linkedin.com/posts/a/").key(),
            post("linkedin.com/posts/A?x").key()
        );
        assert_ne!(post("https://linkedin.com/posts/a").key(), post("linkedin.com/posts/b").key());
    }

    #[test]
    fn the_number_behind_its_marker_counts_before_other_long_numbers() {
        let url = "https://l/posts/call-070123456789012345-activity-7329207003942125568-ab";
        assert_eq!(PostUrl(url.to_owned()).activity_id().as_deref(), Some(ID));
    }
}
