//! The list of runs.

use super::figures::{Part, bar, grouped, moment};
use super::layout::{Content, Place, badge, run_link};
use super::open_book::Known;
use super::query::Query;
use super::search::{ALL_STATUSES, Search, status_word};
use super::site::Page;
use super::unread::Reading;
use super::waits::{self, Waiting, by_run, waits_for, without_run};
use crate::result::Fault;
use crate::storage::RunHead;
use maud::{Markup, html};
use shared::core::ids::RunId;
use shared::core::tokens::NanoUsd;
use shared::fold::{KindSummary, Summary};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Runs per page.
const A_PAGE: usize = 50;

struct Found {
    /// The runs on this page, newest first.
    runs: Vec<Arc<Known>>,
    /// Number of runs that match the filters.
    count: usize,
    all: usize,
    /// Number of runs that are not read yet and that may match a filter on their contents.
    unread: usize,
    clients: BTreeSet<String>,
}

pub(super) async fn page(page: &Arc<Page>, query: &Query) -> Result<Content, Fault> {
    let source = &page.source;
    let heads = page.book.heads(&source.deployment, source.now() - source.verify_for).await?;
    let mut at = query.page("page", pages_of(heads.len()));
    let mut found = find(page, query, &heads, (at - 1) * A_PAGE).await?;
    // The address may be from a time when more runs matched.
    if found.unread == 0 && at > pages_of(found.count) {
        at = pages_of(found.count);
        found = find(page, query, &heads, (at - 1) * A_PAGE).await?;
    }
    let tasks = source.waiting(false).await?;
    let is_known = |run: &RunId| heads.binary_search_by(|head| run.cmp(&head.run)).is_ok();
    let of_no_run: Vec<&Waiting> =
        tasks.iter().filter(|task| !task.run.as_ref().is_some_and(is_known)).collect();
    let waiting = by_run(&tasks);
    let given_up = source.given_up(false).await?;
    let rows = found.runs.iter().map(|known| {
        let run = &known.summary.run;
        let tasks = waiting.get(run).map(Vec::as_slice).unwrap_or_default();
        let waits = waits_for(&known.summary, tasks);
        row(
            known,
            &html! {
                @if let Some(waits) = waits { (waits.shown(source.now())) }
                (waits::given_up(&given_up, run))
            },
        )
    });
    let body = html! {
        header .title {
            h1 { "Runs" }
            @if source.allow_actions {
                p .actions {
                    @if source.simulators.apify.is_some() { a .button href="/do/harvest" { "Fire a harvest" } " " }
                    a .button .quiet href="/do/score" { "Score what waits" }
                }
            }
        }
        (filters(query, &found.clients))
        section #runs data-live {
            (without_run(&of_no_run, source.now()))
            (waits::unread(&given_up))
            p .count { (count_in_words(&found)) }
            @if !found.runs.is_empty() {
                ol .runs {
                    @for row in rows { li { (row) } }
                }
            } @else if found.all > 0 || of_no_run.is_empty() {
                (nothing(&found, source.simulators.apify.is_some() && source.allow_actions))
            }
            (pages(query, at, found.count))
        }
    };
    let unread = found.unread;
    Ok(Content { unread, ..Content::new("Runs", Place::Runs, body) })
}

/// `heads` are newest first.
async fn find(
    page: &Arc<Page>,
    query: &Query,
    heads: &[RunHead],
    skip: usize,
) -> Result<Found, Fault> {
    let Page { source, book, .. } = &**page;
    let search = Search::of(query);
    let mut found =
        Found { runs: Vec::new(), count: 0, all: heads.len(), unread: 0, clients: BTreeSet::new() };
    // Without such a filter, only the runs of one page are read.
    let is_of_many = search.needs_content();
    let mut reading = if is_of_many { Reading::of_many(page) } else { Reading::of_few(page) };
    for head in heads {
        found.clients.insert(head.run.client().to_string());
        if !search.may_match(&head.run) {
            continue;
        }
        let is_on_page = (skip..skip + A_PAGE).contains(&found.count);
        if !search.needs_content() && !is_on_page {
            found.count += 1;
            continue;
        }
        let Some(known) = reading.known(head).await? else { continue };
        let leads = if search.needs_leads() {
            book.details(&source.deployment, &known).await?.leads.as_str()
        } else {
            ""
        };
        if search.matches(&known.summary, leads) {
            found.count += 1;
            if is_on_page {
                found.runs.push(known);
            }
        }
    }
    found.unread = reading.unread;
    Ok(found)
}

fn count_in_words(found: &Found) -> String {
    let runs = |count: usize| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
    match found {
        Found { unread: 0, count, all, .. } if count == all => runs(*all),
        Found { unread: 0, count, all, .. } => format!("{count} of {}", runs(*all)),
        Found { unread, count, all, .. } => {
            format!("{count} of {} so far, {unread} not read yet", runs(*all))
        }
    }
}

fn nothing(found: &Found, can_fire: bool) -> Markup {
    html! {
        div .empty {
            @if found.all == 0 {
                h2 { "No run yet" }
                p { "A run appears here the moment Apify's webhook announces a harvest, or when you ask for waiting leads to be scored." }
                @if can_fire {
                    p { "With the simulated Apify you can " a href="/do/harvest" { "fire a harvest" } " and watch it." }
                }
            } @else if found.unread > 0 {
                p { "No run matches so far." }
            } @else {
                p { "No run matches. " a href="/" { "Show all runs" } }
            }
        }
    }
}

