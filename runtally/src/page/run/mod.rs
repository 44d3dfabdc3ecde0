//! One run: what ran, whether it is done, what failed, what it cost, what to do, and the proof that
//! its numbers are right.

mod answers;
mod balance;
mod cost;
mod gaps;
mod history;
mod leads;
mod record;
#[cfg(test)]
mod tests;
mod view;
mod waterfall;
mod waves;

use super::book::Book;
use super::figures::moment;
use super::layout::{Content, Place, badge};
use super::open_book::{Known, OpenBook};
use super::query::Query;
use super::row;
use super::runs::{client_name, progress, record_state};
use super::site::Problem;
use super::source::Source;
use super::waits::{self, Waiting, waits_for};
use super::wanted::Wanted;
use crate::page::query::path;
use maud::{Markup, html};
use shared::core::ids::RunId;
use shared::fold::{Status, Summary};
use std::sync::Arc;
use view::{ReadRecord, View};

/// What is requested of a run.
struct Asked<'a> {
    run: &'a RunId,
    query: &'a Query,
    wanted: &'a Wanted,
    /// Whether a real Airtable may be read.
    is_airtable_asked: bool,
}

/// The parts below the head of a run, by their ids.
const PARTS: [(&str, &str); 6] = [
    ("balance", "Proof"),
    ("record", "Record"),
    ("leads", "Leads"),
    ("waterfall", "Timeline"),
    ("cost", "Cost"),
    ("events", "Events"),
];

/// How often a run is read again if it changed while it was read.
const LOOKS: usize = 5;

pub(super) async fn page(
    source: &Source,
    book: &Book,
    (id, query): (&str, &Query),
    wanted: &Wanted,
) -> Result<Content, Problem> {
    let unknown = || Problem::NotFound(format!("The log has no run {id}."));
    let run: RunId = id.parse().map_err(|_| unknown())?;
    if query.get("scores").is_some() && !wanted.is_of_open_page() {
        let look = |open: &OpenBook| leads::rows_shown(query, &open.state);
        let rows = book.read(&source.deployment, &run, look).await?.unwrap_or_default();
        row::read_scores(source, &run.client(), &rows).await?;
    }
    let mut asked = Asked {
        run: &run,
        query,
        wanted,
        is_airtable_asked: query.get("record").is_some() && !wanted.is_of_open_page(),
    };
    let (mut body, mut is_whole) = look(source, book, &asked).await?;
    asked.is_airtable_asked = false;
    for _ in 1..LOOKS {
        if is_whole {
            break;
        }
        (body, is_whole) = look(source, book, &asked).await?;
    }
    Ok(Content::new(run.to_string(), Place::Below, body))
}

/// Reads a run, its record and the model's bill once, one after the other. Returns whether nothing
/// changed meanwhile; otherwise a difference may come only from the different times.
async fn look(source: &Source, book: &Book, asked: &Asked<'_>) -> Result<(Markup, bool), Problem> {
    let &Asked { run, query, wanted, .. } = asked;
    let unknown = || Problem::NotFound(format!("The log has no run {run}."));
    let deployment = &source.deployment;
    let before = source.changes();
    let known = book.read(deployment, run, |open| Arc::clone(&open.known)).await?;
    let known = known.ok_or_else(unknown)?;
    let tasks = source.waiting(wanted.is_of_open_page()).await?;
    let of_run: Vec<&Waiting> =
        tasks.iter().filter(|task| task.run.as_ref() == Some(run)).collect();
    let record = read_record(source, &known, asked).await;
    // A record that is behind its events always differs from them, so reading it again does not
    // help.
    let is_right = match &record {
        Some(ReadRecord::Read(_, comparison)) => comparison.is_right() || known.behind() > 0,
        Some(ReadRecord::Behind(_) | ReadRecord::Unreadable(_)) | None => true,
    };
    let bill =
        if wanted.has("balance") { balance::bill(source, book, &known).await? } else { None };
    let waits = waits_for(&known.summary, &of_run);
    let given_up = match wanted.has("head") {
        true => Some(source.given_up(wanted.is_of_open_page()).await?),
        false => None,
    };
    let view =
        View { run, query, wanted, now: source.now(), waits, given_up, record, bill, source };
    let drawn = book.read(deployment, run, |open| {
        let is_same = open.known.events == known.events;
        (body(&view, open), is_same)
    });
    let (body, is_same) = drawn.await?.ok_or_else(unknown)?;
    Ok((body, is_same && (is_right || source.changes() == before)))
}

