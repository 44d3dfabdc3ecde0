//! The equations that prove a run's numbers. Numbers that must be equal are drawn one above the
//! other.

use super::view::{Bill, ReadRecord, View};
use crate::page::book::Book;
use crate::page::figures::{Part, bar, grouped, moment};
use crate::page::layout::run_link;
use crate::page::open_book::Known;
use crate::page::source::Source;
use crate::result::Fault;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde_json::Value;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::core::tokens::TokenUsage;
use shared::fold::{KindSummary, Summary};
use shared::schema::run_record;
use std::collections::BTreeMap;

/// Numbers that must be equal.
struct Equation {
    what: String,
    whole: Part,
    parts: Vec<Part>,
    /// Whether it must hold only at the end, because a plan arrives chunk by chunk.
    is_final: bool,
}

/// The time in which a run made calls, and the tokens of their answers.
struct Calls {
    from: Timestamp,
    to: Timestamp,
    tokens: u64,
}

/// A model bills a call when it arrives. The log has the times at which its wave was announced and
/// billed, so the window is extended by this much on both sides.
const MARGIN: SignedDuration = SignedDuration::from_secs(1);

/// The bill of a simulated model for a run, together with the runs that made calls at the same
/// time. `None` without a simulated model, or before the first call.
pub(super) async fn bill(
    source: &Source,
    book: &Book,
    known: &Known,
) -> Result<Option<Bill>, Fault> {
    let run = &known.summary.run;
    let Some((gemini, own)) = source.simulators.gemini.as_ref().zip(calls_of(known)) else {
        return Ok(None);
    };
    let mut from = own.from;
    loop {
        // A run whose record was last written earlier than this made no call since.
        let mut calls: BTreeMap<RunId, Calls> = BTreeMap::new();
        for head in source.deployment.active_since(from - MARGIN).await? {
            let Some(known) = book.known(&source.deployment, &head).await? else { continue };
            calls.extend(calls_of(&known).map(|calls| (head.run, calls)));
        }
        let together = together(&calls, run);
        let runs = || together.iter().map(|run| &calls[*run]);
        let first = runs().map(|calls| calls.from).min().unwrap_or(own.from);
        if first < from {
            from = first;
            continue;
        }
        let to = runs().map(|calls| calls.to).max().unwrap_or(own.to);
        let (logged, billed) =
            (runs().map(|calls| calls.tokens).sum(), gemini.service().tokens_between(from, to));
        let others = together.into_iter().filter(|other| *other != run).cloned().collect();
        return Ok(Some(Bill { billed, logged, others, from, to }));
    }
}

/// The run and the runs that made calls at the same time, directly or through other runs that
/// overlap.
fn together<'a>(calls: &'a BTreeMap<RunId, Calls>, run: &RunId) -> Vec<&'a RunId> {
    let mut together: Vec<&RunId> = calls.keys().filter(|other| *other == run).collect();
    let mut at = 0;
    while let Some(one) = together.get(at).map(|run| &calls[*run]) {
        at += 1;
        for (other, calls) in calls {
            if calls.from <= one.to && calls.to >= one.from && !together.contains(&other) {
                together.push(other);
            }
        }
    }
    together
}

fn calls_of(known: &Known) -> Option<Calls> {
    let (from, to) = known.asked?;
    let tokens = known.summary.posts.tokens.total + known.summary.profiles.tokens.total;
    Some(Calls { from: from - MARGIN, to: to + MARGIN, tokens })
}

pub(super) fn section(view: &View<'_>, summary: &Summary) -> Markup {
    let equations = equations(summary);
    html! {
        section #balance data-live aria-labelledby="balance-title" {
            h2 #balance-title { "Does it add up?" }
            @if summary.imbalances.is_empty() {
                p .verdict .good { "Balanced: every number on the record is the sum of its parts." }
            } @else {
                ul .verdict .warn { @for problem in &summary.imbalances { li { (problem) } } }
            }
            div .equations {
                @for equation in &equations { (drawn(equation, summary.status.is_end())) }
                (tokens_three_times(view, summary))
            }
        }
    }
}

