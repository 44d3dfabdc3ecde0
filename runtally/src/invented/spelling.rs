//! The ways to write the URL of one profile.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const SLUG: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Ways to write the URL of one profile; `{…}` is its slug.
const SPELLINGS: [&str; 7] = [
    // As LinkedIn writes it: percent-encoded, with a slash at the end.
    "https://www.linkedin.com/in/{encoded}/",
    // As people type it: another scheme, capitals, a query.
    "http://LinkedIn.com/in/{capitalised}?x=1",
    "https://www.linkedin.com/in/{encoded}",
    // With a country's subdomain and not percent-encoded.
    "https://de.linkedin.com/in/{plain}",
    // The page of the profile's activity, percent-encoded in lower case.
    "https://www.linkedin.com/in/{lower}/recent-activity/all/",
    "linkedin.com/in/{plain}",
    // The slug in capitals, percent-encoded, with a fragment.
    "https://www.linkedin.com/in/{shouted}#about",
];

/// The URL in the `n`th row. Every spelling is used in turn.
pub(super) fn in_row(n: usize, slug: &str) -> String {
    spelled(n, slug)
}

/// The URL of the `n`th target, always in another spelling than in the `n`th row.
pub(super) fn target(n: usize, slug: &str) -> String {
    spelled(of_target(n), slug)
}

/// The URL in a third spelling, unlike the `n`th row and the `n`th target.
pub(super) fn second_target(n: usize, slug: &str) -> String {
    let taken = [n, of_target(n)].map(|spelling| spelling % SPELLINGS.len());
    spelled((0..).find(|spelling| !taken.contains(spelling)).unwrap_or_default(), slug)
}

fn of_target(n: usize) -> usize {
    n + 1 + n / SPELLINGS.len() % 5
}

fn spelled(spelling: usize, slug: &str) -> String {
    let encoded = encoded(slug);
    let lower: String = encoded
        .split('%')
        .enumerate()
        .map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => format!("%{}{}", part[..2].to_ascii_lowercase(), &part[2..]),
        })
        .collect();
    let shouted: String = slug.chars().map(upper).collect();
    SPELLINGS[spelling % SPELLINGS.len()]
        .replace("{plain}", slug)
        .replace("{capitalised}", &capitalised(&encoded))
        .replace("{lower}", &lower)
        .replace("{shouted}", &self::encoded(&shouted))
        .replace("{encoded}", &encoded)
}

pub(super) fn encoded(slug: &str) -> String {
    utf8_percent_encode(slug, SLUG).to_string()
}

fn capitalised(slug: &str) -> String {
    let mut at_start = true;
    let letter = |letter: char| {
        let capital = at_start;
        at_start = letter == '-';
        if capital { letter.to_ascii_uppercase() } else { letter }
    };
    slug.chars().map(letter).collect()
}

/// The capital of a letter, if it is a single character. `ß` becomes two.
fn upper(letter: char) -> char {
    let mut capital = letter.to_uppercase();
    match (capital.next(), capital.next()) {
        (Some(capital), None) => capital,
        (Some(_) | None, _) => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::core::linkedin::ProfileKey;

    #[test]
    fn every_spelling_names_the_same_profile_and_no_two_are_the_same() {
        for slug in
            ["jürgen-voß-1a2b3c4", "風見-花子-0000001", "josé-fernwhistle-99abcde", "max-oak-1"]
        {
            let urls = [0, 1, 2, 3, 4, 5, 6].map(|spelling| spelled(spelling, slug));
            for url in &urls {
                let key = ProfileKey::of(url);
                assert_eq!(key.as_ref().map(ProfileKey::as_str), Some(slug), "{url}");
            }
            let distinct: std::collections::BTreeSet<&String> = urls.iter().collect();
            assert_eq!(distinct.len(), urls.len());
        }
    }

    #[test]
    fn a_row_and_its_targets_are_spelled_differently() {
        for n in 0..100 {
            let urls = [in_row(n, "max"), target(n, "max"), second_target(n, "max")];
            assert!(urls[0] != urls[1] && !urls[..2].contains(&urls[2]), "{urls:?}");
        }
    }

    #[test]
    fn urls_are_written_as_people_write_them() {
        assert_eq!(spelled(1, "josé-oak-1a"), "http://LinkedIn.com/in/Jos%C3%A9-Oak-1a?x=1");
        assert_eq!(
            spelled(4, "josé-oak"),
            "https://www.linkedin.com/in/jos%c3%a9-oak/recent-activity/all/"
        );
    }
}
