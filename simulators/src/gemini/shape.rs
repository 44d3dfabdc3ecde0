//! The required shape of an answer.

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
    /// A schema that is already being read, so it would never end. It does not occur in a finished
    /// shape.
    Again,
}

/// The requirements for a string. Lengths count characters; a pattern is accepted and has no
/// effect.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TextRules {
    pub(super) min: usize,
    pub(super) max: Option<usize>,
    /// A format such as `date-time`.
    pub(super) format: Option<String>,
}

impl Shape {
    /// Any string.
    pub(super) fn text() -> Self {
        Self::Text(TextRules::default())
    }
}
