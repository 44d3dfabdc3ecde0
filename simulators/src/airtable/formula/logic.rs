//! Functions that decide, and those that name the row.

use super::ast::{ANY, Expr, Function};
use super::compare::equal;
use super::datum::Datum;
use super::eval::Row;

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "AND", min: 1, max: ANY, call: and },
    Function { name: "OR", min: 1, max: ANY, call: or },
    Function { name: "XOR", min: 1, max: ANY, call: xor },
    Function { name: "NOT", min: 1, max: 1, call: not },
    Function { name: "IF", min: 2, max: 3, call: if_else },
    Function { name: "SWITCH", min: 3, max: ANY, call: switch },
    Function { name: "BLANK", min: 0, max: 0, call: |_, _| Datum::Blank },
    Function { name: "TRUE", min: 0, max: 0, call: |_, _| Datum::Bool(true) },
    Function { name: "FALSE", min: 0, max: 0, call: |_, _| Datum::Bool(false) },
    Function { name: "ERROR", min: 0, max: 1, call: |_, _| Datum::Error },
    Function { name: "ISERROR", min: 1, max: 1, call: is_error },
    Function { name: "RECORD_ID", min: 0, max: 0, call: |row, _| Datum::text(row.id) },
];

/// How many arguments are true. Every one is evaluated: a single error makes it an error.
fn count_true<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<usize> {
    let mut count = 0;
    let mut failed = false;
    for arg in args {
        let value = row.value(arg);
        failed |= value == Datum::Error;
        count += usize::from(value.is_true());
    }
    (!failed).then_some(count)
}

fn and<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    count_true(row, args).map_or(Datum::Error, |count| Datum::Bool(count == args.len()))
}

fn or<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    count_true(row, args).map_or(Datum::Error, |count| Datum::Bool(count > 0))
}

fn xor<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    count_true(row, args).map_or(Datum::Error, |count| Datum::Bool(count % 2 == 1))
}

fn not<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    count_true(row, args).map_or(Datum::Error, |count| Datum::Bool(count == 0))
}

/// Only the branch taken is evaluated: it is how people keep errors out.
fn if_else<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    let condition = row.value(&args[0]);
    if condition == Datum::Error {
        return Datum::Error;
    }
    match args.get(if condition.is_true() { 1 } else { 2 }) {
        Some(branch) => row.value(branch),
        None => Datum::Blank,
    }
}

fn switch<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    let subject = row.value(&args[0]);
    if subject == Datum::Error {
        return Datum::Error;
    }
    for case in args[1..].chunks(2) {
        let [pattern, result] = case else { return row.value(&case[0]) };
        match equal(&subject, &row.value(pattern)) {
            Some(true) => return row.value(result),
            Some(false) => {}
            None => return Datum::Error,
        }
    }
    Datum::Blank
}

fn is_error<'a>(row: Row<'a>, args: &'a [Expr]) -> Datum<'a> {
    Datum::Bool(row.value(&args[0]) == Datum::Error)
}
