//! The lines of a text field: without repetitions, limited in number, with the oldest summarised.

use crate::core::text;
use jiff::Timestamp;
use std::collections::BTreeMap;

const MAX_LINES: usize = 60;
/// In UTF-16 units.
const MAX_LINE: usize = 400;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What the line is about, in a few words. Omitted lines are counted by it.
    about: &'static str,
    /// The time shown at the start of the line.
    at: Option<Timestamp>,
    text: String,
}

impl Line {
    pub(super) fn new(about: &'static str, text: String) -> Self {
        Self { about, at: None, text }
    }

    pub(super) fn at(at: Timestamp, about: &'static str, text: String) -> Self {
        Self { about, at: Some(at), text }
    }

    pub(super) fn moment(&self) -> Option<Timestamp> {
        self.at
    }

    fn shown(&self) -> String {
        let line = match self.at {
            Some(at) => format!("{} {}", in_utc(at), self.text),
            None => self.text.clone(),
        };
        text::bounded(&line, MAX_LINE)
    }
}

/// The lines as one text. If there are too many, the first ones are replaced by one line that says
/// how many there were of each kind, and from when.
pub(super) fn bounded(lines: impl IntoIterator<Item = Line>) -> String {
    let mut unique: Vec<(Line, String)> = Vec::new();
    for line in lines {
        let shown = line.shown();
        if !unique.iter().any(|(_, known)| *known == shown) {
            unique.push((line, shown));
        }
    }
    let mut shown: Vec<String> = Vec::new();
    if unique.len() > MAX_LINES {
        let newest = unique.split_off(unique.len() - (MAX_LINES - 1));
        shown.push(summarised(unique.iter().map(|(line, _)| line)));
        unique = newest;
    }
    shown.extend(unique.into_iter().map(|(_, shown)| shown));
    shown.join("\n")
}

fn summarised<'a>(left_out: impl Iterator<Item = &'a Line> + Clone) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in left_out.clone() {
        *counts.entry(line.about).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let counts: Vec<String> =
        counts.into_iter().map(|(about, count)| format!("{count} × {about}")).collect();
    let moments = left_out.filter_map(Line::moment);
    let span = match (moments.clone().min(), moments.max()) {
        (Some(first), Some(last)) => format!(" ({} to {})", in_utc(first), in_utc(last)),
        _ => String::new(),
    };
    format!("… {all} earlier lines: {}{span}", counts.join(", "))
}

/// A time as shown in every text of a record, such as `2026-11-23 10:06:30 UTC`.
pub fn in_utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn plain(text: &str) -> Line {
        Line::new("line", text.to_owned())
    }

    #[test]
    fn a_text_says_no_line_twice_and_no_line_is_endless() {
        assert_eq!(bounded(["a", "b", "a"].map(plain)), "a\nb");
        assert_eq!(bounded([plain(&"x".repeat(1000))]).chars().count(), MAX_LINE);
    }

    #[test]
    fn of_too_many_lines_the_newest_stay_and_the_oldest_are_summarised() {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let lines = (0..100).map(|minute| {
            let about = if minute % 4 == 0 { "opened" } else { "harvested" };
            let at = start + SignedDuration::from_mins(minute);
            Line::at(at, about, format!("line {minute}"))
        });
        let text = bounded(lines);
        assert_eq!(text.lines().count(), MAX_LINES);
        assert_eq!(
            text.lines().next(),
            Some(
                "… 41 earlier lines: 30 × harvested, 11 × opened \
                 (2026-11-23 10:00:00 UTC to 2026-11-23 10:40:00 UTC)"
            )
        );
        assert_eq!(text.lines().nth(1), Some("2026-11-23 10:41:00 UTC line 41"));
        assert_eq!(text.lines().last(), Some("2026-11-23 11:39:00 UTC line 99"));
    }

    #[test]
    fn as_many_lines_as_fit_are_shown_as_they_are() {
        let text = bounded((0..MAX_LINES).map(|n| plain(&n.to_string())));
        assert_eq!((text.lines().count(), text.lines().next()), (MAX_LINES, Some("0")));
        let text = bounded((0..=MAX_LINES).map(|n| plain(&n.to_string())));
        assert_eq!(text.lines().next(), Some("… 2 earlier lines: 2 × line"));
    }
}
