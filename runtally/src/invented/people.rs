//! Invented people and companies.

use super::random::{pick, rng};
use super::spelling::encoded;
use super::words::WORDS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// The `<id>` of `/in/<id>`, in lower case and not percent-encoded. It is unique.
    pub(super) slug: String,
    pub(super) role: &'static str,
    pub(super) company: &'static str,
}

impl Person {
    /// The `number`th person of the world that `seed` makes.
    pub(super) fn invent(seed: u64, number: u64) -> Self {
        let rng = &mut rng(&[seed, number, 1]);
        let (first, last) = (pick(rng, &WORDS.first_names), pick(rng, &WORDS.last_names));
        // The factor is odd, so the first 2^28 numbers give distinct suffixes.
        let suffix = (number + 1).wrapping_mul(0x9e3_779b1) & 0xfff_ffff;
        let slug = format!("{first}-{last}-{suffix:07x}").replace(' ', "-").to_lowercase();
        Self {
            first,
            last,
            slug,
            role: pick(rng, &WORDS.roles),
            company: pick(rng, &WORDS.companies),
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    pub(super) fn headline(&self) -> String {
        format!("{} at {}", self.role, self.company)
    }

    pub(super) fn author(&self) -> Author {
        Author {
            name: self.name(),
            slug: self.slug.clone(),
            info: self.headline(),
            is_company: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) info: String,
    pub(super) is_company: bool,
}

impl Author {
    pub(super) fn company(number: u64) -> Self {
        let companies = &WORDS.companies;
        let name = companies[(number % companies.len() as u64) as usize];
        let slug = name.to_lowercase().replace(" & ", "-and-").replace(' ', "-");
        let info = format!("{},{:03} followers", 3 + number % 90, number * 37 % 1_000);
        Self { name: name.to_owned(), slug, info, is_company: true }
    }

    /// The URL of the page, as dataset items and stored posts have it.
    pub(super) fn url(&self) -> String {
        let slug = encoded(&self.slug);
        if self.is_company {
            format!("https://www.linkedin.com/company/{slug}/posts")
        } else {
            format!("https://www.linkedin.com/in/{slug}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_people_have_the_same_slug() {
        let slugs: HashSet<String> = (0..5_000).map(|n| Person::invent(3, n).slug).collect();
        assert_eq!(slugs.len(), 5_000);
    }
}
