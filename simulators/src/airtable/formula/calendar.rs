//! Functions that extract parts of a moment, all in UTC.

use super::ast::{Expr, Function};
use super::datum::Datum;
use super::eval::Row;
use super::texts::text;
use crate::airtable::times;
use jiff::civil::DateTime;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("YEAR", 1, 1, |row, args| part(row, args, |at| at.year().into())),
    Function::new("MONTH", 1, 1, |row, args| part(row, args, |at| at.month().into())),
    Function::new("DAY", 1, 1, |row, args| part(row, args, |at| at.day().into())),
    Function::new("HOUR", 1, 1, |row, args| part(row, args, |at| at.hour().into())),
    Function::new("MINUTE", 1, 1, |row, args| part(row, args, |at| at.minute().into())),
    Function::new("SECOND", 1, 1, |row, args| part(row, args, |at| at.second().into())),
    Function::new("WEEKDAY", 1, 2, |row, args| {
        Some(Datum::Number(f64::from(day_of_week(at(row, args)?, starts_on(row, args)?))))
    }),
    Function::new("WEEKNUM", 1, 2, week),
    Function::new("DATESTR", 1, 1, |row, args| {
        Some(Datum::text(at(row, args)?.date().to_string()))
    }),
    Function::new("TIMESTR", 1, 1, |row, args| {
        Some(Datum::text(at(row, args)?.strftime("%H:%M:%S").to_string()))
    }),
];

fn at(row: Row<'_>, args: &[Expr]) -> Option<DateTime> {
    row.value(args.first()?).to_date().map(times::civil)
}

fn part<'a>(row: Row<'a>, args: &'a [Expr], of: fn(DateTime) -> i32) -> Option<Datum<'a>> {
    Some(Datum::Number(f64::from(of(at(row, args)?))))
}

/// The first day of the week, counted from Sunday: the second argument, or Sunday.
fn starts_on(row: Row<'_>, args: &[Expr]) -> Option<i8> {
    if args.len() < 2 {
        return Some(0);
    }
    match text(row, args, 1)?.to_lowercase().as_str() {
        "sunday" => Some(0),
        "monday" => Some(1),
        _ => None,
    }
}

fn day_of_week(at: DateTime, starts_on: i8) -> i8 {
    (at.weekday().to_sunday_zero_offset() - starts_on).rem_euclid(7)
}

/// The week of the year. The first week contains 1 January.
fn week<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let at = at(row, args)?;
    let before = day_of_week(at.first_of_year(), starts_on(row, args)?);
    let days = i32::from(at.day_of_year()) - 1 + i32::from(before);
    Some(Datum::Number(f64::from(days / 7 + 1)))
}
