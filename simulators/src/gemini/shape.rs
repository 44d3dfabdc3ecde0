//! What an answer must look like.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Text(TextRules),
    Number {
        minimum: f64,
        maximum: f64,
        whole: bool,
    },
    Boolean,
    /// One of these values.
    Choice(Vec<Value>),
    List {
        items: Box<Self>,
        min: usize,
        max: usize,
    },
    Tuple(Vec<Self>),
    Object(Vec<(String, Self)>),
    Null,
    /// A schema that is being read already: it would never end. No shape that was read has one.
    Again,
}

/// What a text must be like. Lengths count characters; a pattern is taken and has no effect.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TextRules {
    pub(super) min: usize,
    pub(super) max: Option<usize>,
    /// Such as `date-time`.
    pub(super) format: Option<String>,
}

impl Shape {
    /// Any text.
    pub(super) fn text() -> Self {
        Self::Text(TextRules::default())
    }
}
