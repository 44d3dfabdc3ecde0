//! Functions on numbers.

use super::ast::{ANY, Expr, Function};
use super::datum::Datum;
use super::eval::Row;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("ABS", 1, 1, |row, args| of_one(row, args, f64::abs)),
    Function::new("INT", 1, 1, |row, args| of_one(row, args, f64::floor)),
    Function::new("EXP", 1, 1, |row, args| of_one(row, args, f64::exp)),
    Function::new("SQRT", 1, 1, |row, args| of_one(row, args, f64::sqrt)),
    Function::new("EVEN", 1, 1, |row, args| of_one(row, args, |number| away(number, 0.0))),
    Function::new("ODD", 1, 1, |row, args| of_one(row, args, |number| away(number, 1.0))),
    Function::new("LOG", 1, 2, |row, args| of_two(row, args, 10.0, f64::log)),
    Function::new("MOD", 2, 2, |row, args| of_two(row, args, 1.0, |left, right| left % right)),
    Function::new("POWER", 2, 2, |row, args| of_two(row, args, 1.0, f64::powf)),
    Function::new("CEILING", 1, 2, |row, args| {
        of_two(row, args, 1.0, |number, step| (number / step).ceil() * step)
    }),
    Function::new("FLOOR", 1, 2, |row, args| {
        of_two(row, args, 1.0, |number, step| (number / step).floor() * step)
    }),
    Function::new("ROUND", 1, 2, |row, args| rounded(row, args, f64::round)),
    Function::new("ROUNDDOWN", 1, 2, |row, args| rounded(row, args, f64::trunc)),
    Function::new("ROUNDUP", 1, 2, |row, args| {
        rounded(row, args, |number| number.abs().ceil().copysign(number))
    }),
    Function::new("SUM", 1, ANY, |row, args| Some(Datum::number(numbers(row, args)?.iter().sum()))),
    Function::new("AVERAGE", 1, ANY, |row, args| {
        let numbers = numbers(row, args)?;
        Some(Datum::number(numbers.iter().sum::<f64>() / numbers.len() as f64))
    }),
    Function::new("MAX", 1, ANY, |row, args| extreme(row, args, f64::max)),
    Function::new("MIN", 1, ANY, |row, args| extreme(row, args, f64::min)),
    Function::new("COUNT", 1, ANY, |row, args| {
        count(row, args, |value| matches!(value, Datum::Number(_)))
    }),
    Function::new("COUNTA", 1, ANY, |row, args| {
        count(row, args, |value| !matches!(value, Datum::Blank))
    }),
    Function::new("COUNTALL", 1, ANY, |row, args| count(row, args, |_| true)),
];

fn of_one<'a>(row: Row<'a>, args: &'a [Expr], of: fn(f64) -> f64) -> Option<Datum<'a>> {
    Some(Datum::number(of(row.value(args.first()?).to_number()?)))
}

/// A function of two numbers. The second is optional.
fn of_two<'a>(
    row: Row<'a>,
    args: &'a [Expr],
    otherwise: f64,
    of: fn(f64, f64) -> f64,
) -> Option<Datum<'a>> {
    let first = row.value(args.first()?).to_number()?;
    let second = args.get(1).map_or(Some(otherwise), |arg| row.value(arg).to_number())?;
    Some(Datum::number(of(first, second)))
}

/// The next whole number away from zero with this remainder when divided by two.
fn away(number: f64, rest: f64) -> f64 {
    let whole = number.abs().ceil();
    let next = if whole % 2.0 == rest { whole } else { whole + 1.0 };
    next.copysign(number)
}

/// Rounds to a number of digits after the point; a negative number rounds to tens and hundreds.
fn rounded<'a>(row: Row<'a>, args: &'a [Expr], round: fn(f64) -> f64) -> Option<Datum<'a>> {
    let number = row.value(args.first()?).to_number()?;
    let digits = args.get(1).map_or(Some(0.0), |arg| row.value(arg).to_number())?;
    let shift = 10_f64.powf(digits.trunc());
    Some(Datum::number(round(number * shift) / shift))
}

/// The arguments as numbers, without empty ones.
fn numbers(row: Row<'_>, args: &[Expr]) -> Option<Vec<f64>> {
    let values = args.iter().map(|arg| row.value(arg));
    values.filter(|value| *value != Datum::Blank).map(|value| value.to_number()).collect()
}

fn extreme<'a>(row: Row<'a>, args: &'a [Expr], of: fn(f64, f64) -> f64) -> Option<Datum<'a>> {
    Some(Datum::number(numbers(row, args)?.into_iter().reduce(of).unwrap_or_default()))
}

fn count<'a>(row: Row<'a>, args: &'a [Expr], counts: fn(&Datum<'_>) -> bool) -> Option<Datum<'a>> {
    let values = args.iter().map(|arg| row.value(arg));
    Some(Datum::Number(values.filter(counts).count() as f64))
}
