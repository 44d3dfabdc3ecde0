//! Checks that a record's numbers add up, and reports the differences.

use super::account;
use super::summary::{KindSummary, Summary};
use crate::core::counted::counted;

/// What does not add up on a run record; empty if everything does.
pub(super) fn imbalances(summary: &Summary) -> Vec<String> {
    let mut found = contradictions(summary);
    found.extend(account::gaps(summary));
    for (what, totals) in summary.kinds() {
        if totals.unobserved > 0 {
            found.push(format!(
                "{what} tokens: {} unobserved, whatever was used there is not counted",
                counted(totals.unobserved, "model call")
            ));
        }
    }
    found.extend(at_least(summary));
    found
}

/// Why the cost is only a lower bound, if it is.
fn at_least(summary: &Summary) -> Option<String> {
    let sum = |count: fn(&KindSummary) -> u64| count(&summary.posts) + count(&summary.profiles);
    let reasons: Vec<String> = [
        (sum(|kind| kind.unobserved), "call", "without usage"),
        (sum(|kind| kind.unclear), "call", "with unclear usage"),
        (sum(|kind| kind.unpriced), "answer", "without a price"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
    .collect();
    let cost = summary.ai_cost;
    (!reasons.is_empty()).then(|| format!("cost is at least {cost}: {}", reasons.join(", ")))
}

impl Summary {
    /// Whether the model's real cost may be higher than the known cost.
    pub fn cost_is_at_least(&self) -> bool {
        self.kinds().iter().any(|(_, kind)| kind.cost_is_at_least())
    }
}

/// Numbers that contradict each other. A contradiction is a bug in this system. The tokens of an
/// unobserved call are not one: they are known to be missing.
fn contradictions(summary: &Summary) -> Vec<String> {
    let mut found = Vec::new();
    for (what, totals) in summary.kinds() {
        leads(what, totals, summary.status.is_end(), &mut found);
        tokens(what, totals, &mut found);
    }
    for (_, harvested) in &summary.harvests {
        found.extend(account::contradictions(harvested));
    }
    let accounted = summary.posts_matched + summary.posts_unmatched + summary.posts_open;
    // A plan arrives chunk by chunk, so before the end some posts are in no chunk yet.
    if summary.status.is_end() && summary.posts_harvested != accounted {
        found.push(format!(
            "posts: {} harvested, but {} matched + {} unmatched + {} open = {accounted}",
            summary.posts_harvested,
            summary.posts_matched,
            summary.posts_unmatched,
            summary.posts_open,
        ));
    }
    found
}

impl Summary {
    /// Whether numbers contradict each other. Calls with unknown usage are not a contradiction.
    pub fn contradicts_itself(&self) -> bool {
        !contradictions(self).is_empty()
    }
}

fn leads(what: &str, totals: &KindSummary, ended: bool, found: &mut Vec<String>) {
    let counts = &totals.leads;
    let settled = counts.scored + counts.skipped + counts.failed;
    if counts.planned != settled + counts.open {
        found.push(format!(
            "{what} leads: {} planned, but {} scored + {} skipped + {} failed + {} open = {}",
            counts.planned,
            counts.scored,
            counts.skipped,
            counts.failed,
            counts.open,
            settled + counts.open,
        ));
    }
    if ended && counts.open > 0 {
        found.push(format!("{what} leads: {} left open by chunks that are done", counts.open));
    }
}

fn tokens(what: &str, totals: &KindSummary, found: &mut Vec<String>) {
    let tokens = &totals.tokens;
    if tokens.total != tokens.parts() {
        found.push(format!(
            "{what} tokens: {} in all, but {} prompt + {} output + {} thoughts + {} tool = {}",
            tokens.total,
            tokens.prompt,
            tokens.output,
            tokens.thoughts,
            tokens.tool,
            tokens.parts(),
        ));
    }
}
