//! Evaluates a formula for one row.

use super::ast::{Expr, Operator};
use super::compare::compare;
use super::datum::Datum;
use super::regexes::Regexes;
use crate::airtable::display::{linked, plain, shown};
use crate::airtable::model::{Base, Class, Field, Record, Table};
use crate::airtable::schema::FieldKind;
use crate::airtable::times;
use jiff::Timestamp;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) base: &'a Base,
    pub(crate) now: Timestamp,
    pub(crate) regexes: &'a Regexes,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) id: &'a str,
    pub(crate) record: &'a Record,
}

impl<'a> Row<'a> {
    pub(crate) fn value(self, expr: &'a Expr) -> Datum<'a> {
        match expr {
            Expr::Number(number) => Datum::Number(*number),
            Expr::Text(literal) => Datum::text(literal.text.as_str()),
            Expr::Field(field) => self.cell(field),
            Expr::Negative(inner) => {
                self.value(inner).to_number().map_or(Datum::Error, |number| Datum::Number(-number))
            }
            Expr::Binary(operator, left, right) => {
                binary(*operator, self.value(left), self.value(right))
            }
            Expr::Call(function, args) => (function.call)(self, args).unwrap_or(Datum::Error),
            Expr::OneOf(subject, texts) => match self.value(subject) {
                Datum::Error => Datum::Error,
                // A number or a checkbox never equals a string.
                Datum::Number(_) | Datum::Bool(_) => Datum::Bool(false),
                value @ (Datum::Blank | Datum::Text(_) | Datum::Date(_)) => {
                    let text = value.into_text();
                    Datum::Bool(text.is_some_and(|text| texts.contains(text.as_ref())))
                }
            },
        }
    }

    fn cell(self, field: &'a Field) -> Datum<'a> {
        if let FieldKind::CreatedTime = field.spec.kind {
            return Datum::Date(self.record.created);
        }
        if let FieldKind::LastModifiedTime = field.spec.kind {
            return Datum::Date(self.record.modified(&[]));
        }
        let class = field.spec.kind.class();
        // The text of links and files has to be built; all other cells are read in place.
        if class == Class::Links || class == Class::Attachments {
            let Some(cell) = Table::cell(self.record, field) else { return Datum::Blank };
            return Datum::text(match class == Class::Links {
                true => linked(self.context.base, field, &cell),
                false => shown(self.context.base, field, &cell, None),
            });
        }
        let Some(value) = self.record.stored(field) else { return Datum::Blank };
        if class == Class::Date || class == Class::DateTime {
            return value.as_str().and_then(times::moment).map_or(Datum::Error, Datum::Date);
        }
        datum(value)
    }
}

/// A cell as a value. The API shows an error as an object.
fn datum(value: &Value) -> Datum<'_> {
    match value {
        Value::Null => Datum::Blank,
        Value::Bool(flag) => Datum::Bool(*flag),
        Value::Number(number) => number.as_f64().map_or(Datum::Error, Datum::Number),
        Value::String(text) => Datum::text(text.as_str()),
        Value::Array(_) => Datum::text(plain(value)),
        Value::Object(_) => Datum::Error,
    }
}

fn binary<'a>(operator: Operator, left: Datum<'a>, right: Datum<'a>) -> Datum<'a> {
    if let Some(result) = compare(operator, &left, &right) {
        return result;
    }
    if operator == Operator::Join {
        return match (left.into_text(), right.into_text()) {
            (Some(left), Some(right)) => Datum::text(left.into_owned() + &right),
            (None, _) | (_, None) => Datum::Error,
        };
    }
    let (Some(left), Some(right)) = (left.to_number(), right.to_number()) else {
        return Datum::Error;
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other operators are done above")]
    Datum::number(match operator {
        Operator::Add => left + right,
        Operator::Sub => left - right,
        Operator::Mul => left * right,
        Operator::Div => left / right,
        _ => return Datum::Error,
    })
}
