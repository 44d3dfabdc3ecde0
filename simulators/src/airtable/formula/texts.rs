//! Functions on strings. Positions count characters from 1.

use super::ast::{ANY, Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("FIND", 2, 3, |row, args| Some(Datum::Number(place(row, args, false)? as f64))),
    Function::new("SEARCH", 2, 3, search),
    Function::new("LOWER", 1, 1, |row, args| Some(Datum::text(text(row, args, 0)?.to_lowercase()))),
    Function::new("UPPER", 1, 1, |row, args| Some(Datum::text(text(row, args, 0)?.to_uppercase()))),
    Function::new("TRIM", 1, 1, |row, args| {
        Some(Datum::text(text(row, args, 0)?.trim().to_owned()))
    }),
    Function::new("LEN", 1, 1, |row, args| {
        Some(Datum::Number(text(row, args, 0)?.chars().count() as f64))
    }),
    Function::new("LEFT", 2, 2, |row, args| slice(row, args, 0, count(row, args, 1)?)),
    Function::new("RIGHT", 2, 2, right),
    Function::new("MID", 3, 3, |row, args| {
        slice(row, args, count(row, args, 1)?.saturating_sub(1), count(row, args, 2)?)
    }),
    Function::new("SUBSTITUTE", 3, 4, substitute),
    Function::new("REPLACE", 4, 4, replace),
    Function::new("CONCATENATE", 1, ANY, concatenate),
    Function::new("VALUE", 1, 1, value),
    Function::new("T", 1, 1, |row, args| match row.value(&args[0]) {
        text @ Datum::Text(_) => Some(text),
        Datum::Error => None,
        Datum::Blank | Datum::Number(_) | Datum::Bool(_) | Datum::Date(_) => Some(Datum::Blank),
    }),
    Function::new("REPT", 2, 2, |row, args| {
        let (text, count) = (text(row, args, 0)?, count(row, args, 1)?);
        let is_short = text.len().saturating_mul(count) <= MAX_REPEATED;
        is_short.then(|| Datum::text(text.repeat(count)))
    }),
    Function::new("ENCODE_URL_COMPONENT", 1, 1, |row, args| {
        let text = text(row, args, 0)?;
        Some(Datum::text(utf8_percent_encode(&text, NOT_IN_A_COMPONENT).to_string()))
    }),
];

/// The longest result of `REPT`, in bytes.
const MAX_REPEATED: usize = 100_000;
/// The characters that JavaScript's `encodeURIComponent` encodes.
const NOT_IN_A_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

pub(crate) fn text<'a>(row: Row<'a>, args: &'a [Expr], index: usize) -> Option<Cow<'a, str>> {
    row.value(args.get(index)?).into_text()
}

/// The argument as a number of characters; negative numbers count as 0.
fn count(row: Row<'_>, args: &[Expr], index: usize) -> Option<usize> {
    // The conversion truncates and saturates.
    Some(row.value(args.get(index)?).to_number()?.max(0.0) as usize)
}

/// The position of the needle, or 0.
fn place<'a>(row: Row<'a>, args: &'a [Expr], fold_case: bool) -> Option<usize> {
    let (mut needle, mut hay) = (text(row, args, 0)?, text(row, args, 1)?);
    if fold_case {
        needle = Cow::Owned(needle.to_lowercase());
        hay = Cow::Owned(hay.to_lowercase());
    }
    let skip = if args.len() > 2 { count(row, args, 2)?.saturating_sub(1) } else { 0 };
    let Some(from) = hay.char_indices().map(|(at, _)| at).chain([hay.len()]).nth(skip) else {
        return Some(0);
    };
    let found = hay.get(from..)?.find(needle.as_ref());
    Some(found.map_or(0, |at| hay[..from + at].chars().count() + 1))
}

fn search<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let place = place(row, args, true)?;
    Some(if place == 0 { Datum::Blank } else { Datum::Number(place as f64) })
}

fn right<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let skip = text(row, args, 0)?.chars().count().saturating_sub(count(row, args, 1)?);
    slice(row, args, skip, usize::MAX)
}

/// `count` characters of the first argument, after the skipped ones.
fn slice<'a>(row: Row<'a>, args: &'a [Expr], skip: usize, count: usize) -> Option<Datum<'a>> {
    Some(Datum::text(text(row, args, 0)?.chars().skip(skip).take(count).collect::<String>()))
}

fn substitute<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (text, old, new) = (text(row, args, 0)?, text(row, args, 1)?, text(row, args, 2)?);
    if old.is_empty() {
        return Some(Datum::Text(text));
    }
    if args.len() < 4 {
        // Most rows of a long list do not contain the string, so they are returned unchanged.
        return Some(match text.contains(old.as_ref()) {
            true => Datum::text(text.replace(old.as_ref(), &new)),
            false => Datum::Text(text),
        });
    }
    let index = count(row, args, 3)?;
    let found = index.checked_sub(1).and_then(|nth| text.match_indices(old.as_ref()).nth(nth));
    let Some((at, _)) = found else { return Some(Datum::Text(text)) };
    Some(Datum::text(format!("{}{new}{}", &text[..at], &text[at + old.len()..])))
}

fn replace<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (text, new) = (text(row, args, 0)?, text(row, args, 3)?);
    let skip = count(row, args, 1)?.saturating_sub(1);
    let count = count(row, args, 2)?;
    let head: String = text.chars().take(skip).collect();
    let tail: String = text.chars().skip(skip.saturating_add(count)).collect();
    Some(Datum::text(format!("{head}{new}{tail}")))
}

fn concatenate<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let parts: Option<Vec<_>> = (0..args.len()).map(|index| text(row, args, index)).collect();
    Some(Datum::text(parts?.concat()))
}

/// The number in a string, without currency signs and thousands separators.
fn value<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let text = text(row, args, 0)?;
    let digits: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ')).collect();
    if digits.is_empty() {
        return Some(Datum::Blank);
    }
    digits.parse().ok().map(Datum::number)
}
