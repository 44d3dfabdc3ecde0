//! Which person a URL names.
//!
//! External rules: LinkedIn's own redirects. `/comm`, `/mwlite` and `/m` may precede the same
//! paths. `/pub/<name>/<a>/<b>/<c>` leads to `/in/<name>-<c><b><a>`, with `b` and `c` padded with
//! zeros to three characters. The ids of Sales Navigator, of Recruiter and of `/profile/view?id=`
//! can replace the `<id>` in `/in/<id>`.

use super::pasted::{Pasted, plain, trimmed};
use crate::core::digest::short_id_of;
use crate::core::ids::LeadKey;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::form_urlencoded;

/// Path prefixes that lead to the same page.
const PREFIXES: [&str; 4] = ["comm", "mwlite", "m", "mobile"];
/// The parameters that name the page to open after the login.
const LED_AWAY: [&str; 2] = ["sessionredirect=", "session_redirect="];
/// The first letters of the ids that LinkedIn itself gives to profiles.
const IDS: [&str; 2] = ["acoaa", "acwaa"];
/// The start of a second URL in the same text, up to that URL's first `/`.
const SECOND_URL: [&str; 4] = ["https:", "http:", "www.linkedin.com", "linkedin.com"];
/// The kinds of URNs that name a profile by LinkedIn's id.
const URNS: [&str; 3] = ["fsd_profile", "fs_profile", "fs_miniprofile"];
/// Punctuation that may follow a URL in a sentence.
const PUNCTUATION: [char; 8] = ['.', ',', ';', ':', ')', '>', '"', '\''];

/// A profile, however its URL was written: the `<id>` of `/in/<id>`, percent-decoded, in lower case
/// and in composed letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileKey(String);

impl ProfileKey {
    /// The key of a profile's URL; `None` for anything else, such as a company's URL.
    pub fn of(url: &str) -> Option<Self> {
        let pasted = Pasted::read(url);
        if !pasted.is_linkedin() {
            return None;
        }
        let path: Vec<&str> = pasted.path.iter().map(String::as_str).collect();
        let prefixes = path.iter().take_while(|part| PREFIXES.contains(part)).count();
        match &path[prefixes..] {
            ["in", id, ..] => Self::of_id(id),
            ["pub", "dir", ..] => None,
            ["pub", name, a, b, c, ..] if [a, b, c].into_iter().all(|part| is_part(part)) => {
                Self::of_id(&format!("{name}-{c:0>3}{b:0>3}{a}"))
            }
            ["profile", "view", ..] => {
                let mut parameters = form_urlencoded::parse(pasted.query.as_bytes());
                let (_, id) = parameters.find(|(name, _)| name == "id")?;
                Self::of_token(&id)
            }
            // LinkedIn sends people who are not logged in to these pages, and they copy that URL.
            ["authwall" | "login" | "signup" | "uas" | "checkpoint", ..] => {
                let (_, target) = LED_AWAY.iter().find_map(|name| pasted.query.split_once(name))?;
                Self::of(target)
            }
            ["sales", "lead" | "people", id, ..] | ["talent", "profile", id, ..] => {
                Self::of_token(id)
            }
            _ => None,
        }
    }

    /// The key of a string that names a profile, not necessarily by its URL: a bare identifier
    /// (`jane-doe`, `ACoAA…`), the end of a URL (`in/jane-doe`), or a URN of a profile.
    pub fn of_identifier(text: &str) -> Option<Self> {
        let text = trimmed(text);
        let text = text.strip_prefix('@').unwrap_or(text);
        if let Some(key) = Self::of(text).or_else(|| Self::of(&format!("linkedin.com/{text}"))) {
            return Some(key);
        }
        let id = plain(text);
        let id = match id.strip_prefix("urn:li:") {
            Some(urn) => URNS.iter().find_map(|kind| urn.strip_prefix(kind)?.strip_prefix(':'))?,
            None => &id,
        };
        let is_id = |c: char| !c.is_whitespace() && !matches!(c, '/' | ':' | '?' | '#' | '@' | '&');
        (id.chars().all(is_id) && !id.ends_with("linkedin.com")).then(|| Self::of_id(id))?
    }

