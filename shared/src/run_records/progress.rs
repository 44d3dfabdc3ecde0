//! The Progress Log: what happened when, including waits and outages with their reasons.

use super::lines::{Line, bounded, in_utc};
use super::todo::ended_in_words;
use super::words::{many, sentence, verb, what_was_done};
use crate::core::text;
use crate::fold::{Outage, PlanSize, Summary};
use crate::messages::{ErrorCategory, Harvested, OpenedBy};

/// Longest message of the model in a line, in UTF-16 units.
const MAX_SAID: usize = 200;

pub(super) fn progress_log(summary: &Summary) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for (at, by) in &summary.opened {
        let line = match by {
            OpenedBy::Webhook(run) => format!("Apify's webhook announced the harvest {run}."),
            OpenedBy::ScoreWaiting { kind, .. } => {
                format!("Asked to score the {}s that are waiting.", kind.as_str())
            }
        };
        lines.push(Line::at(*at, "opened", line));
    }
    for (at, harvest) in &summary.harvests {
        lines.push(Line::at(*at, "harvested", harvested(summary, harvest)));
    }
    let nothing_planned = summary.failures.iter().any(|(_, about, _)| about.is_none());
    for plan in &summary.planned {
        if plan.leads > 0 || !nothing_planned {
            lines.push(Line::at(plan.at, "planned", planned(summary, plan)));
        }
    }
    for milestone in &summary.milestones {
        let (done, of) = (milestone.done as u64, milestone.of as u64);
        let line = format!("{done} of {} {} done.", many(of, "chunk"), verb(done, "is", "are"));
        lines.push(Line::at(milestone.at, "chunks done", line));
    }
    lines.extend(waits(summary));
    lines
        .extend(summary.outages.iter().map(|outage| Line::at(outage.from, "outage", away(outage))));
    for (at, ..) in &summary.failures {
        let line = "Nothing could be planned: see Error Details.".to_owned();
        lines.push(Line::at(*at, "failed", line));
    }
    if let Some(ended_at) = summary.ended_at {
        let finished = format!("Finished{}.", what_was_done(summary));
        lines.push(Line::at(ended_at, "finished", finished));
    }
    lines.sort_by_key(Line::moment);
    bounded(lines)
}

fn harvested(summary: &Summary, harvest: &Harvested) -> String {
    let Harvested { apify_run, posts, targets, .. } = harvest;
    let ended = ended_in_words(harvest.status).map(|ended| format!(" It {ended}."));
    let cost = harvest.cost.filter(|_| !summary.costs_elsewhere.contains_key(apify_run));
    let cost = cost.map(|cost| format!(" for {cost}")).unwrap_or_default();
    let (profiles, ended) = (many((*targets).into(), "profile"), ended.unwrap_or_default());
    let has_no_items = harvest.account.as_ref().is_some_and(|account| account.items == 0);
    if has_no_items && harvest.plan.is_none() {
        // Whether these profiles have posts is not known.
        return format!(
            "Found no readable items in the harvest {apify_run} of {profiles}{cost}.{ended}"
        );
    }
    let posts = if *posts == 0 { "no posts".to_owned() } else { many((*posts).into(), "post") };
    format!("Read the harvest {apify_run}: {posts} of {profiles}{cost}.{ended}")
}

fn planned(summary: &Summary, plan: &PlanSize) -> String {
    let kind = plan.kind;
    let asked = summary
        .opened
        .iter()
        .any(|(_, by)| matches!(by, OpenedBy::ScoreWaiting { kind: known, .. } if *known == kind));
    let again = if plan.is_replay { " again" } else { "" };
    match plan.leads as u64 {
        0 if asked => format!("No leads wait for {} scoring.", kind.as_str()),
        0 => format!("No leads have to be scored{again}."),
        leads => format!("Planned {} scoring of {}{again}.", kind.as_str(), many(leads, "lead")),
    }
}

/// The waits that notes report. System Notes say whether the run still waits.
fn waits(summary: &Summary) -> impl Iterator<Item = Line> {
    let waits = summary.notes.iter().filter_map(|(at, note)| Some((at, note.wait_reason()?)));
    waits.map(|(at, why)| Line::at(*at, "wait", sentence(&format!("had to wait: {why}"))))
}

/// A period in which the model answered no call.
fn away(outage: &Outage) -> String {
    let until = match outage.until {
        Some(at) => format!(" until {}", in_utc(at)),
        None => String::new(),
    };
    let calls = many(outage.calls, "call");
    match &outage.halt {
        Some(halt) => {
            let why = if halt.category == ErrorCategory::NoCredit {
                "its credit was used up"
            } else {
                "it did not accept the key"
            };
            let says = text::bounded(&halt.detail, MAX_SAID);
            format!("The model answered nothing{until}: {why} ({says}).")
        }
        None => format!(
            "The model gave no answer to {calls}{until}: it refused them, or their answers were lost."
        ),
    }
}