/// Reads the record for the parts that show it. If it is behind its events, the differing cells are
/// computed only if they are shown.
async fn read_record(source: &Source, known: &Known, asked: &Asked<'_>) -> Option<ReadRecord> {
    let shows_cells = asked.wanted.has("record");
    if !shows_cells && !asked.wanted.has("balance") {
        return None;
    }
    if !shows_cells
        && known.behind() > 0
        && let Some(rows) = source.simulated_rows(known)
    {
        return Some(ReadRecord::Behind(rows));
    }
    match source.comparison(known, asked.is_airtable_asked).await {
        Ok(read) => read.map(|(at, comparison)| ReadRecord::Read(at, comparison)),
        Err(error) => Some(ReadRecord::Unreadable(error.to_string())),
    }
}

fn body(view: &View<'_>, open: &OpenBook) -> Markup {
    let summary = &open.known.summary;
    let wanted = view.wanted;
    html! {
        p .crumb { a href="/" { "← All runs" } }
        @if wanted.has("head") { (head(view, &open.known)) }
        @if wanted.has("balance") { (balance::section(view, summary)) }
        @if wanted.has("record") { (record::section(view, open)) }
        @if wanted.has("leads") { (leads::section(view, &open.state)) }
        @if wanted.has("waterfall") { (waterfall::section(view, open)) }
        @if wanted.has("cost") { (cost::section(open)) }
        @if wanted.has("events") { (history::section(view, open)) }
    }
}

fn head(view: &View<'_>, known: &Known) -> Markup {
    let summary = &known.summary;
    html! {
        section #head data-live data-events=(known.events) {
            header .title {
                h1 .id { (summary.run) }
                (badge(summary.status))
                span .record { (record_state(known)) }
            }
            p .who {
                (client_name(summary)) " · started " (moment(summary.started_at))
                @if let Some(ended) = summary.ended_at { " · ended " (moment(ended)) }
            }
            (progress(summary))
            @if let Some(waits) = &view.waits { (waits.shown(view.now)) }
            @if let Some(given_up) = &view.given_up {
                (waits::given_up(given_up, &summary.run))
                (waits::unread(given_up))
            }
            (answers::answers(summary))
            @if view.source.allow_actions { (actions(view, summary)) }
            nav .tabs aria-label="Parts of this page" {
                @for (part, name) in PARTS { a href={"#" (part)} { (name) } }
            }
        }
    }
}

/// Whether something can be tried again. Not offered if the system continues on its own.
fn has_failed(summary: &Summary) -> bool {
    match summary.status {
        Status::Running | Status::Completed => false,
        Status::CompletedWithErrors | Status::Stalled | Status::Failed => true,
    }
}

/// The actions on the run.
fn actions(view: &View<'_>, summary: &Summary) -> Markup {
    let link = |name: &str| path(&format!("/do/{name}?run="), summary.run.as_str());
    html! {
        p .actions {
            a .button .quiet[!has_failed(summary)] href=(link("retry")) { "Retry what failed" } " "
            a .button .quiet href=(link("rewrite")) { "Rewrite the record" }
            @if view.source.simulators.airtable.is_some() {
                " " a .button .quiet href=(link("edit-record")) { "Edit its record" }
                " " a .button .quiet href=(link("delete-record")) { "Delete its record" }
            }
        }
    }
}
