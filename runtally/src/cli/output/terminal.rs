//! The terminal: how wide it is, and text that fits it.

use std::io::{IsTerminal, Result, Write};
use textwrap::{Options, WordSeparator, WordSplitter};

/// Columns of a table that is not shown on a terminal.
const UNKNOWN_WIDTH: usize = 110;
/// A narrower terminal breaks the lines itself.
const NARROWEST: usize = 40;
/// Replaces a space in an id, so that no line breaks there.
const NO_BREAK: char = '\u{a0}';

/// The columns of the terminal, or the value of `COLUMNS`; `None` for a pipe or a file.
fn columns() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || std::io::stdout().is_terminal().then(textwrap::termwidth);
    named.filter(|columns| *columns > 0).or_else(seen).map(|columns: usize| columns.max(NARROWEST))
}

/// The columns of a table.
pub(super) fn table_width() -> usize {
    columns().unwrap_or(UNKNOWN_WIDTH)
}

/// An id that is never broken, although a client's id may have spaces.
pub(in crate::cli) fn whole(id: &str) -> String {
    id.replace(' ', &NO_BREAK.to_string())
}

/// The text to print: undoes what `whole` replaced.
pub(super) fn printed(text: &str) -> String {
    text.replace(NO_BREAK, " ")
}

/// A line of text for the terminal: broken between words, with further lines indented by `indent`
/// columns. A pipe or a file gets it as one line.
pub(in crate::cli) fn fitted(text: &str, indent: usize) -> String {
    let lines = match columns() {
        Some(width) => wrapped(text, width, (0, indent)),
        None => vec![text.to_owned()],
    };
    printed(&lines.join("\n"))
}

/// The lines of a text that is broken only between words. The first and the further lines are
/// indented by these numbers of columns. A word that is longer than a line stays whole.
pub(super) fn wrapped(text: &str, width: usize, (first, further): (usize, usize)) -> Vec<String> {
    let (first, further) = (" ".repeat(first), " ".repeat(further));
    let options = Options::new(width.max(1))
        .initial_indent(&first)
        .subsequent_indent(&further)
        .break_words(false)
        // Other word separators, or a splitter at hyphens, would break ids.
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Asks a person a yes-or-no question on the terminal.
pub(in crate::cli) fn agrees(question: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A screen that shows one answer after the other: a terminal in the same place, a pipe all of
/// them.
pub(in crate::cli) struct Screen {
    is_terminal: bool,
}

impl Screen {
    pub(in crate::cli) fn of_stdout() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal() }
    }

    /// Replaces what is shown with `text`.
    pub(in crate::cli) fn show(&self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.is_terminal {
            // Moves to the upper left corner and clears everything below.
            write!(out, "\x1b[H\x1b[2J{text}")?;
        } else {
            write!(out, "{text}")?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_between_words_and_never_in_an_id() {
        let id = whole("261123-094519-Guy Wilson-the-Second");
        let lines = wrapped(&format!("the run {id} waits for Apify"), 20, (0, 2));
        let lines: Vec<String> = lines.iter().map(|line| printed(line)).collect();
        assert_eq!(
            lines,
            ["the run", "  261123-094519-Guy Wilson-the-Second", "  waits for Apify"]
        );
    }
}
