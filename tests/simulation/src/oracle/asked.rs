//! The subjects of a model call.

use super::json::{list, parsed, text};

/// The subjects of a call, by the ids that its answer uses.
pub(crate) struct Asked {
    /// The word that only this post has.
    pub(crate) posts: Vec<(String, String)>,
    /// The lead's slug.
    pub(crate) profiles: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn read(body: &[u8]) -> Self {
        let body = parsed(body);
        let user = parsed(text(&body, "/contents/0/parts/0/text"));
        let posts = list(&user, "/leads").flat_map(|lead| list(lead, "/posts"));
        let posts = posts.filter_map(|post| {
            Some((text(post, "/post_id").to_owned(), word_in(text(post, "/content"))?))
        });
        let profiles = list(&user, "/profiles").filter_map(|profile| {
            Some((text(profile, "/profile_id").to_owned(), slug_in(&profile.to_string())?))
        });
        Self { posts: posts.collect(), profiles: profiles.collect() }
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.posts.iter().map(|(_, word)| word.clone()).collect()
    }

    pub(crate) fn slugs(&self) -> Vec<String> {
        self.profiles.iter().map(|(_, slug)| slug.clone()).collect()
    }
}

/// The slug of the lead whose profile this text is.
fn slug_in(text: &str) -> Option<String> {
    let rest = &text[text.find(" p.")? + 3..];
    Some(rest[..rest.find('.')?].to_owned())
}

/// The unique word of the post with this text.
fn word_in(text: &str) -> Option<String> {
    let word = &text[text.find("w.")?..];
    let (slug, number) = word[2..].split_once('.')?;
    let number = number.find('.')?;
    Some(word[..2 + slug.len() + 1 + number + 1].to_owned())
}
