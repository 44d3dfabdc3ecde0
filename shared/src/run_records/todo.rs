//! What a person has to do about a run, grouped, with links to the rows.

use super::field_note::FieldNote;
use super::reason::Reason;
use super::words::{many, named, sentence, verb};
use crate::core::text::bounded;
use crate::fold::Summary;
use crate::messages::{ErrorCategory, HarvestStatus, SkipReason, UnknownReason, UnusedReason};
use crate::schema::run_record::RETRY;
use std::collections::BTreeSet;

/// Most rows to which a group links.
pub(super) const MAX_ROWS: usize = 3;
/// Most notes that are listed as things to do.
const MAX_NOTES: usize = 20;
/// Longest line of a group, in UTF-16 units.
const MAX_LINE: usize = 600;

/// A group of leads or things, with what to do about it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Todo {
    text: String,
    /// Links to its first rows.
    rows: Vec<String>,
}

/// The lines of the section: each group has one line, followed by links to its rows. `has_retry`
/// says whether the table has the checkbox `Retry`; `None` if that is unknown.
pub(super) fn todo(
    summary: &Summary,
    fields: &[FieldNote],
    has_retry: Option<bool>,
) -> Vec<String> {
    let mut todos: Vec<Todo> = Vec::new();
    for reason in Reason::of(summary, fields) {
        todos.extend(todos_of(reason, summary, fields));
    }
    let asks_for_tick = todos
        .iter()
        .any(|todo| todo.text.contains("tick Retry") || todo.text.contains("Tick Retry"));
    if asks_for_tick && has_retry == Some(false) {
        let run = &summary.run;
        todos.push(Todo::of(format!(
            "the table has no checkbox {RETRY:?}: add one, or run: runtally replay {run}"
        )));
    }
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for Todo { text, rows } in todos {
        let text = bounded(&sentence(&text), MAX_LINE);
        if seen.insert(text.clone()) {
            lines.push(format!("- {text}"));
            lines.extend(rows.into_iter().map(|row| format!("  {row}")));
        }
    }
    lines
}

impl Todo {
    fn of(text: String) -> Self {
        Self { text, rows: Vec::new() }
    }
}

/// The groups with this reason. Without a number to report, the group uses the reason's own words.
fn todos_of(reason: Reason, summary: &Summary, fields: &[FieldNote]) -> Vec<Todo> {
    let Some(next) = reason.next_step() else { return Vec::new() };
    let one = |what: String| vec![Todo::of(format!("{what}. {}", sentence(next)))];
    match reason {
        Reason::HarvestIncomplete => incomplete(summary, next),
        Reason::TargetsUnknown => unknown_targets(summary),
        Reason::NotUnderstood => unused(summary, UnusedReason::is_not_understood, next),
        Reason::ActorErrors => unused(summary, |why| why == UnusedReason::Error, next),
        Reason::NothingUsed | Reason::Unmatched => one(unmatched(summary)),
        Reason::LeftOut => vec![left_out(summary, next)],
        Reason::LimitReached => {
            let leads = summary.skips.get(&SkipReason::BudgetReached).copied().unwrap_or_default();
            let wait = verb(leads, "waits", "wait");
            one(format!("{} {wait}: the token limit of the run is reached", many(leads, "lead")))
        }
        Reason::Noted => noted(summary),
        Reason::FieldsLeftOut => fields.iter().map(|note| Todo::of(note.in_words())).collect(),
        Reason::Unpriced => summary
            .unpriced_models
            .iter()
            .map(|model| {
                let why = "has no price here: its tokens are counted, but the cost does not \
                           include them";
                Todo::of(format!("model {model} {why}. {}", sentence(next)))
            })
            .collect(),
        Reason::Leads(category) => vec![failed(summary, category, next)],
        Reason::NotPlanned => vec![not_planned(summary)],
        Reason::NotAttributed | Reason::Stalled | Reason::Halted(_) => {
            vec![Todo::of(next.to_owned())]
        }
        Reason::Unobserved | Reason::Unclear | Reason::Running => Vec::new(),
    }
}

/// If a failure says what to do, no other advice is given.
fn not_planned(summary: &Summary) -> Todo {
    let advises = |text: &str| text.contains("harvest again") || text.contains("Retry");
    let advised = summary.failures.iter().any(|(.., reason)| advises(reason));
    let was_waiting = summary.failures.iter().any(|(_, harvest, _)| harvest.is_none());
    let next = match (advised, was_waiting) {
        (true, _) => "do what Error Details say",
        (false, true) => "correct what Error Details name; the next run scores what waits",
        (false, false) => "correct what Error Details name, and tick Retry",
    };
    Todo::of(next.to_owned())
}

fn failed(summary: &Summary, category: ErrorCategory, next: &str) -> Todo {
    let examples = summary.errors.get(&category).map(Vec::as_slice).unwrap_or_default();
    let (why, leads) = (Reason::Leads(category).in_words(), many(examples.len() as u64, "lead"));
    let rows = examples.iter().filter_map(|(record, _)| record.as_ref());
    let mut rows: Vec<String> = rows.map(|record| row(summary, record.as_str())).collect();
    let others = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    if others > 0 {
        rows.push(format!("and {}", many(others as u64, "other")));
    }
    Todo { text: format!("{leads} failed: {why}. {}", sentence(next)), rows }
}

