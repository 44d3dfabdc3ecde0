//! Numbers, lists and sentences as people write them.

use crate::core::counted::{counted, grouped};
use crate::fold::{KindSummary, LeadCounts, Status, Summary};
use crate::messages::Kind;

/// `text` as a sentence: it begins with a capital letter unless its first word is a name, and ends
/// with a full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    let first = text.split([' ', ',', ':', ';']).next().unwrap_or_default();
    let is_word = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_lowercase());
    let (head, rest) = text.split_at(usize::from(is_word));
    let stop = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{rest}{stop}", head.to_ascii_uppercase())
}

/// `1 lead`, `2,500 leads`.
pub(super) fn many(count: u64, noun: &str) -> String {
    if count == 1 { counted(count, noun) } else { format!("{} {noun}s", grouped(count)) }
}

/// The verb form for `count`, such as `was` or `were`.
pub(super) fn verb(count: u64, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and_list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first items of a list, and how many more there are.
pub(super) fn bounded_list(items: &[String]) -> String {
    let shown: Vec<&str> = items.iter().take(5).map(String::as_str).collect();
    let more = items.len() - shown.len();
    let list = shown.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// What is still missing in a run. Plan ids are removed, because they mean nothing to people.
pub fn missing_in_words(summary: &Summary) -> String {
    let mut missing: Vec<String> = Vec::new();
    for what in &summary.missing {
        let what = what.split(" (plan ").next().unwrap_or(what).to_owned();
        if !missing.contains(&what) {
            missing.push(what);
        }
    }
    if missing.is_empty() { "its record".to_owned() } else { bounded_list(&missing) }
}

/// The names in `first`, in brackets, with `…` if there are more of them in all.
pub(super) fn named(first: &[String], of: u64) -> String {
    let more = if of > first.len() as u64 { ", …" } else { "" };
    if first.is_empty() { String::new() } else { format!(" ({}{more})", first.join(", ")) }
}

/// What became of the leads, by kind of scoring, without counts of zero. To be used after a verb: `
/// post scoring of 4 leads: 3 scored, 1 failed`.
pub(super) fn what_was_done(summary: &Summary) -> String {
    let mut words = Vec::new();
    for (kind, totals) in summary.kinds() {
        let leads = &totals.leads;
        if leads.planned > 0 {
            let counts = [
                (leads.scored, "scored"),
                (leads.skipped, "skipped"),
                (leads.failed, "failed"),
                (leads.open, "open"),
            ];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            let counts: Vec<String> =
                counts.map(|(count, word)| format!("{} {word}", grouped(count))).collect();
            let of = many(leads.planned, "lead");
            words.push(format!("{kind} scoring of {of}: {}", counts.join(", ")));
        }
    }
    match (words.is_empty(), summary.status) {
        (false, _) => format!(" {}", words.join("; ")),
        (true, Status::Failed) => ": nothing was scored".to_owned(),
        (true, _) => ": there was nothing to score".to_owned(),
    }
}

/// The result of an ended run as a clause of the headline: `3 of 4 leads were scored, and 1
/// failed`.
pub(super) fn result_in_words(noun: &str, leads: &LeadCounts) -> String {
    let (scored, all) = (leads.scored, leads.planned);
    let others = [
        (leads.skipped, verb(leads.skipped, "was skipped", "were skipped")),
        (leads.failed, "failed"),
        (leads.open, verb(leads.open, "is open", "are open")),
    ];
    let mut others = others.into_iter().filter(|(count, _)| *count > 0);
    let of_all = match (all, scored) {
        (1, 1) => return format!("1 {noun} was scored"),
        (1, _) => return format!("1 {noun} {}", others.next().map_or("is open", |other| other.1)),
        (_, 0) => format!("none of {} was scored", many(all, noun)),
        _ if scored == all => format!("all {} were scored", many(all, noun)),
        _ => {
            let was = verb(scored, "was", "were");
            format!("{} of {} {was} scored", grouped(scored), many(all, noun))
        }
    };
    let others: Vec<String> =
        others.map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if others.is_empty() { of_all } else { format!("{of_all}, {}", and_list(&others)) }
}

/// The progress of a run that is not over: `3 of 4 leads are scored so far, 1 failed`.
pub(super) fn progress_in_words(noun: &str, leads: &LeadCounts) -> String {
    let all = many(leads.planned, noun);
    let so_far = match leads.scored {
        0 => format!("none of {all} is scored yet"),
        1 => format!("1 of {all} is scored so far"),
        scored => format!("{} of {all} are scored so far", grouped(scored)),
    };
    let others = [
        (leads.skipped, verb(leads.skipped, "was skipped", "were skipped")),
        (leads.failed, "failed"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others: Vec<String> =
        others.map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if others.is_empty() { so_far } else { format!("{so_far}, {}", and_list(&others)) }
}

/// The tokens of one kind of scoring, as a total and in parts: `4,800 tokens for posts (4,000
/// prompt, 800 output)`.
pub(super) fn tokens_in_words(kind: Kind, totals: &KindSummary) -> String {
    let tokens = &totals.tokens;
    let share = (tokens.cached * 100).checked_div(tokens.prompt).unwrap_or_default();
    let cached = format!(" of which {} cached ({share} %)", grouped(tokens.cached));
    let cached = if tokens.cached > 0 { cached } else { String::new() };
    let parts = [
        (tokens.prompt, format!("prompt{cached}")),
        (tokens.output, "output".to_owned()),
        (tokens.thoughts, "thoughts".to_owned()),
        (tokens.tool, "tool".to_owned()),
        (tokens.unsplit, "of unknown kind".to_owned()),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> =
        parts.map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    let parts = if parts.len() > 1 || tokens.unsplit > 0 {
        format!(" ({})", parts.join(", "))
    } else {
        String::new()
    };
    format!("{} for {}s{parts}", many(tokens.total, "token"), kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_becomes_a_sentence_and_a_name_stays_as_it_is() {
        for (clause, shown) in [
            ("record recA was gone", "Record recA was gone."),
            ("maxItems was reached", "maxItems was reached."),
            ("tick Retry.", "Tick Retry."),
            ("1 lead waits", "1 lead waits."),
            ("", "."),
        ] {
            assert_eq!(sentence(clause), shown);
        }
    }

    #[test]
    fn a_result_has_the_right_number_and_no_zero() {
        let counts = |scored, skipped, failed, open| LeadCounts {
            planned: scored + skipped + failed + open,
            scored,
            skipped,
            failed,
            open,
        };
        for (leads, shown) in [
            (counts(1, 0, 0, 0), "1 lead was scored"),
            (counts(2_500, 0, 0, 0), "all 2,500 leads were scored"),
            (counts(1, 1, 0, 0), "1 of 2 leads was scored, 1 was skipped"),
            (counts(2, 0, 3, 1), "2 of 6 leads were scored, 3 failed and 1 is open"),
            (counts(0, 2, 0, 0), "none of 2 leads was scored, 2 were skipped"),
            (counts(0, 0, 1, 0), "1 lead failed"),
        ] {
            assert_eq!(result_in_words("lead", &leads), shown);
        }
    }
}
