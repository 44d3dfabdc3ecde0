//! The texts of a run record, for people: bounded, stable, times in UTC.

use super::answers;
use super::day_line::day_line;
use super::field_note::FieldNote;
use super::lines::{Line, bounded};
use super::reason::Reason;
use super::words::leads_in_words;
use crate::core::counted::counted;
use crate::core::tokens::Tier;
use crate::fold::Summary;
use crate::messages::{HarvestStatus, Kind, NoteKind, OpenedBy};

const MAX_EXAMPLES: usize = 3;
/// Most Apify runs of a record, 18 characters each.
const MAX_APIFY_RUNS: usize = 2_000;
/// Most days that a record lists tokens of.
const MAX_DAYS: usize = 40;

/// The Apify runs, one a line, oldest first; of very many the newest. Airtable refuses a text of
/// more than 100,000 characters.
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

/// The tokens of each UTC day on which some were billed, a day a line, oldest first: the latest
/// 40 days.
pub(super) fn tokens_by_day(summary: &Summary) -> String {
    let days = &summary.tokens_by_day;
    let latest = days.iter().skip(days.len().saturating_sub(MAX_DAYS));
    let lines: Vec<String> = latest.map(|(day, tokens)| day_line(*day, *tokens)).collect();
    lines.join("\n")
}

/// `balanced`, or what is off.
pub(super) fn balance(summary: &Summary) -> String {
    match summary.imbalances.as_slice() {
        [] => "balanced".to_owned(),
        found => bounded(found.iter().map(|found| Line::new("imbalance", found.clone()))),
    }
}

pub(super) fn progress_log(summary: &Summary) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for (at, by) in &summary.opened {
        let line = match by {
            OpenedBy::Webhook(run) => format!("opened by the webhook of Apify run {run}"),
            OpenedBy::ScoreWaiting { kind, .. } => {
                format!("opened to score the {}s that are waiting", kind.as_str())
            }
        };
        lines.push(Line::at(*at, "opened", line));
    }
    for (at, harvest) in &summary.harvests {
        let cost = match summary.costs_elsewhere.get(&harvest.apify_run) {
            Some(run) => format!("cost on run {run}"),
            None => harvest.cost.map_or("cost unknown".to_owned(), |cost| cost.to_string()),
        };
        lines.push(Line::at(
            *at,
            "harvested",
            format!(
                "harvested {} of {} (Apify run {}, {}, {cost})",
                counted(harvest.posts, "post"),
                counted(harvest.targets, "profile"),
                harvest.apify_run,
                harvest.status.as_str(),
            ),
        ));
    }
    let nothing_planned = summary.failures.iter().any(|(_, about, _)| about.is_none());
    for (at, kind, leads) in &summary.planned {
        if *leads == 0 && nothing_planned {
            continue;
        }
        lines.push(Line::at(*at, "planned", planned(summary, *kind, *leads)));
    }
    for milestone in &summary.milestones {
        let done = format!("{} of {} chunks done", milestone.done, milestone.of);
        lines.push(Line::at(milestone.at, "chunks done", done));
    }
    for (at, _, reason) in &summary.failures {
        lines.push(Line::at(*at, "failed", reason.clone()));
    }
    if let Some(ended_at) = summary.ended_at {
        let finished = format!("finished: {}", leads_in_words(summary));
        lines.push(Line::at(ended_at, "finished", finished));
    }
    lines.sort_by_key(Line::moment);
    bounded(lines)
}

fn planned(summary: &Summary, kind: Kind, leads: usize) -> String {
    let is_waiting =
        |by: &OpenedBy| matches!(by, OpenedBy::ScoreWaiting { kind: known, .. } if *known == kind);
    if leads == 0 && summary.opened.iter().any(|(_, by)| is_waiting(by)) {
        return format!("planned: no leads wait for {} scoring", kind.as_str());
    }
    let leads = counted(leads as u64, "lead");
    format!("planned {} scoring of {leads}", kind.as_str())
}

/// The six answers, then one line per notable thing.
pub(super) fn system_notes(summary: &Summary, fields: &[FieldNote]) -> String {
    let answers = answers::answers(summary, fields);
    let notes = summary.notes.iter();
    let mut lines: Vec<Line> =
        notes.map(|(at, note)| Line::at(*at, noted(note.kind), note.text.clone())).collect();
    lines.extend(conditions(summary).into_iter().map(|text| Line::new("condition", text)));
    lines.extend(fields.iter().map(|note| Line::new("field not written", note.in_words())));
    let answers = bounded(answers.into_iter().map(|text| Line::new("answer", text)));
    if lines.is_empty() { answers } else { format!("{answers}\n{}", bounded(lines)) }
}

