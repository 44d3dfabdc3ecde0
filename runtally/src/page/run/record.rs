//! The record as Airtable shows it against the log, cell by cell.

use super::View;
use crate::page::figures::moment;
use crate::page::open_book::OpenBook;
use crate::view::Comparison;
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;
use shared::schema::run_record;
use shared::services::airtable::Row;
use std::sync::Arc;

/// What came of reading the record.
pub(super) enum ReadRecord {
    Read(Timestamp, Arc<Comparison>),
    /// Rows of a record that does not show the last events yet, not compared with them.
    Behind(Vec<Row>),
    Unreadable(String),
}

impl ReadRecord {
    /// The record's row, if there is one.
    pub(super) fn row(&self) -> Option<&Row> {
        match self {
            Self::Read(_, comparison) => comparison.records.first(),
            Self::Behind(rows) => rows.first(),
            Self::Unreadable(_) => None,
        }
    }
}

pub(super) fn section(view: &View<'_>, open: &OpenBook) -> Markup {
    html! {
        section #record data-live aria-labelledby="record-title" {
            h2 #record-title { "The record" }
            (written(open))
            @match &view.record {
                Some(ReadRecord::Read(at, comparison)) => (compared(*at, comparison, open)),
                Some(ReadRecord::Unreadable(why)) => p .verdict .bad { "Airtable could not be read: " (why) },
                Some(ReadRecord::Behind(_)) | None => p { a .button href=(view.query.with("record", "1")) { "Read it from Airtable" } },
            }
        }
    }
}

fn written(open: &OpenBook) -> Markup {
    html! {
        @match &open.known.projection {
            Some(projection) => p {
                "Written last at " (moment(projection.at)) " with " (projection.events) " of "
                (open.known.events) " events, as row " code { (projection.record.as_str()) } "."
            },
            None => p { "Not written yet." },
        }
    }
}

fn compared(at: Timestamp, comparison: &Comparison, open: &OpenBook) -> Markup {
    let run = &open.known.summary.run;
    let class = if comparison.is_right() { "verdict good" } else { "verdict bad" };
    let record = comparison.records.first();
    let cells = run_record::FIELDS.iter().filter_map(|field| {
        let expected = comparison.expected.get(field.name)?;
        let found = record.and_then(|row| row.fields.get(field.name)).unwrap_or(&Value::Null);
        let differs = record.is_none() || comparison.differences.contains(&field.name);
        Some((field.name, expected, found, differs))
    });
    html! {
        p class=(class) { (comparison.verdict(run, open.known.behind())) " Read at " (moment(at)) "." }
        details #cells open[!comparison.is_right()] {
            summary { "Cell by cell" }
            div .scroll tabindex="0" role="region" aria-label="The record, cell by cell" {
                table .cells {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "By the log" } th scope="col" { "In Airtable" } th scope="col" { "" } } }
                    tbody {
                        @for (name, expected, found, differs) in cells {
                            tr .differs[differs] {
                                th scope="row" { (name) }
                                td { (cell(expected)) }
                                td { (cell(found)) }
                                td { @if differs { span .unequal { "≠ differs" } } @else { span .equal { "=" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell as text.
fn cell(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => span .none { "empty" },
            Value::String(text) => span .text { (text) },
            other => span .number { (other) },
        }
    }
}
