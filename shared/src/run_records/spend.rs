//! What a run spent: tokens and money. Amounts of zero are omitted.

use super::words::{and_list, many, named, tokens_in_words, verb};
use crate::core::tokens::{NanoUsd, Tier};
use crate::fold::Summary;
use crate::messages::Kind;

/// The section of System Notes, one line per subject.
pub(super) fn spend(summary: &Summary) -> Vec<String> {
    let mut lines = tokens(summary);
    lines.extend(unknown(summary));
    let refused = summary.posts.refused + summary.profiles.refused;
    if refused > 0 {
        let cost = verb(refused, "That costs nothing", "They cost nothing");
        lines.push(format!("The model refused {}. {cost}.", many(refused, "call")));
    }
    lines.extend(models(summary));
    if lines.is_empty() {
        let is_asked = summary.posts.calls + summary.profiles.calls > 0;
        let why =
            if is_asked { "The model has not answered yet." } else { "The model was not asked." };
        lines.push(why.to_owned());
    }
    lines.extend(harvests(summary));
    lines
}

fn tokens(summary: &Summary) -> Vec<String> {
    [(Kind::Post, &summary.posts), (Kind::Profile, &summary.profiles)]
        .into_iter()
        .filter(|(_, totals)| totals.tokens.total > 0)
        .map(|(kind, totals)| {
            let at_least = if totals.cost_is_at_least() { "at least " } else { "" };
            format!("Model: {at_least}{}, {}.", totals.cost, tokens_in_words(kind, totals))
        })
        .collect()
}

/// What is unknown about the tokens and the cost.
fn unknown(summary: &Summary) -> Vec<String> {
    let unobserved = summary.posts.unobserved + summary.profiles.unobserved;
    let unclear = summary.posts.unclear + summary.profiles.unclear;
    let mut lines = Vec::new();
    if unobserved > 0 {
        let (calls, its) = (many(unobserved, "call"), verb(unobserved, "its", "their"));
        let was = verb(unobserved, "was", "were");
        lines.push(format!(
            "{calls} of the model {was} lost on the way: {its} tokens are not known."
        ));
    }
    if unclear > 0 {
        let (answers, does) = (many(unclear, "answer"), verb(unclear, "does", "do"));
        lines.push(format!("{answers} of the model {does} not say exactly what was used."));
    }
    lines
}

fn models(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    if !summary.models.is_empty() {
        let models: Vec<String> = summary.models.iter().cloned().collect();
        lines.push(format!("Answered by {}.", and_list(&models)));
    }
    if summary.tiers.keys().any(|tier| *tier != Tier::Standard) {
        let tiers = summary.tiers.iter();
        let tiers =
            tiers.map(|(tier, answers)| format!("{} at the tier {tier}", many(*answers, "answer")));
        lines.push(format!("Served: {}.", and_list(&tiers.collect::<Vec<_>>())));
    }
    lines
}

fn harvests(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(cost) = summary.harvest_cost.filter(|cost| *cost > NanoUsd::default()) {
        lines.push(format!("Apify: {cost}."));
    }
    for (harvest, run) in &summary.costs_elsewhere {
        lines.push(format!(
            "The cost of Apify run {harvest} is on the record of run {run}, which named it first."
        ));
    }
    let silent: Vec<String> =
        summary.harvests_without_cost.iter().map(ToString::to_string).collect();
    if !silent.is_empty() {
        let (count, shown) = (silent.len() as u64, &silent[..silent.len().min(3)]);
        let runs = many(count, "harvest");
        lines.push(format!("Apify reports no cost for {runs}{}.", named(shown, count)));
    }
    lines
}
