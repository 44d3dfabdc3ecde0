//! The texts of a run record for people: bounded, stable, with times in UTC.

use super::day_line::day_line;
use super::field_note::FieldNote;
use super::headline::headline;
use super::lines::{Line, bounded};
use super::normal::normal;
use super::spend::spend;
use super::todo::todo;
use crate::fold::{Status, Summary};
use crate::messages::OpenedBy;

/// Most Apify runs listed on a record, 18 characters each.
const MAX_APIFY_RUNS: usize = 2_000;
/// Most days in the field Tokens by Day.
const MAX_DAYS: usize = 40;

/// The Apify runs, one per line, oldest first. If there are too many, only the newest: Airtable
/// refuses a text of more than 100,000 characters.
pub(super) fn apify_runs(summary: &Summary) -> String {
    let mut runs: Vec<&str> = Vec::new();
    let opened = summary.opened.iter().filter_map(|(_, by)| match by {
        OpenedBy::Webhook(run) => Some(run),
        OpenedBy::ScoreWaiting { .. } => None,
    });
    let harvested = summary.harvests.iter().map(|(_, harvest)| &harvest.apify_run);
    for run in opened.chain(harvested) {
        if !runs.contains(&run.as_str()) {
            runs.push(run.as_str());
        }
    }
    let left_out = runs.len().saturating_sub(MAX_APIFY_RUNS);
    let shown = runs.split_off(left_out).join("\n");
    if left_out == 0 { shown } else { format!("… {left_out} earlier\n{shown}") }
}

/// The tokens of each UTC day with billed tokens, one day per line, oldest first. Only the latest
/// 40 days.
pub(super) fn tokens_by_day(summary: &Summary) -> String {
    let days = &summary.tokens_by_day;
    let latest = days.iter().skip(days.len().saturating_sub(MAX_DAYS));
    let lines: Vec<String> = latest.map(|(day, tokens)| day_line(*day, *tokens)).collect();
    lines.join("\n")
}

/// `balanced`, or the differences.
pub(super) fn balance(summary: &Summary) -> String {
    match summary.imbalances.as_slice() {
        [] => "balanced".to_owned(),
        found => bounded(found.iter().map(|found| Line::new("imbalance", found.clone()))),
    }
}

/// The status with the result, then things to do, things worth knowing, and what was spent.
pub(super) fn system_notes(
    summary: &Summary,
    fields: &[FieldNote],
    has_retry: Option<bool>,
) -> String {
    let mut sections = vec![headline(summary).join("\n")];
    let todo = todo(summary, fields, has_retry);
    sections.push(match (todo.is_empty(), summary.status) {
        (false, _) => format!("To do:\n{}", todo.join("\n")),
        (true, Status::Running) => "Nothing to do: the run continues automatically.".to_owned(),
        (true, _) => "Nothing to do.".to_owned(),
    });
    let normal = normal(summary);
    if !normal.is_empty() {
        sections.push(format!("Good to know:\n{}", bounded(normal)));
    }
    let spent = spend(summary).into_iter().map(|text| Line::new("cost", text));
    sections.push(format!("Spent:\n{}", bounded(spent)));
    sections.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::story::Story;

    #[test]
    fn of_very_many_harvests_the_newest_are_named_and_the_others_counted() {
        let harvest = |n: usize| format!("Harvest{n:010}");
        let all = MAX_APIFY_RUNS + 3;
        let story = (0..all).fold(Story::new(), |story, n| {
            story.opened_by(OpenedBy::Webhook(harvest(n).parse().unwrap()))
        });
        let cell = apify_runs(&story.summary());
        assert!(cell.starts_with(&format!("… 3 earlier\n{}\n", harvest(3))), "{}", &cell[..60]);
        assert!(cell.ends_with(&harvest(all - 1)));
        assert!(cell.encode_utf16().count() < 100_000, "more is refused by Airtable");
    }
}
