//! Functions on regular expressions.

use super::ast::{Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use super::texts::{or_error, text};
use regex::Regex;

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "REGEX_MATCH",
        min: 2,
        max: 2,
        call: |row, args| or_error(matches(row, args)),
    },
    Function {
        name: "REGEX_EXTRACT",
        min: 2,
        max: 2,
        call: |row, args| or_error(extract(row, args)),
    },
    Function {
        name: "REGEX_REPLACE",
        min: 3,
        max: 3,
        call: |row, args| or_error(replace(row, args)),
    },
];

/// Does `with` with the expression of the second argument; `None` if it is not one. One that is
/// written out in the formula is compiled for the first row and kept, one that is put together
/// is kept by its text.
fn with_regex<T>(row: Row<'_>, args: &[Expr], with: impl FnOnce(&Regex) -> T) -> Option<T> {
    let pattern = args.get(1)?;
    if let Expr::Text(literal) = pattern {
        return literal.regex.get_or_init(|| Regex::new(&literal.text).ok()).as_ref().map(with);
    }
    let pattern = row.value(pattern).into_text()?;
    let mut known = row.context.regexes.borrow_mut();
    if !known.contains_key(pattern.as_ref()) {
        known.insert(pattern.to_string(), Regex::new(&pattern).ok());
    }
    known.get(pattern.as_ref())?.as_ref().map(with)
}

fn matches<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let text = text(row, args, 0)?;
    with_regex(row, args, |regex| Datum::Bool(regex.is_match(&text)))
}

/// The first match; an error if there is none.
fn extract<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let text = text(row, args, 0)?;
    let found = with_regex(row, args, |regex| regex.find(&text).map(|at| at.as_str().to_owned()));
    Some(Datum::text(found??))
}

fn replace<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (text, new) = (text(row, args, 0)?, text(row, args, 2)?);
    with_regex(row, args, |regex| Datum::text(regex.replace_all(&text, new.as_ref()).into_owned()))
}
