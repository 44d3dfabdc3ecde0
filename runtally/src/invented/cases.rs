//! The kinds of leads, read from `data/cases.json`, the most important first, because a small
//! client gets only the beginning of the list.

use serde::Deserialize;
use std::sync::LazyLock;

/// The list begins again after this many leads. The leads in between are of the last kind, which is
/// always scored.
const ROUND: usize = 200;

/// What is special about a lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Case {
    pub(super) name: String,
    /// The form in which two older posts are stored.
    pub(super) stored: Option<Form>,
    pub(super) scored_before: bool,
    /// Whether a person acted on it.
    pub(super) has_acted: bool,
    pub(super) has_comments: bool,
    pub(super) has_two_targets: bool,
    pub(super) target_fails: bool,
    /// What the harvest finds, in order.
    pub(super) finds: Vec<Find>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// A JSON array; an empty cell if there are no posts.
    #[default]
    Json,
    /// A JSON array whose last string is cut off.
    CutOff,
    /// A JSON array with a raw line feed inside a string.
    RawNewline,
    /// Blocks between lines of hyphens.
    PlainText,
    Prose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Find {
    pub(super) post: Kind,
    /// The index of the lead's target under which it was found.
    #[serde(default)]
    pub(super) target: usize,
    #[serde(default)]
    pub(super) link: Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Original,
    SafetyBlock,
    MissPost,
    Truncate,
    Picture,
    RepostOfPerson,
    RepostOfCompany,
    QuoteOfPerson,
    QuoteOfCompany,
    FirstLeadsPost,
    FirstStored,
    SecondStored,
    FirstFound,
    Mix,
}

/// How a dataset item refers to its post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    #[default]
    Plain,
    /// By its permalink with a query.
    Shared,
    IdOnly,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/cases.json"))
        .expect("the cases are part of the program")
});

impl Case {
    /// The case of the lead at this place in a client's list.
    pub(super) fn of(place: usize) -> &'static Self {
        &CASES[(place % ROUND).min(CASES.len() - 1)]
    }
}
