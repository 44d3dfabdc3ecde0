//! A formula as a tree.

use super::datum::Datum;
use super::eval::Row;
use crate::airtable::model::Field;
use regex::Regex;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("Invalid formula. Please check your formula text.")]
    Invalid,
    #[error("Unknown field names: {}", .0.join(", "))]
    UnknownFields(Vec<String>),
    /// A function that Airtable has and the simulator lacks.
    #[error("the simulator does not offer the function {0}")]
    NotSimulated(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Number(f64),
    Text(Literal),
    Field(Box<Field>),
    Negative(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Call(&'static Function, Vec<Expr>),
    /// `OR(e='a', e='b', …)` for one `e`: a single look-up instead of a comparison for each.
    OneOf(Box<Expr>, HashSet<String>),
}

/// A string in the formula, and its regular expression once it was needed.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) regex: OnceCell<Option<Arc<Regex>>>,
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    Join,
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Debug)]
pub(crate) struct Function {
    /// Its name, in capitals.
    pub(crate) name: &'static str,
    /// The fewest and the most arguments.
    pub(crate) min: usize,
    pub(crate) max: usize,
    /// The implementation; `None` means an error. It evaluates its arguments itself, so that `IF`
    /// can skip some.
    pub(crate) call: Call,
}

type Call = for<'a> fn(Row<'a>, &'a [Expr]) -> Option<Datum<'a>>;

impl Function {
    pub(crate) const fn new(name: &'static str, min: usize, max: usize, call: Call) -> Self {
        Self { name, min, max, call }
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// For functions that take any number of arguments.
pub(crate) const ANY: usize = usize::MAX;

impl Expr {
    /// A call. A list of alternatives is folded into one look-up.
    pub(crate) fn call(function: &'static Function, args: Vec<Self>) -> Self {
        if function.name == "OR"
            && let Some(folded) = one_of(&args)
        {
            return folded;
        }
        Self::Call(function, args)
    }

    /// The ids of which a row must have one, if the whole formula compares ids.
    pub(crate) fn record_ids(&self) -> Option<Vec<&str>> {
        if let Self::OneOf(subject, texts) = self {
            return subject
                .is_call("RECORD_ID")
                .then(|| texts.iter().map(String::as_str).collect());
        }
        if let Self::Binary(Operator::Eq, left, right) = self
            && left.is_call("RECORD_ID")
            && let Self::Text(literal) = right.as_ref()
        {
            return Some(vec![&literal.text]);
        }
        None
    }

    pub(crate) fn is_call(&self, name: &str) -> bool {
        matches!(self, Self::Call(function, _) if function.name == name)
    }
}

/// `e='a', e='b', …` as a set; `None` for any other arguments.
fn one_of(args: &[Expr]) -> Option<Expr> {
    let mut subject = None;
    let mut texts = HashSet::new();
    for arg in args {
        let Expr::Binary(Operator::Eq, left, right) = arg else { return None };
        let Expr::Text(literal) = right.as_ref() else { return None };
        if *subject.get_or_insert(left) != left {
            return None;
        }
        texts.insert(literal.text.clone());
    }
    Some(Expr::OneOf(subject?.clone(), texts))
}
