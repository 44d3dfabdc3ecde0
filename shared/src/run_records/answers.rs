//! The record explains itself: what ran, is it done, what failed, tokens, cost, what to do.

use super::field_note::FieldNote;
use super::lines::in_utc;
use super::reason::Reason;
use super::words::{bounded_list, leads_in_words, tokens_in_words};
use crate::core::counted::counted;
use crate::core::tokens::NanoUsd;
use crate::fold::{Status, Summary};
use crate::messages::Kind;
use std::collections::BTreeSet;

/// The six answers as the record of a table with all its fields gives them, one a line: a question,
/// a colon, the answer.
pub fn answers_of(summary: &Summary) -> Vec<String> {
    answers(summary, &[])
}

/// The six answers, one a line; a line for each thing to do.
pub(super) fn answers(summary: &Summary, fields: &[FieldNote]) -> Vec<String> {
    let reasons = Reason::of(summary, fields);
    let mut lines = Vec::new();
    if let Some((_, halt)) = &summary.halt {
        let halted = Reason::Halted(halt.category);
        let (why, next) = (halted.in_words(), halted.next_step());
        lines.push(format!("Waiting: {next}. Why: {why}; {}", halt.detail));
    }
    lines.extend([
        format!("What ran: {}", what_ran(summary)),
        format!("Done: {}", done(summary)),
        format!("Failed: {}", failed(summary, &reasons)),
        format!("Tokens: {}", tokens(summary)),
        format!("Cost: {}", cost(summary)),
    ]);
    lines.extend(reasons.iter().map(|reason| format!("Next: {}", reason.next_step())));
    if reasons.is_empty() {
        lines.push("Next: nothing to do".to_owned());
    }
    lines
}

fn what_ran(summary: &Summary) -> String {
    let mut parts = Vec::new();
    for (what, totals) in summary.kinds() {
        if totals.leads.planned > 0 {
            parts.push(format!("{what} scoring of {}", counted(totals.leads.planned, "lead")));
        }
    }
    if parts.is_empty() {
        parts.push("nothing was scored".to_owned());
    }
    let harvests = summary.harvests.len();
    if harvests > 0 {
        let posts = counted(summary.posts_harvested, "post");
        parts.push(format!("{posts} of {}", counted(harvests, "harvest")));
    }
    let name = &summary.header.client_name;
    let client = if name.is_empty() { summary.header.client.as_str() } else { name };
    format!("{}, for {client}", parts.join(", "))
}

fn done(summary: &Summary) -> String {
    let ended = summary.ended_at.map(|at| format!(" at {}", in_utc(at))).unwrap_or_default();
    match summary.status {
        Status::Running => format!("no, it is going on; missing: {}", missing(summary)),
        Status::Stalled => format!(
            "no, nothing moves since {}; stalled; missing: {}",
            in_utc(summary.last_progress),
            missing(summary)
        ),
        Status::Completed => format!("yes{ended}: {}", leads_in_words(summary)),
        Status::CompletedWithErrors => {
            format!("yes{ended}, with errors: {}", leads_in_words(summary))
        }
        Status::Failed => format!("no, it failed{ended}"),
    }
}

fn missing(summary: &Summary) -> String {
    bounded_list(&summary.missing)
}

fn failed(summary: &Summary, reasons: &BTreeSet<Reason>) -> String {
    let leads = summary.posts.leads.failed + summary.profiles.leads.failed;
    let why: Vec<&str> = reasons
        .iter()
        .filter(|reason| reason.is_failure())
        .map(|reason| reason.in_words())
        .collect();
    match (why.is_empty(), leads) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => why.join("; "),
        (false, leads) => format!("{}; {}", counted(leads, "lead"), why.join("; ")),
    }
}

fn tokens(summary: &Summary) -> String {
    let mut lines: Vec<String> = [(Kind::Post, &summary.posts), (Kind::Profile, &summary.profiles)]
        .into_iter()
        .filter(|(_, totals)| totals.tokens.total > 0 || totals.unobserved > 0)
        .map(|(kind, totals)| tokens_in_words(kind, totals))
        .collect();
    let refused = summary.posts.refused + summary.profiles.refused;
    if refused > 0 {
        lines.push(format!("the model refused {}", counted(refused, "call")));
    }
    match lines.as_slice() {
        [] => "none, the model was not asked".to_owned(),
        [only] if only.starts_with("the model refused") => format!("none, {only}"),
        lines => lines.join("; "),
    }
}

fn cost(summary: &Summary) -> String {
    let harvest = match summary.harvest_cost {
        Some(cost) => format!("Apify {cost}"),
        None if summary.harvests.is_empty() => format!("Apify {}", NanoUsd::default()),
        None => "Apify does not say".to_owned(),
    };
    let at_least = if summary.cost_is_at_least() { "at least " } else { "" };
    format!("model {at_least}{} + {harvest}", summary.ai_cost)
}
