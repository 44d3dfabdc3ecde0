//! Six answers about a run: what ran, whether it is done, what failed, tokens, cost, and what to do
//! next.

use super::headline::headline;
use super::reason::Reason;
use super::todo::todo;
use super::words::{bounded_list, many, missing_in_words, tokens_in_words};
use crate::core::text::bounded;
use crate::fold::{Status, Summary};
use crate::messages::Kind;
use std::collections::BTreeSet;

/// Longest client name in an answer, in UTF-16 units.
const MAX_NAME: usize = 80;

/// A question about a run with its answers. Only the question about what to do next can have
/// several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub question: &'static str,
    pub answers: Vec<String>,
}

/// The six answers about a run whose record has all its fields. If the run waits for a person, that
/// comes first.
pub fn answers_of(summary: &Summary) -> Vec<Answer> {
    let reasons = Reason::of(summary, &[]);
    // The things to do as on the record, without the links to rows.
    let todo = todo(summary, &[], None);
    let mut next: Vec<String> =
        todo.iter().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect();
    if next.is_empty() {
        let goes_on = summary.status == Status::Running;
        next.push(
            if goes_on { "nothing; the run continues automatically" } else { "nothing to do" }
                .to_owned(),
        );
    }
    let halt = summary.halt.as_ref().map(|(_, halt)| {
        let halted = Reason::Halted(halt.category);
        let (until, why) = (halted.waits_until(), halted.in_words());
        Answer::new("Waiting", vec![format!("until {until}. Why: {why}; {}", halt.detail)])
    });
    let answers = [
        Answer::new("What ran", vec![what_ran(summary)]),
        Answer::new("Done", vec![done(summary)]),
        Answer::new("Failed", vec![failed(summary, &reasons)]),
        Answer::new("Tokens", vec![tokens(summary)]),
        Answer::new("Cost", vec![cost(summary)]),
        Answer::new("Next", next),
    ];
    halt.into_iter().chain(answers).collect()
}

impl Answer {
    fn new(question: &'static str, answers: Vec<String>) -> Self {
        Self { question, answers }
    }
}

fn what_ran(summary: &Summary) -> String {
    let mut parts = Vec::new();
    for (what, totals) in summary.kinds() {
        if totals.leads.planned > 0 {
            parts.push(format!("{what} scoring of {}", many(totals.leads.planned, "lead")));
        }
    }
    if parts.is_empty() {
        parts.push("nothing was scored".to_owned());
    }
    let harvests = summary.harvests.len() as u64;
    if harvests > 0 && summary.posts_harvested > 0 {
        let posts = many(summary.posts_harvested, "post");
        parts.push(format!("{posts} of {}", many(harvests, "harvest")));
    }
    let name = &summary.header.client_name;
    let client = if name.is_empty() { summary.header.client.as_str() } else { name };
    format!("{}, for {}", parts.join(", "), bounded(client, MAX_NAME))
}

fn done(summary: &Summary) -> String {
    let lines = headline(summary);
    let first = lines.first().map(String::as_str).unwrap_or_default();
    if summary.status.is_end() {
        return first.to_owned();
    }
    format!("{first} Still missing: {}.", missing_in_words(summary))
}

fn failed(summary: &Summary, reasons: &BTreeSet<Reason>) -> String {
    let causes: Vec<String> = summary.failures.iter().map(|(.., why)| why.clone()).collect();
    let causes = bounded_list(&causes);
    let in_words = |reason: &Reason| {
        let words = reason.in_words();
        if let Reason::Leads(category) = reason {
            let leads = summary.errors.get(category).map_or(0, Vec::len) as u64;
            format!("{}: {words}", many(leads, "lead"))
        } else if *reason == Reason::NotPlanned {
            causes.clone()
        } else if *reason == Reason::NotAttributed && !causes.is_empty() {
            format!("{words}: {causes}")
        } else {
            words.to_owned()
        }
    };
    let failed = reasons.iter().filter(|reason| reason.is_failure());
    let failed: Vec<String> = failed.map(in_words).collect();
    if failed.is_empty() { "nothing".to_owned() } else { failed.join("; ") }
}

fn tokens(summary: &Summary) -> String {
    let kinds = [(Kind::Post, &summary.posts), (Kind::Profile, &summary.profiles)];
    let mut lines: Vec<String> = kinds
        .into_iter()
        .filter(|(_, totals)| totals.tokens.total > 0)
        .map(|(kind, totals)| tokens_in_words(kind, totals))
        .collect();
    let sum =
        |count: fn(&crate::fold::KindSummary) -> u64| kinds.map(|(_, k)| count(k)).iter().sum();
    let (unobserved, refused, calls): (u64, u64, u64) =
        (sum(|kind| kind.unobserved), sum(|kind| kind.refused), sum(|kind| kind.calls));
    if unobserved > 0 {
        lines.push(format!("not known for {}: the answers were lost", many(unobserved, "call")));
    }
    if refused > 0 {
        lines.push(format!("the model refused {}", many(refused, "call")));
    }
    match (lines.as_slice(), calls) {
        ([], 0) => "none, the model was not asked".to_owned(),
        ([], _) => "none yet, the model is asked".to_owned(),
        ([only], _) if only.starts_with("the model refused") => format!("none, {only}"),
        (lines, _) => lines.join("; "),
    }
}

fn cost(summary: &Summary) -> String {
    let harvest = match summary.harvest_cost {
        Some(cost) => format!(" + Apify {cost}"),
        None if summary.harvests.is_empty() => String::new(),
        None => "; Apify does not say what the harvest cost".to_owned(),
    };
    let at_least = if summary.cost_is_at_least() { "at least " } else { "" };
    format!("model {at_least}{}{harvest}", summary.ai_cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_records::states::states;

    /// The answer of a state to a question.
    fn answer(state: &str, question: &str) -> String {
        let (_, story) = states().into_iter().find(|(name, _)| *name == state).unwrap();
        let answers = answers_of(&story.summary());
        let answer = answers.into_iter().find(|answer| answer.question == question).unwrap();
        answer.answers.join(" | ")
    }

    #[test]
    fn what_failed_is_answered_with_its_cause_and_how_many_leads_it_hit() {
        let failed = |state| answer(state, "Failed");
        assert_eq!(failed("completed"), "nothing");
        assert_eq!(
            failed("client_not_served"),
            "client \"Guy-Wilson\" has the status \"Paused\" and is not served: set \"Status\" to \
             \"Active\""
        );
        assert_eq!(
            failed("unattributed"),
            "no known client was named for this harvest: neither the webhook nor the table \
             \"Apify\" names a client for Apify run HG7ML7M8z78YcAPEB"
        );
        assert_eq!(
            failed("completed_with_errors"),
            "the harvest did not finish; 1 lead: the model refuses to judge the texts; 1 lead: the \
             model did not answer in time"
        );
        assert_eq!(failed("nothing_scored_of_eight"), "8 leads: the stored posts cannot be read");
    }
}