    /// The `<id>` of `/in/<id>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an id that LinkedIn assigned. Such an id does not contain the name in the
    /// profile's URL.
    pub fn is_token(&self) -> bool {
        IDS.iter().any(|start| self.0.starts_with(start))
    }

    /// The lead's key in events.
    pub fn lead_key(&self) -> LeadKey {
        short_id_of(&["lead", &self.0]).try_into().expect("a short id has the form of a lead key")
    }

    /// The parts of the `/pub/<name>/<a>/<b>/<c>` that leads to this profile; `None` for most
    /// profiles.
    pub fn old_parts(&self) -> Option<[&str; 4]> {
        let (name, end) = self.0.rsplit_once('-')?;
        let is_end = end.is_ascii() && (7..=9).contains(&end.len()) && is_alphanumeric(end);
        (is_end && !name.is_empty()).then(|| [name, &end[6..], &end[3..6], &end[..3]])
    }

    fn of_id(id: &str) -> Option<Self> {
        // An id never contains `&`: what follows are parameters whose `?` was lost.
        let id = id.split('&').next().unwrap_or_default();
        // If the text contains two URLs, the first one counts.
        let of_first = SECOND_URL.iter().find_map(|begin| id.strip_suffix(begin));
        let is_apart = |id: &&str| !id.ends_with(char::is_alphanumeric);
        let id = of_first.filter(is_apart).unwrap_or(id);
        let id = trimmed(trimmed(id).trim_end_matches(PUNCTUATION));
        let is_token = Self(id.to_owned()).is_token();
        let id = if is_token { id.split(',').next().unwrap_or_default() } else { id };
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The key of an id that stands alone or before a comma. A number names a member too, but it
    /// does not work under `/in/`.
    fn of_token(id: &str) -> Option<Self> {
        let id = id.split(',').next().unwrap_or_default();
        let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { None } else { Self::of_id(id) }
    }
}

/// Whether `part` can be one of the last three parts of a `/pub/` URL.
fn is_part(part: &str) -> bool {
    (1..=3).contains(&part.len()) && is_alphanumeric(part)
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/in/{}", self.0)
    }
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
            "https://www.linkedin.com/in/jose\u{301}-garci\u{301}a",
            "https://www.linkedin.com/in/jose%CC%81-garci%CC%81a",
            "https://www.linkedin.com/in/jos%25C3%25A9-garc%25C3%25ADa",
            "https://www.linkedin.com/comm/in/josé-garcía",
            "https://www.linkedin.com/comm/mwlite/in/josé-garcía?trk=x",
            "https://www.linkedin.com//in//josé-garcía//",
            "https://es.linkedin.com/in/josé-garcía/en",
            "https://www.linkedin.com/in/josé-garcía/overlay/contact-info/",
            "https://www.linkedin.com/in/josé-garcía%20",
            "\u{feff}https://www.linkedin.com/in/josé-garcía\u{200b}",
            "//www.linkedin.com/in/josé-garcía",
            "https:/www.linkedin.com/in/josé-garcía",
            "https%3A%2F%2Fwww.linkedin.com%2Fin%2Fjos%C3%A9-garc%C3%ADa%3Ftrk%3Dx",
            "(https://www.linkedin.com/in/josé-garcía).".trim_start_matches('('),
            "https://www.linkedin.com:443/in/josé-garcía",
            "https://www.linkedin.com/in/josé-garcía&trk=people-guest",
            "https://www.linkedin.com/authwall?trk=gf&sessionRedirect=https%3A%2F%2Fes.linkedin.com%2Fin%2Fjos%25C3%25A9-garc%25C3%25ADa%3Ftrk%3Dx",
            "https://www.linkedin.com/login?session_redirect=https://www.linkedin.com/in/josé-garcía/",
            "[José](https://www.linkedin.com/in/josé-garcía)",
            "<https://www.linkedin.com/in/josé-garcía>",
        ] {
            assert_eq!(ProfileKey::of(spelling).as_ref(), Some(&key), "{spelling}");
        }
    }

    #[test]
    fn the_urls_that_linkedin_leads_to_one_person_have_one_key() {
        for (pasted, key) in [
            ("https://www.linkedin.com/pub/cara-dunn/12/345/678", "cara-dunn-67834512"),
            ("https://www.linkedin.com/pub/cara-dunn/1a/34/5b/de", "cara-dunn-05b0341a"),
            ("https://www.linkedin.com/sales/lead/ACwAAAX1yzBbb,NAME_SEARCH,k9Qd", "acwaaax1yzbbb"),
            ("https://www.linkedin.com/sales/people/ACwAAAX1yzBbb,NAME_SEARCH", "acwaaax1yzbbb"),
            ("https://www.linkedin.com/in/ACwAAAX1yzBbb,NAME_SEARCH,k9Qd", "acwaaax1yzbbb"),
            ("https://www.linkedin.com/profile/view?trk=x&id=ACoAAAX1yzC", "acoaaax1yzc"),
            ("https://www.linkedin.com/in/%F0%9F%9A%80-ivy-jones-1a2b3c", "🚀-ivy-jones-1a2b3c"),
            ("linkedin.com/in/lena.mor_1", "lena.mor_1"),
        ] {
            assert_eq!(ProfileKey::of(pasted).unwrap().as_str(), key, "{pasted}");
        }
        let old = ProfileKey::of("linkedin.com/in/cara-dunn-05b0341a").unwrap();
        assert_eq!(old.old_parts(), Some(["cara-dunn", "1a", "034", "05b"]));
        assert_eq!(ProfileKey::of("linkedin.com/in/cara-dunn").unwrap().old_parts(), None);
    }

    #[test]
    fn what_is_no_profile_has_no_key() {
        for other in [
            "https://www.linkedin.com/company/acme/posts",
            "https://www.linkedin.com/in/",
            "https://www.linkedin.com/in/%20",
            "https://www.linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfJ",
            "https://www.linkedin.com/pub/dir/Cara/Dunn/1/2/3",
            "https://www.linkedin.com/pub/cara-dunn",
            "https://www.linkedin.com/profile/view?id=12345678",
            "https://www.linkedin.com/profile/view?trk=x",
            "https://example.com/in/janedoe",
            "https://notlinkedin.com/in/janedoe",
            "janedoe",
            "",
        ] {
            assert_eq!(ProfileKey::of(other), None, "{other}");
        }
    }

    #[test]
    fn names_that_differ_in_bytes_that_are_no_text_stay_apart() {
        let key = |url: &str| ProfileKey::of(url).unwrap();
        assert_ne!(key("linkedin.com/in/jos%E9"), key("linkedin.com/in/jos%E8"));
    }

    #[test]
    fn an_identifier_names_a_profile_as_its_url_does() {
        let key = |text: &str| ProfileKey::of_identifier(text).map(|key| key.0);
        for jane in [
            "jane-doe",
            " Jane-Doe ",
            "@jane-doe",
            "in/jane-doe",
            "/in/jane-doe/",
            "linkedin.com/in/jane-doe",
        ] {
            assert_eq!(key(jane).as_deref(), Some("jane-doe"), "{jane}");
        }
        assert_eq!(key("ACoAAAX1yzC").as_deref(), Some("acoaaax1yzc"));
        assert_eq!(key("urn:li:fsd_profile:ACoAAAX1yzC").as_deref(), Some("acoaaax1yzc"));
        for other in
            ["", "urn:li:company:1", "company/acme", "jane doe", "a@b.c", "www.linkedin.com"]
        {
            assert_eq!(key(other), None, "{other}");
        }
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
