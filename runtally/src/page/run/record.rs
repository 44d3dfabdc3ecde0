//! Compares the record in Airtable with the log, cell by cell.

use super::leads::row_link;
use super::view::{ReadRecord, View};
use crate::page::figures::moment;
use crate::page::open_book::OpenBook;
use crate::view::Comparison;
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;
use shared::core::ids::{BaseId, RecordId};
use shared::schema::run_record;

/// The beginning of a row's address in Airtable.
const AIRTABLE: &str = "https://airtable.com/";

pub(super) fn section(view: &View<'_>, open: &OpenBook) -> Markup {
    html! {
        section #record data-live aria-labelledby="record-title" {
            h2 #record-title { "The record" }
            (written(open))
            @match &view.record {
                Some(ReadRecord::Read(at, comparison)) => (compared(view, *at, comparison, open)),
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

fn compared(view: &View<'_>, at: Timestamp, comparison: &Comparison, open: &OpenBook) -> Markup {
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
                                td { (cell(view, expected)) }
                                td { (cell(view, found)) }
                                td { @if differs { span .unequal { "≠ differs" } } @else { span .equal { "=" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell as text. Addresses of rows become links.
fn cell(view: &View<'_>, value: &Value) -> Markup {
    let is_simulated = view.source.simulators.airtable.is_some();
    html! {
        @match value {
            Value::Null => span .none { "empty" },
            Value::String(text) => span .text {
                @for piece in pieces(text) {
                    @match piece {
                        Piece::Text(text) => (text),
                        // A simulated base has no page on Airtable's site.
                        Piece::Row(url, record) if is_simulated => {
                            a href=(row_link(view.run, record.as_str())) { (url) }
                        }
                        Piece::Row(url, _) => a href=(url) rel="noreferrer" { (url) },
                    }
                }
            },
            other => span .number { (other) },
        }
    }
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// The address of a row in Airtable, and the row's id.
    Row(&'a str, RecordId),
}

/// Splits a text at the addresses of rows, as [`LeadsTable::row_url`] writes them. Everything else
/// stays plain text, because anybody may have written it.
///
/// [`LeadsTable::row_url`]: shared::messages::LeadsTable::row_url
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut text_from, mut from) = (Vec::new(), 0, 0);
    while let Some(start) = text[from..].find(AIRTABLE).map(|at| from + at) {
        let is_of_address = |c: char| c.is_ascii_alphanumeric() || c == '/';
        let rest = &text[start + AIRTABLE.len()..];
        let length = rest.find(|c| !is_of_address(c)).unwrap_or(rest.len());
        from = start + AIRTABLE.len() + length;
        if let Some(record) = row_in(&rest[..length]) {
            pieces.push(Piece::Text(&text[text_from..start]));
            pieces.push(Piece::Row(&text[start..from], record));
            text_from = from;
        }
    }
    pieces.push(Piece::Text(&text[text_from..]));
    pieces
}

/// The row in a path `<base>/<table>/<record>`.
fn row_in(path: &str) -> Option<RecordId> {
    let mut parts = path.split('/');
    let _base: BaseId = parts.next()?.parse().ok()?;
    parts.next().filter(|table| table.starts_with("tbl"))?;
    let record = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://airtable.com/appX8s1pPiBf5rqTz/tblQx4m8Rk2vPz9Ld/recX8s1pPiBf5rqTz";

    #[test]
    fn the_address_of_a_row_is_found_and_nothing_else_is() {
        let row = || Piece::Row(URL, "recX8s1pPiBf5rqTz".parse().unwrap());
        let text = format!("- 1 lead: {URL}, and {URL}");
        assert_eq!(
            pieces(&text),
            [Piece::Text("- 1 lead: "), row(), Piece::Text(", and "), row(), Piece::Text("")]
        );
        for other in [
            "no address",
            "https://airtable.com/",
            "https://airtable.com/appX8s1pPiBf5rqTz/tblQx4m8Rk2vPz9Ld",
            "https://airtable.com/create/tokens/recX8s1pPiBf5rqTz",
            "https://airtable.com.example/appX8s1pPiBf5rqTz/tblQx4m8Rk2vPz9Ld/recX8s1pPiBf5rqTz",
            "https://airtable.com/appX8s1pPiBf5rqTz/tblQx4m8Rk2vPz9Ld/recX8s1pPiBf5rqTz/é",
        ] {
            assert_eq!(pieces(other), [Piece::Text(other)]);
        }
    }
}