fn noted(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Record => "about the record",
        NoteKind::Input => "about what came in",
        NoteKind::Stalled => "stalled",
    }
}

fn conditions(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, harvest) in &summary.harvests {
        if harvest.status != HarvestStatus::Succeeded {
            lines.push(format!(
                "Apify run {} ended {}: what its dataset holds was used; harvest the rest again",
                harvest.apify_run,
                harvest.status.as_str()
            ));
        }
        match summary.costs_elsewhere.get(&harvest.apify_run) {
            Some(run) => lines.push(format!(
                "what Apify run {} cost stands on the record of run {run}, which named it first",
                harvest.apify_run
            )),
            None if harvest.cost.is_none() => {
                lines.push(format!("Apify reports no cost for run {}", harvest.apify_run));
            }
            None => {}
        }
    }
    lines.extend(accounts(summary));
    if summary.not_leads > 0 {
        lines.push(format!(
            "{} without a lead of this client; the posts are unmatched{}",
            counted(summary.not_leads, "harvested profile"),
            named(&summary.first_not_leads, summary.not_leads)
        ));
    }
    if summary.posts_left_out > 0 {
        lines.push(format!(
            "{} left out: Posts Content of their leads has no room{}",
            counted(summary.posts_left_out, "harvested post"),
            named(&summary.first_left_out, summary.posts_left_out)
        ));
    }
    for (reason, count) in &summary.skips {
        lines.push(format!("{} skipped: {}", counted(*count, "lead"), reason.as_str()));
    }
    if !summary.models.is_empty() {
        let models: Vec<&str> = summary.models.iter().map(String::as_str).collect();
        lines.push(format!("answered by {}", models.join(", ")));
    }
    for (asked, answered) in &summary.rerouted {
        lines.push(format!(
            "model {asked} was asked, and {answered} answered: its price counts; check GEMINI_MODEL"
        ));
    }
    if summary.tiers.keys().any(|tier| *tier != Tier::Standard) {
        let tiers = summary.tiers.iter().map(|(tier, answers)| format!("{answers} {tier}"));
        let tiers = tiers.collect::<Vec<_>>().join(", ");
        lines.push(format!("answers by the tier that served them: {tiers}"));
    }
    for model in &summary.unpriced_models {
        lines.push(format!(
            "model {model} has no price: its tokens are counted, but are in no cost; add its price"
        ));
    }
    lines
}

/// Where items and targets went that are no lead's, by reason.
fn accounts(summary: &Summary) -> Vec<String> {
    let account = &summary.account;
    let unknown = account.unknown.values().map(|unknown| {
        let (targets, why) = (counted(unknown.count, "target"), unknown.reason.as_str());
        format!("{targets} unknown: {why}{}", named(&unknown.first, unknown.count.into()))
    });
    let unused = account.unused.values().map(|unused| {
        let (items, why) = (counted(unused.count, "item"), unused.reason.as_str());
        format!("{items} not used: {why}{}", named(&unused.first, unused.count.into()))
    });
    unknown.chain(unused).collect()
}

/// The names of the first of so many, in brackets.
fn named(first: &[String], of: u64) -> String {
    let more = if of > first.len() as u64 { ", …" } else { "" };
    if first.is_empty() { String::new() } else { format!(" ({}{more})", first.join(", ")) }
}

/// Errors by category with the first examples.
pub(super) fn error_details(summary: &Summary) -> String {
    let failures = summary.failures.iter();
    let mut lines: Vec<Line> =
        failures.map(|(.., reason)| Line::new("failure", reason.clone())).collect();
    if !summary.errors.is_empty() {
        let counts: Vec<String> = summary
            .errors
            .iter()
            .map(|(category, examples)| format!("{} {}", category.as_str(), examples.len()))
            .collect();
        lines.push(Line::new("counts", counts.join(" · ")));
    }
    for category in summary.errors.keys() {
        let reason = Reason::Leads(*category);
        let (why, next) = (reason.in_words(), reason.next_step());
        let text = format!("{}: {why}; next: {next}", category.as_str());
        lines.push(Line::new("category", text));
    }
    for (category, examples) in &summary.errors {
        for (record, detail) in examples.iter().take(MAX_EXAMPLES) {
            let lead = record.as_ref().map_or("lead not looked up", |record| record.as_str());
            let text = format!("{lead}: {}: {detail}", category.as_str());
            lines.push(Line::new("lead", text));
        }
        if examples.len() > MAX_EXAMPLES {
            let text = format!("… {} more {}", examples.len() - MAX_EXAMPLES, category.as_str());
            lines.push(Line::new("category", text));
        }
    }
    bounded(lines)
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
