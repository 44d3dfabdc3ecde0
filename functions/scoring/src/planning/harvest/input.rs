//! The targets in an actor's input.

use super::item::keys;
use super::target::{TargetKey, TargetKind};
use super::text::{text, text_or_number};
use serde_json::Value;
use shared::core::json;

/// The lists that harvestapi/linkedin-profile-posts reads. It combines all of them.
const LISTS: [(&str, TargetKind); 11] = [
    ("targetUrls", TargetKind::Person),
    ("profileUrls", TargetKind::Person),
    ("profilePublicIdentifiers", TargetKind::Person),
    ("profileIds", TargetKind::Person),
    ("companyUrls", TargetKind::Company),
    ("companyPublicIdentifiers", TargetKind::Company),
    ("companyIds", TargetKind::Company),
    ("authorsCompanies", TargetKind::Company),
    ("authorsCompanyUrls", TargetKind::Company),
    ("authorsCompanyPublicIdentifiers", TargetKind::Company),
    ("authorsCompanyIds", TargetKind::Company),
];
/// Where other actors and older clients list their targets.
const ELSEWHERE: [&str; 8] = [
    "username",
    "usernames",
    "startUrls",
    "profiles",
    "urls",
    "linkedinUrls",
    "profileUrl",
    "targetUrl",
];

/// One entry of an input's list. The same target can appear several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) key: TargetKey,
    /// The text as written.
    pub(super) text: String,
}

impl Target {
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.key, TargetKey::Unreadable(_))
    }
}

/// The targets in an input, repeated as often as the actor looks them up.
pub(super) fn targets(input: &Value) -> Vec<Target> {
    // Some clients start a run with a string that contains JSON.
    let written = input.as_str().and_then(|text| json::read_mended::<Value>(text.as_bytes()).ok());
    let input = written.as_ref().unwrap_or(input);
    let of_actor: Vec<Target> =
        LISTS.iter().flat_map(|(name, kind)| entries(&input[name], *kind)).collect();
    if of_actor.iter().any(Target::is_readable) {
        return of_actor;
    }
    // An old client sends the same list under several names: the first list with entries counts.
    let known = ELSEWHERE.iter().map(|name| &input[name]);
    let others = input.as_object().into_iter().flat_map(|fields| fields.values());
    let others = others.filter(|value| names_linkedin(value));
    let mut lists = known.chain(others).map(|list| entries(list, TargetKind::Person));
    lists.find(|list| list.iter().any(Target::is_readable)).unwrap_or_default()
}

/// Whether a list with an unknown name contains LinkedIn URLs.
fn names_linkedin(value: &Value) -> bool {
    let entries = value.as_array().into_iter().flatten();
    entries.filter_map(entry_text).any(|text| text.to_lowercase().contains("linkedin.com/"))
}

/// The entries of a list, or of a string that contains the whole list. Lists may be nested.
fn entries(list: &Value, kind: TargetKind) -> Vec<Target> {
    let named = |text: String| Target { key: TargetKey::of(&text, kind), text };
    match list {
        Value::Array(list) => list.iter().flat_map(|entry| entries(entry, kind)).collect(),
        // As PHP writes a list that lacks an entry.
        Value::Object(list) if list.keys().all(|key| key.bytes().all(|b| b.is_ascii_digit())) => {
            list.values().flat_map(|entry| entries(entry, kind)).collect()
        }
        Value::String(text) if urls_in(text).len() > 1 => {
            urls_in(text).into_iter().map(named).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            entry_text(list).map(named).or_else(|| unreadable(list)).into_iter().collect()
        }
    }
}

/// An object of which nobody can tell whom it names.
fn unreadable(entry: &Value) -> Option<Target> {
    let key = TargetKey::Unreadable(keys(entry));
    entry.is_object().then(|| Target { key, text: entry.to_string() })
}

/// The LinkedIn URLs in a text, separated by line breaks, commas, semicolons or spaces.
fn urls_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    words.filter(|word| word.to_lowercase().contains("linkedin.com/")).map(str::to_owned).collect()
}

