//! What a run cost, by model, tier and kind of token.

use crate::page::figures::grouped;
use crate::page::open_book::OpenBook;
use crate::page::runs::apify_cost;
use maud::{Markup, html};
use shared::core::tokens::NanoUsd;
use shared::fold::ModelUse;

pub(super) fn section(open: &OpenBook) -> Markup {
    let summary = &open.known.summary;
    let uses = open.state.model_uses();
    let at_least = if summary.cost_is_at_least() { "at least " } else { "" };
    html! {
        section #cost data-live aria-labelledby="cost-title" {
            h2 #cost-title { "Cost" }
            p { "Model " b { (at_least) (summary.ai_cost) } " + Apify " b { (apify_cost(summary)) }
                @for (what, kind) in [("post", &summary.posts), ("profile", &summary.profiles)] {
                    @if let Some(cost) = kind.cost_per_lead() { " · " (what) "s: " (cost) }
                }
            }
            @if uses.is_empty() {
                p { "The model answered nothing yet." }
            } @else {
                div .scroll tabindex="0" role="region" aria-label="Cost by model, tier and kind of token" {
                    table .money {
                        thead { tr {
                            th scope="col" { "Model" } th scope="col" { "Tier" } th scope="col" { "About" }
                            th scope="col" .num { "Answers" } th scope="col" .num { "Prompt" } th scope="col" .num { "of it cached" }
                            th scope="col" .num { "Output + thoughts" } th scope="col" .num { "Tokens" }
                            th scope="col" .num { "Cost" }
                        } }
                        tbody { @for one in &uses { (row(one)) } }
                    }
                }
            }
        }
    }
}

fn row(one: &ModelUse) -> Markup {
    let usage = &one.usage;
    html! {
        tr {
            th scope="row" { (one.model) }
            td { (one.tier) }
            td { (one.kind.as_str()) "s" }
            td .num { (grouped(one.answers)) }
            td .num { (grouped(usage.prompt)) (money(one.parts.input)) }
            td .num { (grouped(usage.cached)) (money(one.parts.cached)) }
            td .num { (grouped(usage.output)) " + " (grouped(usage.thoughts)) (money(one.parts.output)) }
            td .num { (grouped(usage.total)) }
            td .num { (one.cost) @if one.unpriced > 0 { " + " (one.unpriced) " without a price" } }
        }
    }
}

/// Formats hundredths of a billionth of a dollar.
fn money(hundredths: u64) -> Markup {
    html! { small { (NanoUsd((hundredths + 50) / 100)) } }
}