fn filters(query: &Query, clients: &BTreeSet<String>) -> Markup {
    let client = query.get("client").unwrap_or_default();
    let status = query.get("status").unwrap_or_default();
    html! {
        form .filters method="get" action="/" role="search" aria-label="Filter the runs" {
            label { span { "Search" }
                input type="search" name="q" value=(query.get("q").unwrap_or_default())
                    placeholder="Run id, Apify id or lead" autocomplete="off" spellcheck="false"; }
            label { span { "Client" }
                select name="client" {
                    option value="" { "All clients" }
                    @for known in clients { option value=(known) selected[known == client] { (known) } }
                } }
            label { span { "Status" }
                select name="status" {
                    option value="" { "Any status" }
                    @for known in ALL_STATUSES.map(status_word) {
                        option value=(known) selected[known == status] { (known) }
                    }
                } }
            label { span { "Day" }
                input type="date" name="day" value=(query.get("day").unwrap_or_default()); }
            button type="submit" { "Show" }
        }
    }
}

/// `why` says why the run is not over, or not complete.
fn row(known: &Known, why: &Markup) -> Markup {
    let summary = &known.summary;
    html! {
        article .run {
            header {
                h2 { (run_link(&summary.run)) }
                (badge(summary.status))
                span .record { (record_state(known)) }
            }
            p .who { (client_name(summary)) " · started " (moment(summary.started_at)) }
            (progress(summary))
            (figures(summary))
            (why)
        }
    }
}

/// The client's name, or its id if it has no name. Isolated, so that its text direction does not
/// affect the rest.
pub(super) fn client_name(summary: &Summary) -> Markup {
    let name = &summary.header.client_name;
    let client = if name.is_empty() { summary.header.client.as_str() } else { name };
    html! { bdi .client title=(client) { (client) } }
}

/// The numbers of a run in one line.
fn figures(summary: &Summary) -> Markup {
    let (posts, profiles) = (&summary.posts, &summary.profiles);
    let leads = |count: fn(&KindSummary) -> u64| grouped(count(posts) + count(profiles));
    let at_least = if summary.cost_is_at_least() { "at least " } else { "" };
    html! {
        dl .figures {
            div { dt { "scored" } dd { (leads(|kind| kind.leads.scored)) } }
            div { dt { "skipped" } dd { (leads(|kind| kind.leads.skipped)) } }
            div { dt { "failed" } dd { (leads(|kind| kind.leads.failed)) } }
            div { dt { "posts" } dd { (grouped(posts.scored)) " of " (grouped(posts.examined)) } }
            div { dt { "tokens" } dd { (grouped(posts.tokens.total + profiles.tokens.total)) } }
            div { dt { "model" } dd { (at_least) (summary.ai_cost) } }
            div { dt { "Apify" } dd { (apify_cost(summary)) } }
        }
    }
}

/// The cost of the harvests, in words.
pub(super) fn apify_cost(summary: &Summary) -> String {
    match summary.harvest_cost {
        Some(cost) => cost.to_string(),
        None if summary.harvests.is_empty() => NanoUsd::default().to_string(),
        None => "not said".to_owned(),
    }
}

/// The progress of a run: its leads by outcome.
pub(super) fn progress(summary: &Summary) -> Markup {
    let sum = |count: fn(&KindSummary) -> u64| count(&summary.posts) + count(&summary.profiles);
    let planned = sum(|kind| kind.leads.planned);
    let settled = planned.saturating_sub(sum(|kind| kind.leads.open));
    let parts = [
        Part { class: "scored", name: "scored", count: sum(|kind| kind.leads.scored) },
        Part { class: "skipped", name: "skipped", count: sum(|kind| kind.leads.skipped) },
        Part { class: "failed", name: "failed", count: sum(|kind| kind.leads.failed) },
    ];
    html! {
        div .progress {
            (bar(&parts, planned))
            span { (grouped(settled)) " of " (grouped(planned)) " leads" }
        }
    }
}

/// Whether the record shows what the log has, as far as the log knows. The record is written every
/// few seconds, so a record that is behind gets a colour only when the run is over.
pub(super) fn record_state(known: &Known) -> Markup {
    let class = if known.summary.status.is_end() { "behind" } else { "same" };
    html! {
        @match (&known.projection, known.behind()) {
            (None, _) => span class=(class) { "record not written yet" },
            (Some(_), 0) => span .same { "record up to date" },
            (Some(_), 1) => span class=(class) { "record 1 event behind" },
            (Some(_), behind) => span class=(class) { "record " (behind) " events behind" },
        }
    }
}

/// How many pages this many runs need.
fn pages_of(runs: usize) -> usize {
    runs.div_ceil(A_PAGE).max(1)
}

fn pages(query: &Query, at: usize, count: usize) -> Markup {
    let last = pages_of(count);
    html! {
        @if last > 1 {
            nav .pages aria-label="Pages of runs" {
                @if at > 1 { a rel="prev" href=(query.with("page", &(at - 1).to_string())) { "Newer" } }
                span { "Page " (at) " of " (last) }
                @if at < last { a rel="next" href=(query.with("page", &(at + 1).to_string())) { "Older" } }
            }
        }
    }
}