fn entry_text(entry: &Value) -> Option<String> {
    let within = || {
        ["url", "username", "profileUrl", "publicIdentifier"]
            .iter()
            .find_map(|key| text(&entry[key]))
    };
    let others = entry.as_object().into_iter().flat_map(|fields| fields.values());
    let elsewhere =
        || others.filter_map(text).find(|text| text.to_lowercase().contains("linkedin.com/"));
    text_or_number(entry).or_else(|| within().or_else(elsewhere).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JANE: &str = "https://www.linkedin.com/in/jane";

    fn named(input: &Value) -> Vec<String> {
        targets(input).iter().map(|entry| entry.key.to_string()).collect()
    }

    #[test]
    fn an_input_that_is_written_as_text_and_entries_of_other_keys_are_read() {
        let input =
            json!({"startUrls": [{"link": JANE}, {"LinkedIn": "linkedin.com/in/bob", "n": 1}]});
        assert_eq!(named(&input), ["/in/jane", "/in/bob"]);
        assert_eq!(named(&json!(input.to_string())), ["/in/jane", "/in/bob"]);
        assert_eq!(named(&json!(format!("\u{feff}{input}"))), ["/in/jane", "/in/bob"]);
    }

    #[test]
    fn all_lists_of_the_actor_count_together() {
        let input = json!({"targetUrls": [JANE], "profileUrls": ["linkedin.com/in/bob"],
            "profilePublicIdentifiers": ["cara"], "profileIds": ["ACoAAAX1yzC"],
            "companyUrls": ["https://www.linkedin.com/company/acme"], "companyIds": [1234],
            "maxPosts": 5, "startUrls": [{"url": "https://www.linkedin.com/in/ignored"}]});
        let all = [
            "/in/jane",
            "/in/bob",
            "/in/cara",
            "/in/acoaaax1yzc",
            "https://www.linkedin.com/company/acme",
            "1234",
        ];
        assert_eq!(named(&input), all);
    }

    #[test]
    fn an_entry_counts_however_it_is_packed_and_also_if_nobody_can_read_it() {
        let bob = "linkedin.com/in/bob";
        for list in [
            json!([[JANE], [[bob]]]),
            json!({"0": JANE, "2": {"publicIdentifier": "bob"}}),
            json!([format!("{JANE}, {bob}"), null, "", {}, []]),
        ] {
            assert_eq!(named(&json!({"targetUrls": list})), ["/in/jane", "/in/bob"], "{list}");
        }
        let odd = json!({"targetUrls": [JANE, {"name": "Bob", "age": 7}]});
        assert_eq!(named(&odd), ["/in/jane", "keys age, name"]);
        assert_eq!(named(&json!({"targetUrls": [{"name": "Bob"}]})), Vec::<String>::new());
    }

    #[test]
    fn one_text_may_hold_several_urls() {
        let bob = "linkedin.com/in/bob";
        for between in ["\n", ", ", ",", "; ", " ", "\r\n\r\n"] {
            for name in ["targetUrls", "startUrls", "urls"] {
                let input = json!({(name): format!("{JANE}{between}{bob}")});
                assert_eq!(named(&input), ["/in/jane", "/in/bob"], "{input}");
            }
        }
    }

    #[test]
    fn targets_are_found_where_other_actors_and_older_clients_name_them() {
        for input in [
            json!({"targetUrls": [], "startUrls": [{"url": JANE}]}),
            json!({"profiles": [JANE], "startUrls": [JANE]}),
            json!({"username": "jane", "limit": 10}),
            json!({"username": JANE}),
            json!({"targetUrls": JANE}),
            json!({"peopleToRead": [JANE, null, ""]}),
        ] {
            assert_eq!(named(&input), ["/in/jane"], "{input}");
        }
        assert_eq!(named(&json!({"keywords": ["hiring"], "limit": 3})), Vec::<String>::new());
        assert_eq!(named(&json!("odd")), Vec::<String>::new());
    }
}
