//! The value of a part of a formula.

use crate::moments::iso;
use jiff::Timestamp;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum<'a> {
    /// Empty: an empty cell, or `BLANK()`.
    Blank,
    Number(f64),
    Bool(bool),
    Text(Cow<'a, str>),
    Date(Timestamp),
    /// `#ERROR!`. Everything computed from it is an error, too.
    Error,
}

impl<'a> Datum<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Blank | Self::Error => false,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Bool(flag) => *flag,
            Self::Text(text) => !text.is_empty(),
            Self::Date(_) => true,
        }
    }

    /// The value as a string; `None` for an error.
    pub(crate) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Blank => Some(Cow::Borrowed("")),
            // The shortest form that parses to the same number, as JavaScript prints it in the real
            // service.
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(flag) => Some(Cow::Borrowed(if flag { "1" } else { "0" })),
            Self::Text(text) => Some(text),
            Self::Date(at) => Some(Cow::Owned(iso(at))),
            Self::Error => None,
        }
    }

    /// The value as a number; `None` for an error. A string is not a number: `VALUE()` converts it.
    pub(crate) fn to_number(&self) -> Option<f64> {
        match self {
            Self::Blank => Some(0.0),
            Self::Number(number) => Some(*number),
            Self::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(_) | Self::Date(_) | Self::Error => None,
        }
    }

    /// The value as a moment; `None` for anything else.
    pub(crate) fn to_date(&self) -> Option<Timestamp> {
        match self {
            Self::Date(at) => Some(*at),
            Self::Text(text) => crate::airtable::times::moment(text),
            Self::Blank | Self::Number(_) | Self::Bool(_) | Self::Error => None,
        }
    }

    /// A number, or an error if it is not finite.
    pub(crate) fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Error }
    }
}
