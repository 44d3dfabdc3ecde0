//! The cost of each client, today and this month.

use super::figures::{Part, bar, grouped};
use super::site::Page;
use super::unread::Reading;
use crate::result::Fault;
use jiff::civil::Date;
use jiff::tz::Offset;
use maud::{Markup, html};
use shared::core::counted::counted;
use shared::core::tokens::NanoUsd;
use shared::fold::Summary;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cost in one period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) model: NanoUsd,
    pub(super) apify: NanoUsd,
    pub(super) tokens: u64,
}

/// The cost of each client.
pub(super) struct Spend {
    today: Date,
    /// Today's and this month's cost, by client.
    clients: BTreeMap<String, [Amount; 2]>,
    /// Whether older runs may be missing, because a deployed log is not read completely.
    is_part: bool,
    /// Number of runs that are not read yet.
    pub(super) unread: usize,
}

/// Adds up the runs of this month and older runs that were billed in it.
pub(super) async fn spend(page: &Arc<Page>) -> Result<Spend, Fault> {
    let Page { source, book, .. } = &**page;
    let today = Offset::UTC.to_datetime(source.now()).date();
    let mut clients: BTreeMap<String, [Amount; 2]> = BTreeMap::new();
    let heads = book.heads(&source.deployment, source.now() - source.verify_for).await?;
    let mut reading = Reading::of_many(page);
    for head in heads {
        let Some(known) = reading.known(&head).await? else { continue };
        let details = book.details(&source.deployment, &known).await?;
        let amounts = clients.entry(head.run.client().to_string()).or_default();
        add(amounts, &known.summary, &details.cost_by_day, today);
    }
    clients.retain(|_, [_, month]| *month != Amount::default());
    let (unread, is_part) = (reading.unread, source.deployment.is_on_aws());
    Ok(Spend { today, clients, is_part, unread })
}

/// Adds the cost of a run on the days in the period. A harvest counts on the day of its report.
fn add(
    amounts: &mut [Amount; 2],
    summary: &Summary,
    cost_by_day: &BTreeMap<Date, NanoUsd>,
    today: Date,
) {
    let is_counted = |day: Date| [day == today, day.first_of_month() == today.first_of_month()];
    let mut put = |day: Date, model: NanoUsd, apify: NanoUsd, tokens: u64| {
        for (amount, counts) in amounts.iter_mut().zip(is_counted(day)) {
            if counts {
                amount.model += model;
                amount.apify += apify;
                amount.tokens += tokens;
            }
        }
    };
    for (day, cost) in cost_by_day {
        put(*day, *cost, NanoUsd::default(), 0);
    }
    for (day, tokens) in &summary.tokens_by_day {
        put(*day, NanoUsd::default(), NanoUsd::default(), *tokens);
    }
    for (at, harvest) in &summary.harvests {
        let is_elsewhere = summary.costs_elsewhere.contains_key(&harvest.apify_run);
        let cost = harvest.cost.filter(|_| !is_elsewhere).unwrap_or_default();
        put(Offset::UTC.to_datetime(*at).date(), NanoUsd::default(), cost, 0);
    }
}

pub(super) fn section(spend: &Spend) -> Markup {
    html! {
        section #spend data-live aria-labelledby="spend-title" {
            h2 #spend-title { "Spend by client" }
            @if spend.is_part { p .count { "Of the runs that are listed here: older ones may be missing." } }
            @if spend.unread > 0 { p .count { (counted(spend.unread as u64, "run")) " not read yet" } }
            @for (at, title) in [(0, format!("Today, {}", spend.today)), (1, spend.today.strftime("This month, %B %Y").to_string())] {
                h3 { (title) }
                (chart(spend, at))
            }
        }
    }
}

fn chart(spend: &Spend, at: usize) -> Markup {
    let clients: Vec<(&str, Amount)> =
        spend.clients.iter().map(|(client, amounts)| (client.as_str(), amounts[at])).collect();
    let clients: Vec<(&str, Amount)> =
        clients.into_iter().filter(|(_, amount)| *amount != Amount::default()).collect();
    let whole =
        clients.iter().map(|(_, amount)| amount.model.0 + amount.apify.0).max().unwrap_or_default();
    html! {
        @if clients.is_empty() { p .none { "Nothing was spent." } }
        ul .spend {
            @for (client, amount) in clients {
                li {
                    span .client { (client) }
                    (bar(&[
                        Part { class: "prompt", name: "model, billionths of a dollar", count: amount.model.0 },
                        Part { class: "apify", name: "Apify, billionths of a dollar", count: amount.apify.0 },
                    ], whole))
                    span .amount { span .key .prompt {} "model " (amount.model) " + " span .key .apify {} "Apify " (amount.apify) " · " (grouped(amount.tokens)) " tokens" }
                }
            }
        }
    }
}
