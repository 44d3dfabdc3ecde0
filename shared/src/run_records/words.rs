//! Numbers and lists as people read them.

use crate::core::counted::counted;
use crate::fold::{KindSummary, Summary};
use crate::messages::Kind;
use std::fmt::Write as _;

pub(super) fn leads_in_words(summary: &Summary) -> String {
    let mut words = Vec::new();
    for (what, totals) in [("posts", &summary.posts), ("profiles", &summary.profiles)] {
        let leads = &totals.leads;
        if leads.planned > 0 {
            words.push(format!(
                "{what}: {} = {} scored + {} skipped + {} failed",
                counted(leads.planned, "lead"),
                leads.scored,
                leads.skipped,
                leads.failed
            ));
        }
    }
    if words.is_empty() { "there was nothing to score".to_owned() } else { words.join("; ") }
}

pub(super) fn tokens_in_words(kind: Kind, totals: &KindSummary) -> String {
    let tokens = &totals.tokens;
    let mut line = format!(
        "{} {} = {} prompt ({} cached, {} %) + {} output + {} thoughts + {} tool",
        kind.as_str(),
        tokens.total,
        tokens.prompt,
        tokens.cached,
        (tokens.cached * 100).checked_div(tokens.prompt).unwrap_or_default(),
        tokens.output,
        tokens.thoughts,
        tokens.tool
    );
    if tokens.unsplit > 0 {
        let _ = write!(line, " + {} not told apart", tokens.unsplit);
    }
    if totals.unobserved > 0 {
        let _ = write!(line, "; {} unobserved, tokens unknown", counted(totals.unobserved, "call"));
    }
    line
}

pub(super) fn bounded_list(items: &[String]) -> String {
    let shown: Vec<&str> = items.iter().take(5).map(String::as_str).collect();
    let more = items.len() - shown.len();
    let list = shown.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}
