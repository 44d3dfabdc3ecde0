//! LinkedIn URLs, which name the same thing in many spellings.

use crate::core::digest::short_id_of;
use crate::core::ids::{LeadKey, PostKey};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A profile, whichever way its URL was written: the `<id>` of `/in/<id>`, percent-decoded and
/// in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileKey(String);

impl ProfileKey {
    /// The key of a profile's URL; `None` for anything that is no `/in/<id>` URL of LinkedIn, a
    /// company's for instance.
    pub fn of(url: &str) -> Option<Self> {
        let url = normalise(url);
        let (host, path) = url.split_once('/')?;
        if host != "linkedin.com" && !host.ends_with(".linkedin.com") {
            return None;
        }
        let id = path.strip_prefix("in/")?.split('/').next()?.trim();
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The `<id>` of `/in/<id>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lead's key in events.
    pub fn lead_key(&self) -> LeadKey {
        short_id_of(&["lead", &self.0]).try_into().expect("a short id has the form of a lead key")
    }
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/in/{}", self.0)
    }
}

/// A post's permalink as it was written. Two are the same post when their [`PostUrl::key`]s are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostUrl(pub String);

impl PostUrl {
    /// The permalink as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The post's key: made from the normalised URL.
    pub fn key(&self) -> PostKey {
        short_id_of(&["post", &normalise(&self.0)])
            .try_into()
            .expect("a short id has the form of a post key")
    }

    /// LinkedIn's activity id: the long number after `activity-` or `activity:`, or between
    /// hyphens in the slug.
    pub fn activity_id(&self) -> Option<String> {
        let url = normalise(&self.0);
        let numbers = || url.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() >= 15);
        let marked = ["activity-", "activity:"].iter().find_map(|marker| {
            let (_, after) = url.rsplit_once(marker)?;
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            (end >= 15).then(|| after[..end].to_owned())
        });
        marked.or_else(|| numbers().next_back().map(str::to_owned))
    }
}

/// Drops what does not tell two LinkedIn URLs apart: scheme, `www.`, query, fragment,
/// `/recent-activity/…`, trailing slashes, percent-encoding and case.
fn normalise(url: &str) -> String {
    let url = url.trim();
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let mut url = percent_decode_str(url).decode_utf8_lossy().to_lowercase();
    url.truncate(url.find("/recent-activity").unwrap_or(url.len()));
    url.truncate(url.trim_end_matches('/').len());
    if url.starts_with("www.") { url.split_off("www.".len()) } else { url }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_profile_has_one_key() {
        let key = ProfileKey::of("https://www.linkedin.com/in/jos%C3%A9-garc%C3%ADa/").unwrap();
        assert_eq!(key.to_string(), "/in/josé-garcía");
        for spelling in [
            "linkedin.com/in/josé-garcía",
            "http://LinkedIn.com/in/JOS%c3%89-GARC%C3%8DA",
            "https://au.linkedin.com/in/josé-garcía?miniProfileUrn=urn%3Ali%3Afsd_profile%3AA",
            "https://www.linkedin.com/in/josé-garcía/recent-activity/all/",
            "  https://www.linkedin.com/in/josé-garcía#about ",
            "https://www.linkedin.com/in/josé-garcía/details/experience/",
        ] {
            assert_eq!(ProfileKey::of(spelling).as_ref(), Some(&key), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_profile_has_no_key() {
        for other in [
            "https://www.linkedin.com/company/acme/posts",
            "https://www.linkedin.com/in/",
            "https://example.com/in/janedoe",
            "https://notlinkedin.com/in/janedoe",
            "janedoe",
            "",
        ] {
            assert_eq!(ProfileKey::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_post_is_the_same_whatever_tracking_its_url_carries() {
        let post = PostUrl(
            "https://www.linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfJ".into(),
        );
        let shared = PostUrl(
            "linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfj/?utm_source=share"
                .into(),
        );
        assert_eq!(post.key(), shared.key());
    }

    #[test]
    fn the_activity_id_is_the_long_number_of_the_url() {
        let id = |url: &str| PostUrl(url.to_owned()).activity_id();
        let expected = Some("7329207003942125568".to_owned());
        assert_eq!(
            id("https://www.linkedin.com/posts/janedoe_topic-activity-7329207003942125568-_gfJ"),
            expected
        );
        assert_eq!(
            id("https://www.linkedin.com/feed/update/urn:li:activity:7329207003942125568/"),
            expected
        );
        assert_eq!(
            id("https://www.linkedin.com/posts/janedoe_topic-7329207003942125568-abcd"),
            expected
        );
        assert_eq!(
            id("https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A7329207003942125568"),
            expected
        );
        assert_eq!(id("https://www.linkedin.com/posts/janedoe_2026-plans"), None);
    }

    proptest! {
        #[test]
        fn any_spelling_of_an_id_finds_the_same_profile(
            id in "[a-zäöüß0-9][a-zäöü0-9-]{0,20}",
            scheme in prop::sample::select(vec!["https://", "http://", ""]),
            host in prop::sample::select(vec!["www.linkedin.com", "linkedin.com", "de.linkedin.com"]),
            tail in prop::sample::select(vec!["", "/", "?a=b", "/recent-activity/all/", "#top", "/?x"]),
            encode in any::<bool>(),
        ) {
            let plain = ProfileKey::of(&format!("linkedin.com/in/{id}"));
            prop_assert!(plain.is_some());
            let written = if encode {
                percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC).to_string()
            } else {
                id
            };
            prop_assert_eq!(ProfileKey::of(&format!("{scheme}{host}/in/{written}{tail}")), plain);
        }
    }
}