fn equations(summary: &Summary) -> Vec<Equation> {
    let mut equations = Vec::new();
    for (what, kind) in [("post", &summary.posts), ("profile", &summary.profiles)] {
        equations.extend(leads(what, kind));
    }
    if summary.posts_harvested > 0 {
        equations.push(Equation {
            what: "Harvested posts".to_owned(),
            whole: part("whole", "harvested", summary.posts_harvested),
            parts: vec![
                part("scored", "of leads", summary.posts_matched),
                part("skipped", "of no lead", summary.posts_unmatched),
                part("open", "not looked up yet", summary.posts_open),
            ],
            is_final: true,
        });
    }
    equations.extend(accounts(summary));
    for (what, kind) in [("post", &summary.posts), ("profile", &summary.profiles)] {
        if kind.tokens.total > 0 {
            equations.push(tokens(what, &kind.tokens));
        }
    }
    equations
}

fn leads(what: &str, kind: &KindSummary) -> Option<Equation> {
    let leads = &kind.leads;
    (leads.planned > 0).then(|| Equation {
        what: format!("Leads of {what} scoring"),
        whole: part("whole", "planned", leads.planned),
        parts: vec![
            part("scored", "scored", leads.scored),
            part("skipped", "skipped", leads.skipped),
            part("failed", "failed", leads.failed),
            part("open", "open", leads.open),
        ],
        is_final: false,
    })
}

/// Which items and targets of the harvests ended where.
fn accounts(summary: &Summary) -> Vec<Equation> {
    let accounts = summary
        .harvests
        .iter()
        .filter_map(|(_, harvest)| harvest.account.as_ref().map(|account| (harvest, account)));
    let (mut items, mut posts, mut others) = (0, 0, 0);
    let (mut targets, mut with_posts, mut empty, mut unknown) = (0, 0, 0, 0);
    for (harvest, account) in accounts {
        items += u64::from(account.items);
        posts += u64::from(harvest.posts);
        others += u64::from(account.unused_where(|reason| !reason.is_post()));
        targets += u64::from(harvest.targets);
        with_posts += u64::from(account.targets_with_posts);
        empty += u64::from(account.targets_empty);
        unknown += u64::from(account.unknown());
    }
    let items = (items > 0).then(|| Equation {
        what: "Items of the dataset".to_owned(),
        whole: part("whole", "items", items),
        parts: vec![part("scored", "posts", posts), part("skipped", "other items", others)],
        is_final: false,
    });
    let targets = (targets > 0).then(|| Equation {
        what: "Targets of the harvest".to_owned(),
        whole: part("whole", "targets", targets),
        parts: vec![
            part("scored", "with posts", with_posts),
            part("skipped", "without posts", empty),
            part("failed", "unknown", unknown),
        ],
        is_final: false,
    });
    items.into_iter().chain(targets).collect()
}

fn tokens(what: &str, usage: &TokenUsage) -> Equation {
    Equation {
        what: format!("Tokens of {what} scoring"),
        whole: part("whole", "billed", usage.total),
        parts: vec![
            part("prompt", "prompt", usage.prompt),
            part("output", "output", usage.output),
            part("thoughts", "thoughts", usage.thoughts),
            part("tool", "tool", usage.tool),
            part("open", "of unknown kind", usage.unsplit),
        ],
        is_final: false,
    }
}

fn part(class: &'static str, name: &'static str, count: u64) -> Part {
    Part { class, name, count }
}

