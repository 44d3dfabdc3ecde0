//! Rows of cells, fitted to the terminal: as a table or, if the terminal is too narrow, as a few
//! lines for each row. Ids are never broken.

use super::paint::{Paint, Tone};
use super::terminal::{printed, table_width, wrapped};
use std::fmt;
use textwrap::core::display_width;

/// Spaces between two columns.
const GAP: usize = 2;
/// Indent of the lines below a row's first cell.
const INDENT: usize = 2;

/// A cell: its text, and a tone if that means something.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell that is never broken: an id or a time.
    pub(in crate::cli) fn id(id: &str) -> Self {
        super::terminal::whole(id).into()
    }

    pub(in crate::cli) fn toned(text: impl Into<String>, tone: Option<Tone>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: None }
    }
}

/// Rows of cells below the names of their columns.
#[derive(Debug)]
pub(in crate::cli) struct Listing {
    headers: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Listing {
    pub(in crate::cli) fn new(headers: impl IntoIterator<Item = &'static str>) -> Self {
        Self { headers: headers.into_iter().collect(), rows: Vec::new() }
    }

    pub(in crate::cli) fn add(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows in this width, each line with a line feed.
    fn drawn(&self, width: usize, paint: Paint) -> String {
        let lines = match self.widths(width) {
            Some(widths) => self.table(&widths, paint),
            None => self.blocks(width, paint),
        };
        lines.into_iter().map(|line| printed(line.trim_end()) + "\n").collect()
    }

    /// The width of each column. `None` if the longest words do not fit next to each other.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        fn words(text: &str) -> Vec<&str> {
            text.split(['\n', ' ']).collect()
        }
        fn lines(text: &str) -> Vec<&str> {
            text.lines().collect()
        }
        let columns = 0..self.headers.len();
        let texts = |column: usize| {
            let cells = self.rows.iter().filter_map(move |row| row.get(column));
            cells.map(|cell| cell.text.as_str()).chain([self.headers[column]])
        };
        let longest = |column: usize, part: fn(&str) -> Vec<&str>| {
            texts(column).flat_map(part).map(display_width).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> = columns.clone().map(|column| longest(column, words)).collect();
        let wanted: Vec<usize> = columns.map(|column| longest(column, lines)).collect();
        let gaps = GAP * self.headers.len().saturating_sub(1);
        let mut left = width.checked_sub(gaps + widths.iter().sum::<usize>())?;
        // Columns that lack little get space first: a date in one line is worth more than a text
        // that needs one line less.
        let mut lacking: Vec<usize> = (0..widths.len()).collect();
        lacking.sort_by_key(|column| wanted[*column].saturating_sub(widths[*column]));
        for (served, column) in lacking.iter().enumerate() {
            let share = left / (lacking.len() - served);
            let more = wanted[*column].saturating_sub(widths[*column]).min(share);
            widths[*column] += more;
            left -= more;
        }
        Some(widths)
    }

    fn table(&self, widths: &[usize], paint: Paint) -> Vec<String> {
        let headers =
            self.headers.iter().map(|name| Cell::toned(*name, Some(Tone::Quiet))).collect();
        let has_headers = self.headers.iter().any(|name| !name.is_empty());
        let rows = std::iter::once(&headers).filter(|_| has_headers).chain(&self.rows);
        rows.flat_map(|row| row_lines(row, widths, paint)).collect()
    }

    /// Each row as a line with its first cell and the coloured cells, and the other cells below.
    fn blocks(&self, width: usize, paint: Paint) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            let [first, rest @ ..] = row.as_slice() else { continue };
            let mut left = width.saturating_sub(display_width(&first.text));
            let mut title = paint.put(Tone::Strong, &first.text);
            let mut said: Vec<String> = Vec::new();
            let named = rest.iter().zip(self.headers.iter().skip(1));
            for (cell, name) in named.filter(|(cell, _)| !cell.text.is_empty()) {
                let needed = GAP + display_width(&cell.text);
                if let Some(tone) =
                    cell.tone.filter(|_| needed <= left && !cell.text.contains('\n'))
                {
                    left -= needed;
                    title += &(" ".repeat(GAP) + &paint.put(tone, &cell.text));
                } else {
                    said.push(format!("{name} {}", cell.text).trim().to_owned());
                }
            }
            lines.push(title);
            let (short, long): (Vec<_>, Vec<_>) =
                said.into_iter().partition(|text| !text.contains('\n'));
            // The space before the dot is not a line break opportunity.
            let short = Some(short.join("\u{a0}· ")).filter(|text| !text.is_empty());
            for text in short.iter().chain(&long) {
                lines.extend(text.lines().flat_map(|line| wrapped(line, width, (INDENT, INDENT))));
            }
        }
        lines
    }
}

/// The lines of a row: as many as its highest cell has.
fn row_lines(row: &[Cell], widths: &[usize], paint: Paint) -> Vec<String> {
    let cells: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| {
            cell.text.lines().flat_map(|line| wrapped(line, *width, (0, 0))).collect()
        })
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts = row.iter().zip(&cells).zip(widths).map(|((cell, lines), width)| {
            let text = lines.get(at).map_or("", String::as_str);
            let padding = " ".repeat(width.saturating_sub(display_width(text)) + GAP);
            cell.tone.map_or_else(|| text.to_owned(), |tone| paint.put(tone, text)) + &padding
        });
        parts.collect::<String>()
    };
    (0..height).map(line).collect()
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.drawn(table_width(), Paint::of_stdout()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Listing {
        let mut runs = Listing::new(["run", "status", "started (UTC)", "missing"]);
        runs.add([
            Cell::id("261123-094519-Guy Wilson"),
            Cell::toned("Completed with Errors", Some(Tone::Warning)),
            Cell::id("2026-11-23 09:45"),
            "chunk 2 of the plan IMWhSz8Df0ytWalS961bKQ".into(),
        ]);
        runs.add([Cell::id("261123-100000-Ada"), "Running".into(), "".into(), "".into()]);
        runs
    }

    fn drawn(width: usize) -> String {
        runs().drawn(width, Paint::always(false))
    }

    #[test]
    fn a_wide_terminal_gets_a_line_for_each_row() {
        assert_eq!(
            drawn(120).lines().collect::<Vec<_>>(),
            [
                "run                       status                 started (UTC)     missing",
                "261123-094519-Guy Wilson  Completed with Errors  2026-11-23 09:45  chunk 2 of the plan IMWhSz8Df0ytWalS961bKQ",
                "261123-100000-Ada         Running",
            ]
        );
    }

    #[test]
    fn every_width_from_60_columns_up_is_kept_and_no_id_is_broken() {
        for width in 60..130 {
            let text = drawn(width);
            for line in text.lines() {
                assert!(display_width(line) <= width, "{width}: {line}");
            }
            for id in ["261123-094519-Guy Wilson", "IMWhSz8Df0ytWalS961bKQ", "261123-100000-Ada"] {
                assert!(text.contains(id), "{width}: {text}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_gets_a_few_lines_for_each_row() {
        assert_eq!(
            drawn(60).lines().collect::<Vec<_>>(),
            [
                "261123-094519-Guy Wilson  Completed with Errors",
                "  started (UTC) 2026-11-23 09:45 · missing chunk 2 of the",
                "  plan IMWhSz8Df0ytWalS961bKQ",
                "261123-100000-Ada",
                "  status Running",
            ]
        );
    }

    #[test]
    fn colours_change_no_width() {
        let painted = runs().drawn(120, Paint::always(true));
        assert!(painted.contains("\u{1b}["), "{painted}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), drawn(120));
    }
}
