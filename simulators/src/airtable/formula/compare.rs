//! Comparisons. An empty cell equals `""`, `0` and false.

use super::ast::Operator;
use super::datum::Datum;
use std::cmp::Ordering;

/// The result of `left operator right`, for a comparison operator.
pub(crate) fn compare<'a>(
    operator: Operator,
    left: &Datum<'_>,
    right: &Datum<'_>,
) -> Option<Datum<'a>> {
    let holds = match operator {
        Operator::Eq => equal(left, right),
        Operator::Ne => equal(left, right).map(|equal| !equal),
        Operator::Lt => order(left, right).map(Ordering::is_lt),
        Operator::Gt => order(left, right).map(Ordering::is_gt),
        Operator::Le => order(left, right).map(Ordering::is_le),
        Operator::Ge => order(left, right).map(Ordering::is_ge),
        Operator::Join | Operator::Add | Operator::Sub | Operator::Mul | Operator::Div => {
            return None;
        }
    };
    Some(holds.map_or(Datum::Error, Datum::Bool))
}

/// Whether two values are equal; `None` if one is an error.
pub(crate) fn equal(left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
    Some(match (left, right) {
        (Datum::Error, _) | (_, Datum::Error) => return None,
        (Datum::Blank, Datum::Blank) => true,
        (Datum::Blank, other) | (other, Datum::Blank) => equals_blank(other),
        (Datum::Text(left), Datum::Text(right)) => left == right,
        (Datum::Date(left), Datum::Date(right)) => left == right,
        (Datum::Date(_), Datum::Text(text)) | (Datum::Text(text), Datum::Date(_)) => {
            let date = if matches!(left, Datum::Date(_)) { left } else { right };
            date.clone().into_text().as_deref() == Some(text.as_ref())
        }
        (left, right) => match (left.to_number(), right.to_number()) {
            (Some(left), Some(right)) => left == right,
            (None, _) | (_, None) => false,
        },
    })
}

fn equals_blank(value: &Datum<'_>) -> bool {
    match value {
        Datum::Blank => true,
        Datum::Number(number) => *number == 0.0,
        Datum::Bool(flag) => !flag,
        Datum::Text(text) => text.is_empty(),
        Datum::Date(_) | Datum::Error => false,
    }
}

/// Which of two values is greater; `None` if they cannot be ordered.
fn order(left: &Datum<'_>, right: &Datum<'_>) -> Option<Ordering> {
    if let (Datum::Text(left), Datum::Text(right)) = (left, right) {
        return Some(left.cmp(right));
    }
    if matches!(left, Datum::Date(_)) || matches!(right, Datum::Date(_)) {
        return Some(left.to_date()?.cmp(&right.to_date()?));
    }
    left.to_number()?.partial_cmp(&right.to_number()?)
}
