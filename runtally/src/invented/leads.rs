//! Invented leads: what is stored about each, and what the harvest finds.

use super::cases::Case;
use super::people::{Author, Person};
use super::posts::{Age, Pen, Post};
use super::spelling::Spelling;
use simulators::gemini::Marker;

/// A lead.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lead {
    /// Its number in the world.
    pub(super) number: u64,
    pub(super) person: Person,
    pub(super) case: Case,
    /// The profile's URL as its row has it.
    pub(super) url: String,
    /// The profile's URL as the harvest was asked for it.
    pub(super) targets: Vec<String>,
    pub(super) stored: Stored,
    /// Whether it was scored before, with all that is stored.
    pub(super) scored_before: bool,
    pub(super) found: Vec<Found>,
}

/// What is stored about a lead.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stored {
    pub(super) form: Form,
    pub(super) posts: Vec<Post>,
}

/// The form in which posts are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON array; nothing at all without posts.
    #[default]
    Json,
    /// A JSON array whose last text is cut off.
    CutOff,
    /// A JSON array with a line's end within a text.
    RawNewline,
    /// Blocks between lines of hyphens.
    PlainText,
    /// Neither.
    Prose,
}

/// A post as the harvest found it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) post: Post,
    /// Which of the lead's targets it came under.
    pub(super) target: usize,
    pub(super) link: Link,
}

/// How a dataset item names its post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// By its permalink.
    Plain,
    /// By its permalink with a query.
    Shared,
    /// By its id alone.
    IdOnly,
}

impl Lead {
    /// The lead at `place` of a client whose first person is `first`.
    pub(super) fn invent(seed: u64, first: u64, place: usize) -> Self {
        let number = first + place as u64;
        let person = Person::invent(seed, number);
        let pen = &mut Pen::new(seed, number, person.author());
        let mut lead = Self {
            number,
            case: Case::of(place),
            url: Spelling::of_row(place).url(&person.slug),
            targets: vec![Spelling::of_target(place).url(&person.slug)],
            person,
            stored: Stored::default(),
            scored_before: false,
            found: Vec::new(),
        };
        lead.fill(pen, seed, first, place);
        lead
    }

    /// Stores and finds the posts of the lead's case.
    fn fill(&mut self, pen: &mut Pen, seed: u64, first: u64, place: usize) {
        match self.case {
            Case::Originals => self.find(originals(pen, 3)),
            Case::Stored => {
                self.stored.posts = old(pen, 2);
                self.find(originals(pen, 1));
                self.find_again(0, Link::Shared);
            }
            Case::Blocked => self.find(with_marked(pen, Marker::SafetyBlock)),
            Case::Missed => self.find(with_marked(pen, Marker::MissPost)),
            Case::Truncated => self.find(with_marked(pen, Marker::Truncate)),
            Case::NoPosts | Case::TargetFailed => {}
            Case::NothingNew => {
                self.stored.posts = old(pen, 2);
                self.scored_before = true;
                self.find_again(0, Link::Plain);
                self.find_again(1, Link::Shared);
            }
            Case::ScoredBefore => {
                self.stored.posts = old(pen, 2);
                self.scored_before = true;
            }
            Case::Unreadable => self.keep(Form::Prose, pen),
            Case::CutOff => self.keep(Form::CutOff, pen),
            Case::RawNewline => self.keep(Form::RawNewline, pen),
            Case::PlainText => self.keep(Form::PlainText, pen),
            Case::Reposts => {
                let person = stranger(seed, self.number);
                self.find(vec![
                    pen.repost(person),
                    pen.repost(Author::company(self.number)),
                    pen.original(Age::New),
                ]);
            }
            Case::Quotes => {
                let person = stranger(seed, self.number);
                self.find(vec![pen.quote(person), pen.quote(Author::company(self.number))]);
            }
            Case::Pictures => self.find(vec![pen.picture(), pen.picture()]),
            Case::Twice => {
                self.find(originals(pen, 2));
                let twice = Found { link: Link::Shared, ..self.found[0].clone() };
                self.found.push(twice);
            }
            Case::Shared => {
                let others = Self::invent(seed, first, 0).found.swap_remove(0).post;
                self.find(vec![pen.pass_on(others), pen.original(Age::New)]);
            }
            Case::TwoTargets => {
                self.targets.push(Spelling::of_second_target(place).url(&self.person.slug));
                self.find(originals(pen, 3));
                self.found[2].target = 1;
                let under_both = Found { target: 1, ..self.found[0].clone() };
                self.found.push(under_both);
            }
            Case::NoPermalink => {
                self.find(originals(pen, 2));
                self.found[0].link = Link::IdOnly;
            }
            Case::Mixed => self.mix(seed, pen),
        }
    }

    /// Two to five posts of all kinds, some on top of older ones.
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
        self.find(posts);
    }

    /// Two older posts are stored in this form, and the harvest finds two new ones.
    fn keep(&mut self, form: Form, pen: &mut Pen) {
        self.stored = Stored { form, posts: old(pen, 2) };
        self.find(originals(pen, 2));
    }

    fn find(&mut self, posts: Vec<Post>) {
        self.found.extend(posts.into_iter().map(|post| Found {
            post,
            target: 0,
            link: Link::Plain,
        }));
    }

    fn find_again(&mut self, stored: usize, link: Link) {
        self.found.push(Found { post: self.stored.posts[stored].clone(), target: 0, link });
    }
}

fn originals(pen: &mut Pen, count: usize) -> Vec<Post> {
    (0..count).map(|_| pen.original(Age::New)).collect()
}

fn old(pen: &mut Pen, count: usize) -> Vec<Post> {
    (0..count).map(|_| pen.original(Age::Old)).collect()
}

fn with_marked(pen: &mut Pen, marker: Marker) -> Vec<Post> {
    vec![pen.original(Age::New), pen.marked(marker.text()), pen.original(Age::New)]
}

/// Somebody who is no lead of anybody's.
fn stranger(seed: u64, number: u64) -> Author {
    Person::invent(seed, u64::from(u32::MAX) + number % 10_007).author()
}
