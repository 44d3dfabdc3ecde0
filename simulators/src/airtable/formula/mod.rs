//! Airtable's formula language, for `filterByFormula` and views.

mod ast;
mod calendar;
mod compare;
mod dates;
mod datum;
mod eval;
mod logic;
mod numbers;
mod parse;
mod regexes;
#[cfg(test)]
mod tests;
mod texts;

pub(crate) use ast::Problem;
pub(crate) use eval::Context;
pub(crate) use regexes::Regexes;

use super::model::{Record, Table};
use ast::Expr;

/// A formula that was parsed and checked against a table once, to be evaluated for many rows.
#[derive(Debug)]
pub(crate) struct Formula(Expr);

impl Formula {
    pub(crate) fn read(text: &str, table: &Table) -> Result<Self, Problem> {
        parse::read(text, table).map(Self)
    }

    /// Whether a row is kept: the result is not `0`, false, `""`, blank, NaN or an error.
    pub(crate) fn keeps(&self, context: &Context<'_>, id: &str, record: &Record) -> bool {
        eval::Row { context, id, record }.value(&self.0).is_true()
    }

    /// The only ids that a kept row can have, if the formula is a list of ids.
    pub(crate) fn record_ids(&self) -> Option<Vec<&str>> {
        self.0.record_ids()
    }
}

/// The formula with field ids instead of names, so that it still works after a renaming.
pub(crate) fn with_field_ids(text: &str, table: &Table) -> Result<String, Problem> {
    parse::read(text, table)?;
    parse::replace_fields(text, |name| table.field(name).map(|field| field.id.clone()))
}

pub(crate) fn names_field(text: &str, id: &str) -> bool {
    text.contains(&format!("{{{id}}}"))
}
