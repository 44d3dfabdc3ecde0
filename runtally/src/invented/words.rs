//! Invented names, companies, topics and sentences, read from `data/words.json`.

use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
pub(super) struct Words<'a> {
    /// First names in several scripts.
    #[serde(borrow)]
    pub(super) first_names: Vec<&'a str>,
    /// Last names that exist in no telephone book.
    pub(super) last_names: Vec<&'a str>,
    pub(super) roles: Vec<&'a str>,
    /// Companies that exist in no register.
    pub(super) companies: Vec<&'a str>,
    /// Topics of posts, one word each, for their permalinks.
    pub(super) topics: Vec<&'a str>,
    /// Ids and names of clients. An id is free text.
    pub(super) clients: Vec<(&'a str, &'a str)>,
    pub(super) former_client: (&'a str, &'a str),
    pub(super) remarks: Vec<&'a str>,
    /// English, German, Spanish and Japanese.
    pub(super) languages: [Language<'a>; 4],
}

/// The sentences of one language. `{t}` is the topic, `{c}` a company, `{n}` a number.
#[derive(Deserialize)]
pub(super) struct Language<'a> {
    #[serde(borrow)]
    pub(super) openers: Vec<&'a str>,
    pub(super) middles: Vec<&'a str>,
    pub(super) closers: Vec<&'a str>,
}

pub(super) static WORDS: LazyLock<Words<'static>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/words.json"))
        .expect("the words are part of the program")
});
