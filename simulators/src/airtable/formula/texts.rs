//! Functions on text. Positions count characters from 1.

use super::ast::{ANY, Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use std::borrow::Cow;

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "FIND", min: 2, max: 3, call: |row, args| or_error(find(row, args)) },
    Function { name: "SEARCH", min: 2, max: 3, call: |row, args| or_error(search(row, args)) },
    Function { name: "LOWER", min: 1, max: 1, call: |row, args| or_error(lower(row, args)) },
    Function { name: "UPPER", min: 1, max: 1, call: |row, args| or_error(upper(row, args)) },
    Function { name: "TRIM", min: 1, max: 1, call: |row, args| or_error(trim(row, args)) },
    Function { name: "LEN", min: 1, max: 1, call: |row, args| or_error(len(row, args)) },
    Function { name: "LEFT", min: 2, max: 2, call: |row, args| or_error(left(row, args)) },
    Function { name: "RIGHT", min: 2, max: 2, call: |row, args| or_error(right(row, args)) },
    Function { name: "MID", min: 3, max: 3, call: |row, args| or_error(mid(row, args)) },
    Function {
        name: "SUBSTITUTE",
        min: 3,
        max: 4,
        call: |row, args| or_error(substitute(row, args)),
    },
    Function { name: "REPLACE", min: 4, max: 4, call: |row, args| or_error(replace(row, args)) },
    Function {
        name: "CONCATENATE",
        min: 1,
        max: ANY,
        call: |row, args| or_error(concatenate(row, args)),
    },
    Function { name: "VALUE", min: 1, max: 1, call: |row, args| or_error(value(row, args)) },
];

/// `None` stands for an error among the arguments.
pub(crate) fn or_error(value: Option<Datum<'_>>) -> Datum<'_> {
    value.unwrap_or(Datum::Error)
}

/// The argument as text.
pub(crate) fn text<'a>(row: Row<'a>, args: &'a [Expr], index: usize) -> Option<Cow<'a, str>> {
    row.value(args.get(index)?).into_text()
}

/// The argument as a count of characters; below zero is zero.
fn count(row: Row<'_>, args: &[Expr], index: usize) -> Option<usize> {
    // A float becomes an integer by cutting, and never outside of its range.
    Some(row.value(args.get(index)?).to_number()?.max(0.0) as usize)
}

/// The place of the needle, or 0.
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

fn find<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    Some(Datum::Number(place(row, args, false)? as f64))
}

fn search<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let place = place(row, args, true)?;
    Some(if place == 0 { Datum::Blank } else { Datum::Number(place as f64) })
}

fn lower<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    Some(Datum::text(text(row, args, 0)?.to_lowercase()))
}

fn upper<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    Some(Datum::text(text(row, args, 0)?.to_uppercase()))
}

fn trim<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    Some(Datum::text(text(row, args, 0)?.trim().to_owned()))
}

fn len<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    Some(Datum::Number(text(row, args, 0)?.chars().count() as f64))
}

fn left<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let count = count(row, args, 1)?;
    Some(Datum::text(text(row, args, 0)?.chars().take(count).collect::<String>()))
}

fn right<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let text = text(row, args, 0)?;
    let skip = text.chars().count().saturating_sub(count(row, args, 1)?);
    Some(Datum::text(text.chars().skip(skip).collect::<String>()))
}

fn mid<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let skip = count(row, args, 1)?.saturating_sub(1);
    let count = count(row, args, 2)?;
    Some(Datum::text(text(row, args, 0)?.chars().skip(skip).take(count).collect::<String>()))
}

fn substitute<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (text, old, new) = (text(row, args, 0)?, text(row, args, 1)?, text(row, args, 2)?);
    if old.is_empty() {
        return Some(Datum::Text(text));
    }
    if args.len() < 4 {
        // Most rows of a long list do not hold the text: they pass through as they are.
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

/// The number a text shows, without its signs of money and thousands.
fn value<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let text = text(row, args, 0)?;
    let digits: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ')).collect();
    if digits.is_empty() {
        return Some(Datum::Blank);
    }
    digits.parse().ok().map(Datum::number)
}
