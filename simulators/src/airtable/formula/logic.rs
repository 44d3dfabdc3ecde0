//! Logical functions, and those that return properties of the row.

use super::ast::{ANY, Expr, Function};
use super::compare::equal;
use super::datum::Datum;
use super::eval::Row;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("AND", 1, ANY, |row, args| counted(row, args, |count| count == args.len())),
    Function::new("OR", 1, ANY, |row, args| counted(row, args, |count| count > 0)),
    Function::new("XOR", 1, ANY, |row, args| counted(row, args, |count| count % 2 == 1)),
    Function::new("NOT", 1, 1, |row, args| counted(row, args, |count| count == 0)),
    Function::new("IF", 2, 3, if_else),
    Function::new("SWITCH", 3, ANY, switch),
    Function::new("BLANK", 0, 0, |_, _| Some(Datum::Blank)),
    Function::new("TRUE", 0, 0, |_, _| Some(Datum::Bool(true))),
    Function::new("FALSE", 0, 0, |_, _| Some(Datum::Bool(false))),
    Function::new("ERROR", 0, 1, |_, _| None),
    Function::new("ISERROR", 1, 1, |row, args| {
        Some(Datum::Bool(row.value(&args[0]) == Datum::Error))
    }),
    Function::new("RECORD_ID", 0, 0, |row, _| Some(Datum::text(row.id))),
];

/// Tests the number of true arguments. All arguments are evaluated, and an error in one is an error
/// of the result.
fn counted<'a>(row: Row<'a>, args: &'a [Expr], holds: impl Fn(usize) -> bool) -> Option<Datum<'a>> {
    let mut count = 0;
    let mut failed = false;
    for arg in args {
        let value = row.value(arg);
        failed |= value == Datum::Error;
        count += usize::from(value.is_true());
    }
    (!failed).then(|| Datum::Bool(holds(count)))
}

/// Evaluates only the branch that is taken, because people use `IF` to avoid errors.
fn if_else<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let condition = row.value(&args[0]);
    if condition == Datum::Error {
        return None;
    }
    let branch = args.get(if condition.is_true() { 1 } else { 2 });
    Some(branch.map_or(Datum::Blank, |branch| row.value(branch)))
}

fn switch<'a>(row: Row<'a>, args: &'a [Expr]) -> Option<Datum<'a>> {
    let subject = row.value(&args[0]);
    if subject == Datum::Error {
        return None;
    }
    for case in args[1..].chunks(2) {
        let [pattern, result] = case else { return Some(row.value(&case[0])) };
        if equal(&subject, &row.value(pattern))? {
            return Some(row.value(result));
        }
    }
    Some(Datum::Blank)
}
