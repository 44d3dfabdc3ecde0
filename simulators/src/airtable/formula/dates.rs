//! Functions on moments, all in UTC.

use super::ast::{ANY, Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use super::texts::text;
use crate::airtable::times;
use crate::moments::iso;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::{Span, Timestamp};
use std::cmp::Ordering;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("NOW", 0, 0, |row, _| Some(Datum::Date(row.context.now))),
    Function::new("TODAY", 0, 0, |row, _| today(row)),
    Function::new("CREATED_TIME", 0, 0, |row, _| Some(Datum::Date(row.record.created))),
    Function::new("LAST_MODIFIED_TIME", 0, ANY, last_modified),
    Function::new("IS_AFTER", 2, 2, |row, args| is(row, args, Ordering::is_gt)),
    Function::new("IS_BEFORE", 2, 2, |row, args| is(row, args, Ordering::is_lt)),
    Function::new("IS_SAME", 2, 3, is_same),
    Function::new("DATETIME_DIFF", 2, 3, difference),
    Function::new("DATEADD", 3, 3, add),
    Function::new("DATETIME_PARSE", 1, 3, parse),
    Function::new("DATETIME_FORMAT", 1, 2, format),
];

/// A unit of time, parsed from any of its usual names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

fn unit<'a>(row: Row<'a>, args: &'a [Expr], index: usize) -> Option<Unit> {
    let name = text(row, args, index)?;
    if name == "M" {
        return Some(Unit::Month);
    }
    let name = name.to_lowercase();
    Some(match name.strip_suffix('s').filter(|rest| rest.len() > 1).unwrap_or(&name) {
        "millisecond" | "ms" => Unit::Millisecond,
        "second" | "s" => Unit::Second,
        "minute" | "m" => Unit::Minute,
        "hour" | "h" => Unit::Hour,
        "day" | "d" => Unit::Day,
        "week" | "w" => Unit::Week,
        "month" => Unit::Month,
        "year" | "y" => Unit::Year,
        _ => return None,
    })
}

fn date<'a>(row: Row<'a>, args: &'a [Expr], index: usize) -> Option<Timestamp> {
    row.value(args.get(index)?).to_date()
}

fn today(row: Row<'_>) -> Option<Datum<'_>> {
    times::utc(times::civil(row.context.now).start_of_day()).map(Datum::Date)
}

fn last_modified<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let mut fields = Vec::new();
    for arg in args {
        let Expr::Field(field) = arg else { return None };
        fields.push(field.id.as_str());
    }
    Some(Datum::Date(row.record.modified(&fields)))
}

fn is<'a>(row: Row<'a>, args: &'a [Expr], holds: fn(Ordering) -> bool) -> Option<Datum<'a>> {
    Some(Datum::Bool(holds(date(row, args, 0)?.cmp(&date(row, args, 1)?))))
}

/// Whether two moments fall into the same unit. Without a unit, whether they are equal.
fn is_same<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (left, right) = (date(row, args, 0)?, date(row, args, 1)?);
    let unit = if args.len() > 2 { unit(row, args, 2)? } else { Unit::Millisecond };
    let start = |at| start_of(times::civil(at), unit);
    Some(Datum::Bool(start(left)? == start(right)?))
}

/// The start of the unit that contains a moment. Weeks begin on Sunday.
fn start_of(at: DateTime, unit: Unit) -> Option<DateTime> {
    let with = at.with().nanosecond(0).microsecond(0);
    Some(match unit {
        Unit::Millisecond => at,
        Unit::Second => with.millisecond(0).build().ok()?,
        Unit::Minute => with.millisecond(0).second(0).build().ok()?,
        Unit::Hour => with.millisecond(0).second(0).minute(0).build().ok()?,
        Unit::Day => at.start_of_day(),
        Unit::Week => {
            let days = i64::from(at.weekday().to_sunday_zero_offset());
            at.start_of_day().checked_sub(Span::new().days(days)).ok()?
        }
        Unit::Month => at.first_of_month().start_of_day(),
        Unit::Year => at.first_of_year().start_of_day(),
    })
}