fn incomplete(summary: &Summary, next: &str) -> Vec<Todo> {
    let cut = summary.harvests.iter().filter_map(|(_, harvest)| {
        let ended = ended_in_words(harvest.status)?;
        let next = if harvest.posts == 0 { "harvest again" } else { next };
        Some(Todo::of(format!("Apify run {} {ended}. {}", harvest.apify_run, sentence(next))))
    });
    cut.collect()
}

/// How an unsuccessful harvest ended.
pub(super) fn ended_in_words(status: HarvestStatus) -> Option<&'static str> {
    match status {
        HarvestStatus::Succeeded => None,
        HarvestStatus::Failed => Some("failed"),
        HarvestStatus::Aborted => Some("was aborted"),
        HarvestStatus::TimedOut => Some("timed out"),
    }
}

fn unknown_targets(summary: &Summary) -> Vec<Todo> {
    let account = &summary.account;
    let mut todos: Vec<Todo> = Vec::new();
    for unknown in account.unknown.values() {
        let count = u64::from(unknown.count);
        let (profiles, have) = (many(count, "profile"), verb(count, "has", "have"));
        let (why, names) = (unknown.reason.as_str(), named(&unknown.first, count));
        let next = match unknown.reason {
            UnknownReason::MaxItems => "Harvest again with a higher maxItems",
            UnknownReason::ChargeLimit => "Harvest again with a higher charge limit",
            UnknownReason::CutShort
            | UnknownReason::NotCharged
            | UnknownReason::NotSaid
            | UnknownReason::NotUnderstood
            | UnknownReason::NotRead
            | UnknownReason::NoPostAmongItems => "Harvest again",
            UnknownReason::NotReadable => "Correct the input, and harvest again",
        };
        todos.push(Todo::of(format!(
            "it is not known whether {profiles} {have} posts: {why}{names}. {next}"
        )));
    }
    for harvest in &account.without_input {
        todos.push(Todo::of(format!(
            "it is not known which profiles Apify run {harvest} was asked for: its input is \
             missing or names none. Harvest again if profiles are missing"
        )));
    }
    todos
}

/// The harvest's items that did not become posts, for the reasons that `is_meant` selects.
fn unused(summary: &Summary, is_meant: impl Fn(UnusedReason) -> bool, next: &str) -> Vec<Todo> {
    let unused = summary.account.unused.values().filter(|unused| is_meant(unused.reason));
    let todos = unused.map(|unused| {
        let count = u64::from(unused.count);
        let (was, names) = (verb(count, "was", "were"), named(&unused.first, count));
        let (items, why) = (many(count, "item"), unused.reason.as_str());
        Todo::of(format!("{items} of the harvest {was} not used: {why}{names}. {}", sentence(next)))
    });
    todos.collect()
}

fn unmatched(summary: &Summary) -> String {
    let (profiles, posts) = (summary.not_leads, summary.posts_unmatched);
    if profiles > 0 {
        let (count, is_none) =
            (many(profiles, "harvested profile"), verb(profiles, "is not a lead", "are not leads"));
        let names = named(&summary.first_not_leads, profiles);
        let its = verb(profiles, "its", "their");
        format!("{count} {is_none} of this client, and {its} posts are not used{names}")
    } else if posts > 0 {
        format!("{} {} to no lead", many(posts, "harvested post"), verb(posts, "belongs", "belong"))
    } else {
        Reason::NothingUsed.in_words().to_owned()
    }
}

fn left_out(summary: &Summary, next: &str) -> Todo {
    let count = summary.posts_left_out;
    let (posts, is) = (many(count, "harvested post"), verb(count, "is", "are"));
    let rows = summary.first_left_out.iter().map(|name| row(summary, name));
    let why = "not stored, because Posts Content of the lead is full";
    Todo { text: format!("{posts} {is} {why}. {}", sentence(next)), rows: rows.collect() }
}

/// The notes that need action. If there are too many, only the newest.
fn noted(summary: &Summary) -> Vec<Todo> {
    let asking = summary.notes.iter().filter(|(_, note)| note.needs_action);
    let texts: Vec<&str> = asking.map(|(_, note)| note.text.as_str()).collect();
    let left_out = texts.len().saturating_sub(MAX_NOTES);
    let first = (left_out > 0)
        .then(|| Todo::of(format!("… {} left out here", many(left_out as u64, "earlier line"))));
    let newest = texts[left_out..].iter().map(|text| Todo::of((*text).to_owned()));
    first.into_iter().chain(newest).collect()
}

/// A link to a lead's row if its table is known. A profile is shown as it is.
pub(super) fn row(summary: &Summary, row: &str) -> String {
    match &summary.leads_table {
        Some(table) if row.starts_with("rec") => table.row_url(row),
        Some(_) | None => row.to_owned(),
    }
}
