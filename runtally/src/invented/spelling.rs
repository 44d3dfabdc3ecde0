//! The ways in which the URL of one profile is written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const SLUG: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A way to write a profile's URL. All of them name the same profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As LinkedIn writes it, percent-encoded, with a slash at the end.
    Canonical,
    /// The same without the slash.
    NoSlash,
    /// As people type it: another scheme, capitals, a query.
    Capitals,
    /// With a country's subdomain and not percent-encoded.
    Country,
    /// The page of the profile's activity, percent-encoded in lower case.
    Activity,
    /// Without a scheme.
    Bare,
    /// The slug in capitals, percent-encoded, with a fragment.
    Shouted,
}

impl Spelling {
    const ALL: [Self; 7] = [
        Self::Canonical,
        Self::Capitals,
        Self::NoSlash,
        Self::Country,
        Self::Activity,
        Self::Bare,
        Self::Shouted,
    ];

    /// The spelling of the `n`th row: every one has its turn.
    pub(super) fn of_row(n: usize) -> Self {
        Self::ALL[n % Self::ALL.len()]
    }

    /// The spelling of the `n`th target, never that of the `n`th row.
    pub(super) fn of_target(n: usize) -> Self {
        Self::ALL[(n + 1 + n / Self::ALL.len() % 5) % Self::ALL.len()]
    }

    /// A spelling that neither the `n`th row nor the `n`th target has.
    pub(super) fn of_second_target(n: usize) -> Self {
        let taken = [Self::of_row(n), Self::of_target(n)];
        Self::ALL.into_iter().find(|one| !taken.contains(one)).unwrap_or(Self::Canonical)
    }

    pub(super) fn url(self, slug: &str) -> String {
        let encoded = encoded(slug);
        match self {
            Self::Canonical => format!("https://www.linkedin.com/in/{encoded}/"),
            Self::NoSlash => format!("https://www.linkedin.com/in/{encoded}"),
            Self::Capitals => format!("http://LinkedIn.com/in/{}?x=1", capitalised(&encoded)),
            Self::Country => format!("https://de.linkedin.com/in/{slug}"),
            Self::Activity => {
                let encoded = encoded.split('%').enumerate().map(|(at, part)| match at {
                    0 => part.to_owned(),
                    _ => format!("%{}{}", part[..2].to_ascii_lowercase(), &part[2..]),
                });
                let encoded: String = encoded.collect();
                format!("https://www.linkedin.com/in/{encoded}/recent-activity/all/")
            }
            Self::Bare => format!("linkedin.com/in/{slug}"),
            Self::Shouted => {
                let shouted: String = slug.chars().map(upper).collect();
                format!("https://www.linkedin.com/in/{}#about", self::encoded(&shouted))
            }
        }
    }
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

/// The capital of a letter that has one of its own; `ß` has two.
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
            let urls = Spelling::ALL.map(|spelling| spelling.url(slug));
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
            let (row, target) = (Spelling::of_row(n), Spelling::of_target(n));
            assert_ne!(row, target, "{n}");
            assert!(![row, target].contains(&Spelling::of_second_target(n)), "{n}");
        }
    }

    #[test]
    fn urls_are_written_as_people_write_them() {
        assert_eq!(
            Spelling::Capitals.url("josé-oak-1a"),
            "http://LinkedIn.com/in/Jos%C3%A9-Oak-1a?x=1"
        );
        assert_eq!(
            Spelling::Activity.url("josé-oak"),
            "https://www.linkedin.com/in/jos%c3%a9-oak/recent-activity/all/"
        );
    }
}