fn drawn(equation: &Equation, is_over: bool) -> Markup {
    let sum: u64 = equation.parts.iter().map(|part| part.count).sum();
    let most = sum.max(equation.whole.count);
    let whole = std::slice::from_ref(&equation.whole);
    let is_awaited = equation.is_final && !is_over;
    html! {
        div .equation {
            h3 { (equation.what) }
            (bar(whole, most))
            (bar(&equation.parts, most))
            p .sum {
                b { (grouped(equation.whole.count)) " " (equation.whole.name) }
                (sign(equation.whole.count, sum, is_awaited))
                @for (at, part) in equation.parts.iter().filter(|part| part.count > 0).enumerate() {
                    @if at > 0 { " + " }
                    span .part { span class={"key " (part.class)} {} (grouped(part.count)) " " (part.name) }
                }
                @if sum == 0 { "0" }
            }
        }
    }
}

/// Whether two numbers are equal. They may still differ if the result is awaited.
fn sign(one: u64, other: u64, is_awaited: bool) -> Markup {
    html! {
        @if one == other { span .equal { " = " } }
        @else if is_awaited { span .awaited { " ⋯ " } }
        @else { span .unequal { " ≠ " } span .off { "(" (grouped(one.abs_diff(other))) " off) " } }
    }
}

/// Tokens by the model's bill, in the log, and on the record: one number from three sources.
fn tokens_three_times(view: &View<'_>, summary: &Summary) -> Markup {
    let logged = summary.posts.tokens.total + summary.profiles.tokens.total;
    let record = view.record.as_ref().and_then(ReadRecord::row).map(|row| {
        let cell = |name| row.fields.get(name).and_then(Value::as_u64).unwrap_or_default();
        cell(run_record::POST_TOKENS) + cell(run_record::PROFILE_TOKENS)
    });
    let is_over = summary.status.is_end();
    let most = record.unwrap_or_default().max(logged);
    html! {
        div .equation .thrice {
            h3 { "Tokens, counted three times" }
            (bill_line(view, logged, is_over))
            (lost_calls(summary))
            (bar(&[part("whole", "in the log", logged)], most))
            p .sum { b { (grouped(logged)) } " in the log" }
            @match record {
                Some(record) => {
                    (bar(&[part("whole", "on the record", record)], most))
                    p .sum { (sign(logged, record, !is_over)) b { (grouped(record)) } " on the record" }
                }
                None => p .sum { "On the record: " a href=(view.query.with("record", "1")) { "read it from Airtable" } },
            }
        }
    }
}

/// Why the model's bill is higher than the log, if that is known.
fn lost_calls(summary: &Summary) -> Markup {
    let lost = summary.posts.unobserved + summary.profiles.unobserved;
    html! {
        @if lost > 0 {
            p .sum { (counted(lost, "call")) @if lost == 1 { " was" } @else { " were" }
                " lost on the way: what the model billed for " @if lost == 1 { "it" } @else { "them" } " is in no log." }
        }
    }
}

fn bill_line(view: &View<'_>, logged: u64, is_over: bool) -> Markup {
    html! {
        @match &view.bill {
            Some(bill) if bill.others.is_empty() => {
                (bar(&[part("whole", "billed", bill.billed)], bill.billed.max(logged)))
                p .sum { b { (grouped(bill.billed)) } " billed by the model" (sign(bill.billed, logged, !is_over)) }
            }
            Some(bill) => {
                p .sum { b { (grouped(bill.billed)) } " billed by the model"
                    (sign(bill.billed, bill.logged, !is_over))
                    b { (grouped(bill.logged)) } " in the logs of the " (bill.others.len() + 1)
                    " runs that made calls between " (moment(bill.from)) " and " (moment(bill.to)) ": this one"
                    @for other in bill.others.iter().take(3) { ", " (run_link(other)) }
                    @if bill.others.len() > 3 { " and " (bill.others.len() - 3) " more" }
                }
            }
            None if view.source.simulators.gemini.is_some() => p .sum { "The model was not asked." },
            None => p .sum { "The model's bill is not known here." },
        }
    }
}
