//! The leads of a run: the outcome of each, and why.

use super::view::View;
use crate::page::figures::grouped;
use crate::page::query::{Query, path};
use maud::{Markup, html};
use shared::core::ids::{RecordId, RunId};
use shared::fold::{LeadEnd, LeadView, RunState};
use shared::messages::{ErrorCategory, SkipReason};
use shared::run_records::Reason;

/// Leads per page.
const A_PAGE: usize = 50;
/// The filters, by their name in the address.
const ENDS: [&str; 5] = ["failed", "open", "skipped", "scored", "no-lead"];

pub(super) fn section(view: &View<'_>, state: &RunState) -> Markup {
    let leads = sorted(state);
    let mut counts = ENDS.map(|end| (end, 0));
    leads.iter().for_each(|lead| counts[rank(&lead.end)].1 += 1);
    let chosen = chosen(view.query);
    let Shown { leads: shown, at, count } = shown(view.query, &leads);
    html! {
        section #leads data-live aria-labelledby="leads-title" {
            h2 #leads-title { "Leads" }
            nav .tabs aria-label="Leads by outcome" {
                a href=(view.query.with("leads", "")) aria-current=[chosen.is_none().then_some("true")] { "All " (grouped(leads.len() as u64)) }
                @for (end, count) in counts.iter().filter(|(_, count)| *count > 0) {
                    a href=(view.query.with("leads", end)) aria-current=[(chosen == Some(end)).then_some("true")] { (end) " " (grouped(*count as u64)) }
                }
            }
            @if leads.is_empty() {
                p { "No lead is planned yet." }
            } @else {
                div .scroll tabindex="0" role="region" aria-label="Leads of the run" {
                    table .leads {
                        thead { tr { th scope="col" { "Lead" } th scope="col" { "Outcome" } th scope="col" { "Why" } th scope="col" .num { "Posts" } th scope="col" { "Score" } th scope="col" { "Row" } } }
                        tbody { @for lead in shown { (row(view, lead)) } }
                    }
                }
                (pages(view, at, count))
            }
        }
    }
}

/// The leads, beginning with those that need attention.
fn sorted(state: &RunState) -> Vec<LeadView<'_>> {
    let mut leads = state.lead_views();
    leads.sort_by_key(|lead| (rank(&lead.end), lead.kind));
    leads
}

/// The leads on the page: one page of the leads with the chosen outcome.
struct Shown<'a> {
    leads: Vec<&'a LeadView<'a>>,
    at: usize,
    /// Number of leads with the chosen outcome.
    count: usize,
}

fn shown<'a>(query: &Query, leads: &'a [LeadView<'a>]) -> Shown<'a> {
    let chosen = chosen(query);
    let is_chosen = |lead: &&LeadView<'_>| chosen.is_none_or(|end| word(&lead.end) == end);
    let chosen_leads: Vec<&LeadView<'_>> = leads.iter().filter(is_chosen).collect();
    let count = chosen_leads.len();
    let at = query.page("lp", count.div_ceil(A_PAGE));
    let leads = chosen_leads.into_iter().skip((at - 1) * A_PAGE).take(A_PAGE).collect();
    Shown { leads, at, count }
}

/// The outcome by which the leads are filtered.
fn chosen(query: &Query) -> Option<&str> {
    query.get("leads").filter(|chosen| ENDS.contains(chosen))
}

/// The rows of the leads on the page.
pub(super) fn rows_shown(query: &Query, state: &RunState) -> Vec<RecordId> {
    let leads = sorted(state);
    shown(query, &leads).leads.into_iter().filter_map(|lead| lead.record.cloned()).collect()
}

/// The score in the lead's row, if it was requested.
fn score(view: &View<'_>, lead: &LeadView<'_>) -> Markup {
    let known = lead.record.and_then(|record| view.source.last.scores.of(record));
    html! {
        @match known {
            Some(score) => (score),
            None if lead.record.is_some() && lead.end == LeadEnd::Scored => {
                a href={(view.query.with("scores", "1")) "#leads"} { "read" }
            }
            None => "",
        }
    }
}

fn word(end: &LeadEnd<'_>) -> &'static str {
    ENDS[rank(end)]
}

/// The position of the outcome among the filters.
fn rank(end: &LeadEnd<'_>) -> usize {
    match end {
        LeadEnd::Failed(..) => 0,
        LeadEnd::Open => 1,
        LeadEnd::Skipped(_) => 2,
        LeadEnd::Scored => 3,
        LeadEnd::NotALead => 4,
    }
}

fn row(view: &View<'_>, lead: &LeadView<'_>) -> Markup {
    let end = word(&lead.end);
    html! {
        tr {
            th scope="row" {
                @match lead.profile {
                    Some(profile) => (profile.as_str()),
                    None => code { (lead.record.map_or(lead.key.as_str(), |record| record.as_str())) },
                }
                @if lead.kind == shared::messages::Kind::Profile { " " span .tag { "profile" } }
            }
            td { span class={"end " (end)} { (end.replace('-', " ")) } }
            td { (why(&lead.end)) }
            td .num { (lead.scored) " of " (lead.examined) }
            td { (score(view, lead)) }
            td {
                @if let Some(record) = lead.record {
                    a href=(row_link(view.run, record.as_str())) { "open" }
                }
            }
        }
    }
}

/// The path of the page with a lead's row.
pub(super) fn row_link(run: &RunId, record: &str) -> String {
    path(&format!("{}?run=", path("/row/", record)), run.as_str())
}

/// Why a lead ended this way, in words. For an error, also what exactly went wrong.
fn why(end: &LeadEnd<'_>) -> Markup {
    html! {
        @match end {
            LeadEnd::Open => "its chunk has not told yet",
            LeadEnd::Scored => "",
            LeadEnd::NotALead => "no row in the client's base has this profile",
            LeadEnd::Skipped(reason) => (skipped(*reason)),
            LeadEnd::Failed(category, detail) => {
                (failed(*category))
                @if !detail.is_empty() { ": " span .detail { (detail) } }
            }
        }
    }
}

fn failed(category: ErrorCategory) -> &'static str {
    Reason::Leads(category).in_words()
}

fn skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::NoContent => "none of its posts has text",
        SkipReason::NoPostsParsed => "its Posts Content holds no post",
        SkipReason::NoNewPosts => "nothing new, and it is scored already",
        SkipReason::AlreadyScoredInRun => {
            "somebody scored it, or took it out of the queue, in the meantime"
        }
        SkipReason::BudgetReached => "the token limit is reached; it stays waiting",
        SkipReason::ProfileTooThin => "its profile says too little",
    }
}

fn pages(view: &View<'_>, at: usize, count: usize) -> Markup {
    let last = count.div_ceil(A_PAGE).max(1);
    html! {
        @if last > 1 {
            nav .pages aria-label="Pages of leads" {
                @if at > 1 { a rel="prev" href={(view.query.with("lp", &(at - 1).to_string())) "#leads"} { "Previous" } }
                span { "Page " (at) " of " (last) }
                @if at < last { a rel="next" href={(view.query.with("lp", &(at + 1).to_string())) "#leads"} { "Next" } }
            }
        }
    }
}