/// `a` minus `b` in whole units, rounded towards zero. Without a unit, in seconds.
fn difference<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let (later, earlier) = (date(row, args, 0)?, date(row, args, 1)?);
    let unit = if args.len() > 2 { unit(row, args, 2)? } else { Unit::Second };
    let milliseconds = later.as_millisecond() - earlier.as_millisecond();
    let months = || months(times::civil(earlier), times::civil(later));
    let whole = match unit {
        Unit::Millisecond => milliseconds,
        Unit::Second => milliseconds / 1_000,
        Unit::Minute => milliseconds / 60_000,
        Unit::Hour => milliseconds / 3_600_000,
        Unit::Day => milliseconds / 86_400_000,
        Unit::Week => milliseconds / 604_800_000,
        Unit::Month => months(),
        Unit::Year => months() / 12,
    };
    Some(Datum::Number(whole as f64))
}

/// Whole months from one moment to another.
fn months(from: DateTime, to: DateTime) -> i64 {
    if from > to {
        return -months(to, from);
    }
    let years = i64::from(to.year()) - i64::from(from.year());
    let months = years * 12 + i64::from(to.month()) - i64::from(from.month());
    let day = |at: DateTime| (at.day(), at.time());
    if day(to) < day(from) { months - 1 } else { months }
}

fn add<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let at = times::civil(date(row, args, 0)?);
    let count = row.value(args.get(1)?).to_number()? as i64;
    let span = Span::new();
    let span = match unit(row, args, 2)? {
        Unit::Millisecond => span.try_milliseconds(count),
        Unit::Second => span.try_seconds(count),
        Unit::Minute => span.try_minutes(count),
        Unit::Hour => span.try_hours(count),
        Unit::Day => span.try_days(count),
        Unit::Week => span.try_weeks(count),
        Unit::Month => span.try_months(count),
        Unit::Year => span.try_years(count),
    };
    times::utc(at.checked_add(span.ok()?).ok()?).map(Datum::Date)
}

fn format<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let at = date(row, args, 0)?;
    if args.len() < 2 {
        return Some(Datum::text(iso(at)));
    }
    Some(Datum::text(formatted(at, &text(row, args, 1)?)))
}

/// The moment in a string: in ISO 8601, or in the pattern of the second argument. The third
/// argument, a locale, has no effect.
fn parse<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    if args.len() < 2 {
        return date(row, args, 0).map(Datum::Date);
    }
    let form: String =
        pieces(&text(row, args, 1)?).into_iter().map(|piece| piece.as_strftime()).collect();
    let read = strtime::parse(form, text(row, args, 0)?.as_bytes()).ok()?;
    let at = read.to_datetime().or_else(|_| read.to_date().map(|day| day.at(0, 0, 0, 0)));
    times::utc(at.ok()?).map(Datum::Date)
}

/// The tokens of patterns such as `YYYY-MM-DD`, with their `strftime` equivalents. A longer token
/// comes before its own prefix.
const PATTERNS: &[(&str, &str)] = &[
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSS", "%3f"),
    ("A", "%p"),
    ("a", "%P"),
    ("Z", "%:z"),
    ("X", "%s"),
];

enum Piece<'a> {
    /// For `strftime`.
    Token(&'static str),
    Plain(&'a str),
}

impl Piece<'_> {
    fn as_strftime(&self) -> String {
        match self {
            Self::Token(form) => (*form).to_owned(),
            Self::Plain(text) => text.replace('%', "%%"),
        }
    }
}

/// Splits a pattern into tokens and text. Text in `[…]` is literal.
fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let bracketed = rest.strip_prefix('[').and_then(|text| text.split_once(']'));
        let token = PATTERNS.iter().find(|(token, _)| rest.starts_with(token));
        if let Some((plain, after)) = bracketed {
            found.push(Piece::Plain(plain));
            rest = after;
        } else if let Some((token, form)) = token {
            found.push(Piece::Token(form));
            rest = &rest[token.len()..];
        } else {
            let (plain, after) = rest.split_at(first.len_utf8());
            found.push(Piece::Plain(plain));
            rest = after;
        }
    }
    found
}

/// Formats a moment with a pattern such as `YYYY-MM-DD HH:mm`.
fn formatted(at: Timestamp, pattern: &str) -> String {
    let piece = |piece: Piece<'_>| match piece {
        Piece::Token(form) => at.strftime(form).to_string(),
        Piece::Plain(text) => text.to_owned(),
    };
    pieces(pattern).into_iter().map(piece).collect()
}
