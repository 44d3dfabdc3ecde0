//! Invented posts.

use super::people::Author;
use super::random::{letters, pick, rng};
use super::spelling::encoded;
use super::texts;
use super::words::WORDS;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

/// The moment to which all dates of an invented world refer.
pub(super) const MOMENT: Timestamp = Timestamp::constant(1_795_132_800, 0);
/// Most posts that one person's pen writes.
const POSTS_PER_PERSON: u64 = 32;
/// The bits of an activity id below the time, as in LinkedIn's ids.
const SERIAL_BITS: u32 = 22;
const DAY_MINUTES: i64 = 24 * 60;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Post {
    /// LinkedIn's activity id: 19 digits. It is unique.
    pub(super) id: u64,
    pub(super) author: Author,
    pub(super) topic: &'static str,
    /// Empty for a picture without text.
    pub(super) text: String,
    pub(super) posted_at: Timestamp,
    pub(super) role: Role,
    pub(super) has_picture: bool,
    pub(super) likes: u32,
}

/// The role of a post in the feed where it was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    /// Text of the feed's owner.
    Original,
    /// Text of the feed's owner about this post.
    Quote(Box<Post>),
    /// The author's post, reposted by the feed's owner at that moment.
    Repost { by: Author, at: Timestamp },
}

/// How old a post is, in days before [`MOMENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// From the last four weeks: found by a harvest.
    New,
    /// Older than seven weeks: stored by earlier systems.
    Old,
}

impl Post {
    pub(super) fn url(&self) -> String {
        let tail = letters(&mut rng(&[self.id]), 4);
        let (slug, topic, id) = (encoded(&self.author.slug), self.topic, self.id);
        format!("https://www.linkedin.com/posts/{slug}_{topic}-activity-{id}-{tail}")
    }

    /// The permalink with the additions of LinkedIn's share button.
    pub(super) fn shared_url(&self) -> String {
        format!("{}?utm_source=share&utm_medium=member_desktop", self.url())
    }

    pub(super) fn has_words(&self) -> bool {
        !self.text.is_empty()
    }
}

pub(super) struct Pen {
    pub(super) rng: Rng,
    owner: Author,
    serial: u64,
}

impl Pen {
    /// The pen of the `number`th person, or company, of the world that `seed` makes.
    pub(super) fn new(seed: u64, number: u64, owner: Author) -> Self {
        Self { rng: rng(&[seed, number, 2]), owner, serial: number * POSTS_PER_PERSON }
    }

    pub(super) fn original(&mut self, age: Age) -> Post {
        let topic = pick(&mut self.rng, &WORDS.topics);
        let text = texts::text(&mut self.rng, topic);
        let owner = self.owner.clone();
        self.post(owner, topic, text, age)
    }

    /// The owner's own text, with `marker` in it.
    pub(super) fn marked(&mut self, marker: &str) -> Post {
        let mut post = self.original(Age::New);
        post.text.push('\n');
        post.text.push_str(marker);
        post
    }

    pub(super) fn picture(&mut self) -> Post {
        let mut post = self.original(Age::New);
        post.text.clear();
        post.has_picture = true;
        post
    }

    /// The owner's text about another person's post.
    pub(super) fn quote(&mut self, of: Author) -> Post {
        let quoted = self.by(of);
        let mut post = self.original(Age::New);
        post.role = Role::Quote(Box::new(quoted));
        post
    }

    /// Another person's post, reposted without a comment.
    pub(super) fn repost(&mut self, of: Author) -> Post {
        let post = self.by(of);
        self.pass_on(post)
    }

    /// The same post, reposted by the owner.
    pub(super) fn pass_on(&mut self, mut post: Post) -> Post {
        let at = post.posted_at + SignedDuration::from_mins(self.rng.i64(30..2 * DAY_MINUTES));
        post.role = Role::Repost { by: self.owner.clone(), at: at.min(MOMENT) };
        post
    }

    fn by(&mut self, author: Author) -> Post {
        let topic = pick(&mut self.rng, &WORDS.topics);
        let text = texts::text(&mut self.rng, topic);
        self.post(author, topic, text, Age::New)
    }

    fn post(&mut self, author: Author, topic: &'static str, text: String, age: Age) -> Post {
        let minutes = match age {
            Age::New => self.rng.i64(60..28 * DAY_MINUTES),
            Age::Old => self.rng.i64(50 * DAY_MINUTES..300 * DAY_MINUTES),
        };
        let millis = self.rng.i64(0..60_000);
        let posted_at =
            MOMENT - SignedDuration::from_mins(minutes) + SignedDuration::from_millis(millis);
        let serial = self.serial & ((1 << SERIAL_BITS) - 1);
        self.serial += 1;
        let id = posted_at.as_millisecond().unsigned_abs() << SERIAL_BITS | serial;
        let (has_picture, likes) = (self.rng.u8(..4) == 0, self.rng.u32(..400));
        Post { id, author, topic, text, posted_at, role: Role::Original, has_picture, likes }
    }
}

#[cfg(test)]
mod tests {
    use super::super::people::Person;
    use super::*;
    use shared::core::linkedin::PostUrl;
    use std::collections::HashSet;

    #[test]
    fn activity_ids_have_19_digits_and_stand_in_the_permalink() {
        let mut ids = HashSet::new();
        for number in 0..500 {
            let mut pen = Pen::new(7, number, Person::invent(7, number).author());
            for post in [pen.original(Age::New), pen.original(Age::Old), pen.picture()] {
                assert_eq!(post.id.to_string().len(), 19);
                assert_eq!(PostUrl(post.url()).activity_id(), Some(post.id.to_string()));
                assert_eq!(PostUrl(post.url()).key(), PostUrl(post.shared_url()).key());
                assert!(post.posted_at < MOMENT);
                assert!(ids.insert(post.id));
            }
        }
    }

    #[test]
    fn everything_is_dated_by_the_same_moment() {
        assert_eq!(MOMENT.to_string(), "2026-11-20T00:00:00Z");
    }
}
