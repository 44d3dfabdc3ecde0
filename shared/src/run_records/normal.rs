//! Things worth knowing about a run that need no action.

use super::lines::Line;
use super::reason::Reason;
use super::todo::{MAX_ROWS, row};
use super::words::{many, named, sentence, verb};
use crate::fold::Summary;
use crate::messages::{ErrorCategory, Note, NoteKind, SkipReason, UnusedReason};

/// The lines of the section: first what happened, then what was skipped or not used and why.
pub(super) fn normal(summary: &Summary) -> Vec<Line> {
    let told = summary.notes.iter().filter(|(_, note)| is_told(note));
    let mut lines: Vec<Line> = told
        .map(|(at, note)| Line::at(*at, noted(note.kind), sentence(&without_time(&note.text))))
        .collect();
    lines.extend(skipped(summary).into_iter().map(|text| Line::new("lead that was skipped", text)));
    lines.extend(rows_gone(summary).map(|text| Line::new("lead that was deleted", text)));
    lines.extend(final_failures(summary).into_iter().map(|text| Line::new("lead", text)));
    lines.extend(unused(summary).into_iter().map(|text| Line::new("item not used", text)));
    lines.extend(posts_beyond(summary).map(|text| Line::new("post", text)));
    for (asked, answered) in &summary.rerouted {
        let text = format!(
            "Model {asked} was asked, and {answered} answered: its price counts. Check GEMINI_MODEL."
        );
        lines.push(Line::new("model", text));
    }
    lines
}

/// Notes that need action are listed as things to do, and waits are in the Progress Log.
fn is_told(note: &Note) -> bool {
    !note.needs_action && !note.is_wait()
}

/// A note without its time, which only distinguishes it from other notes with the same words.
fn without_time(text: &str) -> String {
    let parts = text.split_once(" (20").and_then(|(words, rest)| {
        let (_, more) = rest.split_once(" UTC)")?;
        Some(format!("{words}{more}"))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

fn noted(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Record => "about the record",
        NoteKind::Input => "about what came in",
        NoteKind::Stalled => "stalled",
    }
}

/// Leads that were skipped, followed by the word in their rows. Leads without remaining tokens are
/// listed as things to do instead.
fn skipped(summary: &Summary) -> Vec<String> {
    let skips = summary.skips.iter().filter(|(reason, _)| **reason != SkipReason::BudgetReached);
    let skips = skips.map(|(reason, count)| {
        let was = verb(*count, "was", "were");
        let why = match reason {
            SkipReason::NoContent => "no post has text",
            SkipReason::NoPostsParsed => "Posts Content holds no post",
            SkipReason::NoNewPosts => {
                "the harvest brought nothing new, and the score stays as it is"
            }
            SkipReason::AlreadyScoredInRun => {
                "somebody else scored it, or took it out of the queue, in the meantime"
            }
            SkipReason::BudgetReached => "the token limit is reached",
            SkipReason::ProfileTooThin => "the profile says too little to be judged",
        };
        format!("{} {was} skipped: {why} ({}).", many(*count, "lead"), reason.as_str())
    });
    skips.collect()
}

/// Waiting leads that were deleted before they could be scored.
fn rows_gone(summary: &Summary) -> Option<String> {
    let count = summary.rows_gone;
    let (leads, was) = (many(count, "lead"), verb(count, "was", "were"));
    (count > 0).then(|| format!("{leads} that waited {was} not scored: the row is gone."))
}

/// Leads that failed and for which nobody can do anything.
fn final_failures(summary: &Summary) -> Vec<String> {
    let category = ErrorCategory::SafetyBlock;
    let Some(examples) = summary.errors.get(&category) else { return Vec::new() };
    let count = examples.len() as u64;
    let (leads, why) = (many(count, "lead"), Reason::Leads(category).in_words());
    let mut lines =
        vec![format!("{leads} failed: {why}, and will refuse again until you change them.")];
    let rows = examples.iter().filter_map(|(record, _)| record.as_ref());
    lines.extend(rows.take(MAX_ROWS).map(|record| format!("  {}", row(summary, record.as_str()))));
    lines
}

/// Items of a harvest that are not posts to score, by reason.
fn unused(summary: &Summary) -> Vec<String> {
    let is_normal =
        |reason: UnusedReason| !reason.is_not_understood() && reason != UnusedReason::Error;
    let unused = summary.account.unused.values().filter(|unused| is_normal(unused.reason));
    let unused = unused.map(|unused| {
        let count = u64::from(unused.count);
        let was = verb(count, "was", "were");
        let (why, names) = (unused.reason.as_str(), named(&unused.first, count));
        format!("{} of the harvest {was} not used: {why}{names}.", many(count, "item"))
    });
    unused.collect()
}

/// Why more posts were examined than harvested, if that is so.
fn posts_beyond(summary: &Summary) -> Option<String> {
    let (examined, harvested) = (summary.posts.examined, summary.posts_harvested);
    if summary.harvests.is_empty() || examined <= harvested {
        return None;
    }
    let beyond = many(examined - harvested, "post");
    Some(format!(
        "{beyond} {} examined that {} not in the harvest: the rows of the leads also held posts \
         without a score.",
        verb(examined - harvested, "was", "were"),
        verb(examined - harvested, "was", "were")
    ))
}
