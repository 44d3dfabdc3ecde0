//! Invented leads: what is stored about each lead, and what the harvest finds.

use super::cases::{Case, Find, Form, Kind, Link};
use super::people::{Author, Person};
use super::posts::{Age, Pen, Post};
use super::spelling;
use simulators::gemini::Marker;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lead {
    pub(super) number: u64,
    pub(super) person: Person,
    pub(super) case: &'static Case,
    /// The profile's URL in its row.
    pub(super) url: String,
    /// The profile's URLs in the harvest's input.
    pub(super) targets: Vec<String>,
    pub(super) stored: Stored,
    /// Whether all stored posts were scored before.
    pub(super) scored_before: bool,
    pub(super) found: Vec<Found>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stored {
    pub(super) form: Form,
    pub(super) posts: Vec<Post>,
}

/// A post as the harvest found it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) post: Post,
    /// The index of the lead's target under which it was found.
    pub(super) target: usize,
    pub(super) link: Link,
}

impl Lead {
    /// The lead at `place` of a client whose first person is `first`.
    pub(super) fn invent(seed: u64, first: u64, place: usize) -> Self {
        let number = first + place as u64;
        let case = Case::of(place);
        let person = Person::invent(seed, number);
        let pen = &mut Pen::new(seed, number, person.author());
        let mut targets = vec![spelling::target(place, &person.slug)];
        if case.has_two_targets {
            targets.push(spelling::second_target(place, &person.slug));
        }
        let stored = case.stored.map(|form| Stored { form, posts: old(pen, 2) });
        let mut lead = Self {
            number,
            case,
            url: spelling::in_row(place, &person.slug),
            targets,
            person,
            stored: stored.unwrap_or_default(),
            scored_before: case.scored_before,
            found: Vec::new(),
        };
        for find in &case.finds {
            lead.find(*find, pen, seed, first);
        }
        lead
    }

    fn find(&mut self, find: Find, pen: &mut Pen, seed: u64, first: u64) {
        let company = Author::company(self.number);
        let post = match find.post {
            Kind::Original => pen.original(Age::New),
            Kind::SafetyBlock => pen.marked(Marker::SafetyBlock.text()),
            Kind::MissPost => pen.marked(Marker::MissPost.text()),
            Kind::Truncate => pen.marked(Marker::Truncate.text()),
            Kind::Picture => pen.picture(),
            Kind::RepostOfPerson => pen.repost(stranger(seed, self.number)),
            Kind::RepostOfCompany => pen.repost(company),
            Kind::QuoteOfPerson => pen.quote(stranger(seed, self.number)),
            Kind::QuoteOfCompany => pen.quote(company),
            Kind::FirstLeadsPost => {
                pen.pass_on(Self::invent(seed, first, 0).found.swap_remove(0).post)
            }
            Kind::FirstStored => self.stored.posts[0].clone(),
            Kind::SecondStored => self.stored.posts[1].clone(),
            Kind::FirstFound => self.found[0].post.clone(),
            Kind::Mix => return self.mix(seed, pen),
        };
        self.found.push(Found { post, target: find.target, link: find.link });
    }

    /// Two to five posts of all kinds, some in addition to older ones.
    fn mix(&mut self, seed: u64, pen: &mut Pen) {
        match pen.rng.u8(..8) {
            0 => self.stored.posts = old(pen, 1),
            1 => {
                self.stored.posts = old(pen, 2);
                self.scored_before = true;
            }
            _ => {}
        }
        let mut posts = vec![pen.original(Age::New)];
        for nth in 1..pen.rng.u64(2..=5) {
            let author = match pen.rng.bool() {
                true => stranger(seed, self.number + nth),
                false => Author::company(self.number + nth),
            };
            posts.push(match pen.rng.u8(..20) {
                0..=11 => pen.original(Age::New),
                12..=15 => pen.repost(author),
                16..=18 => pen.quote(author),
                _ => pen.picture(),
            });
        }
        let found = |post| Found { post, target: 0, link: Link::Plain };
        self.found = posts.into_iter().map(found).collect();
    }
}

fn old(pen: &mut Pen, count: usize) -> Vec<Post> {
    (0..count).map(|_| pen.original(Age::Old)).collect()
}

/// A person who is not a lead of any client.
fn stranger(seed: u64, number: u64) -> Author {
    Person::invent(seed, u64::from(u32::MAX) + number % 10_007).author()
}
