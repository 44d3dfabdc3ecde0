//! Functions on regular expressions.

use super::ast::{Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use super::texts::text;
use regex::Regex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Most compiled expressions that are kept: more than the chunks that are in work at the same time.
const KEPT: usize = 64;

/// Compiled regular expressions. Each is compiled once, because the same listing is requested
/// repeatedly, and compiling a long expression takes longer than matching some rows.
#[derive(Debug, Default)]
pub(crate) struct Regexes(RefCell<HashMap<String, Option<Arc<Regex>>>>);

impl Regexes {
    fn get(&self, text: &str) -> Option<Arc<Regex>> {
        let mut known = self.0.borrow_mut();
        if let Some(regex) = known.get(text) {
            return regex.clone();
        }
        if known.len() == KEPT {
            known.clear();
        }
        let regex = Regex::new(text).ok().map(Arc::new);
        known.insert(text.to_owned(), regex.clone());
        regex
    }
}

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("REGEX_MATCH", 2, 2, matches),
    Function::new("REGEX_EXTRACT", 2, 2, extract),
    Function::new("REGEX_REPLACE", 3, 3, replace),
];

/// Calls `with` with the expression in the second argument; `None` if it is not an expression. An
/// expression that is a literal in the formula is looked up only for the first row.
fn with_regex<T>(row: Row<'_>, args: &[Expr], with: impl FnOnce(&Regex) -> T) -> Option<T> {
    let pattern = args.get(1)?;
    if let Expr::Text(literal) = pattern {
        let regex = literal.regex.get_or_init(|| row.context.regexes.get(&literal.text));
        return regex.as_deref().map(with);
    }
    let pattern = row.value(pattern).into_text()?;
    row.context.regexes.get(&pattern).as_deref().map(with)
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
