//! One run: what ran, is it done, what failed, what it cost, what to do, and the proof that its
//! numbers are right.

mod answers;
mod balance;
mod cost;
mod gaps;
mod history;
mod leads;
mod record;
#[cfg(test)]
mod tests;
mod waterfall;
mod waves;

use super::book::{Book, OpenBook};
use super::figures::moment;
use super::layout::{Content, Place, badge};
use super::query::Query;
use super::row;
use super::runs::{progress, record_state};
use super::site::Problem;
use super::source::Source;
use super::waits::{Waiting, WaitsFor, waits_for};
use crate::page::query::path;
use crate::result::Fault;
use balance::Bill;
use jiff::Timestamp;
use maud::{Markup, html};
use record::ReadRecord;
use shared::core::ids::RunId;
use shared::fold::Summary;
use std::sync::Arc;

/// What is asked of a run, and what was found out before its events are looked at.
struct View<'a> {
    run: &'a RunId,
    query: &'a Query,
    now: Timestamp,
    waits: Option<WaitsFor>,
    record: Option<ReadRecord>,
    bill: Option<Bill>,
    source: &'a Source,
}

/// How often a run is looked at again that changed while it was looked at.
const LOOKS: usize = 5;

pub(super) async fn page(
    source: &Source,
    book: &Book,
    (id, query): (&str, &Query),
    is_fragment: bool,
) -> Result<Content, Problem> {
    let unknown = || Problem::NotFound(format!("The log has no run {id}."));
    let run: RunId = id.parse().map_err(|_| unknown())?;
    if query.get("scores").is_some() && !is_fragment {
        let look = |open: &OpenBook| leads::rows_shown(query, &open.state);
        let rows = book.read(&source.deployment, &run, look).await?.unwrap_or_default();
        row::read_scores(source, &run.client(), &rows).await?;
    }
    let is_asked = query.get("record").is_some() && !is_fragment;
    let (mut body, mut is_whole) = look(source, book, (&run, query), is_asked).await?;
    for _ in 1..LOOKS {
        if is_whole {
            break;
        }
        (body, is_whole) = look(source, book, (&run, query), false).await?;
    }
    Ok(Content { title: run.to_string(), place: Place::Below, body })
}

/// Looks at a run, its record and the model's bill once. They are read one after the other: returns
/// whether nothing changed meanwhile, or else a difference would be one of times.
async fn look(
    source: &Source,
    book: &Book,
    (run, query): (&RunId, &Query),
    is_asked: bool,
) -> Result<(Markup, bool), Problem> {
    let unknown = || Problem::NotFound(format!("The log has no run {run}."));
    let deployment = &source.deployment;
    let before = source.changes();
    let known = book.read(deployment, run, |open| Arc::clone(&open.known)).await?;
    let known = known.ok_or_else(unknown)?;
    let (tasks, _) = deployment.waiting().await.map_err(Fault::from)?;
    let tasks: Vec<Waiting> = tasks.into_iter().map(Waiting::from).collect();
    let of_run: Vec<&Waiting> =
        tasks.iter().filter(|task| task.run.as_ref() == Some(run)).collect();
    let record = match source.comparison(&known, is_asked).await {
        Ok(read) => read.map(|(at, comparison)| ReadRecord::Read(at, comparison)),
        Err(error) => Some(ReadRecord::Unreadable(error.to_string())),
    };
    // A record that is behind its events differs from them, however often it is looked at.
    let is_right = match &record {
        Some(ReadRecord::Read(_, comparison)) => comparison.is_right() || known.behind() > 0,
        Some(ReadRecord::Unreadable(_)) | None => true,
    };
    let bill = balance::bill(source, book, run).await?;
    let waits = waits_for(&known.summary, &of_run);
    let view = View { run, query, now: source.now(), waits, record, bill, source };
    let drawn = book.read(deployment, run, |open| {
        let is_same = open.known.events == known.events;
        (body(&view, open), is_same)
    });
    let (body, is_same) = drawn.await?.ok_or_else(unknown)?;
    Ok((body, is_same && (is_right || source.changes() == before)))
}

fn body(view: &View<'_>, open: &OpenBook) -> Markup {
    let summary = &open.known.summary;
    html! {
        p .crumb { a href="/" { "Runs" } " / " }
        section #head data-live {
            header .title {
                h1 .id { (summary.run) }
                (badge(summary.status))
                span .record { (record_state(&open.known)) }
            }
            p .who {
                (summary.header.client_name) " · started " (moment(summary.started_at))
                @if let Some(ended) = summary.ended_at { " · ended " (moment(ended)) }
            }
            (progress(summary))
            @if let Some(WaitsFor { why, until }) = &view.waits {
                p .waits { b { "Waits for " } (why)
                    @if let Some(until) = until { " · next " (moment(*until)) } }
            }
            (answers::answers(summary))
            @if view.source.allow_actions { (actions(view, summary)) }
        }
        (balance::section(view, &open.known.summary))
        (record::section(view, open))
        (leads::section(view, &open.state))
        (waterfall::section(view, open))
        (cost::section(open))
        (history::section(view, open))
    }
}

/// What can be done with the run.
fn actions(view: &View<'_>, summary: &Summary) -> Markup {
    let link = |name: &str| path(&format!("/do/{name}?run="), summary.run.as_str());
    html! {
        p .actions {
            a .button href=(link("retry")) { "Retry what failed" } " "
            a .button .quiet href=(link("rewrite")) { "Rewrite the record" }
            @if view.source.simulators.airtable.is_some() {
                " " a .button .quiet href=(link("edit-record")) { "Edit its record" }
                " " a .button .quiet href=(link("delete-record")) { "Delete its record" }
            }
        }
    }
}
