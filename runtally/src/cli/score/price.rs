//! Shows the price of scoring to people and to programs.

use crate::cli::output::{Cell, Listing, Tone, fitted};
use crate::result::Fault;
use scoring::WaitingPrice;
use serde_json::{Value, json};
use shared::core::counted::{counted, grouped};
use shared::core::ids::ClientId;
use shared::core::tokens::NanoUsd;
use std::io::Write;

/// The price for one client, or why it is not known.
pub(super) struct Priced {
    pub(super) client: ClientId,
    pub(super) price: Result<WaitingPrice, String>,
}

impl Priced {
    /// Leads that would be scored.
    pub(super) fn to_score(&self) -> Option<usize> {
        self.price.as_ref().ok().map(WaitingPrice::to_score)
    }
}

pub(super) fn as_json(all: &[Priced], dry_run: bool) -> Value {
    let clients: Vec<Value> = all.iter().map(one_as_json).collect();
    let (tokens, cost) = sum(all);
    json!({"dry_run": dry_run, "queued": false, "clients": clients, "tokens": tokens,
        "cost_usd": cost.map(NanoUsd::as_usd)})
}

fn one_as_json(Priced { client, price }: &Priced) -> Value {
    match price {
        Ok(price) => json!({"client": client, "kind": price.kind, "model": price.model,
            "leads": price.leads, "to_score": price.to_score(), "beyond_limit": price.beyond,
            "tokens": price.tokens, "cost_usd": price.cost.map(NanoUsd::as_usd),
            "notes": price.notes, "complete": price.is_whole}),
        Err(reason) => json!({"client": client, "reason": reason}),
    }
}

/// The sum of the tokens, and the cost if every price is known.
fn sum(all: &[Priced]) -> (u64, Option<NanoUsd>) {
    let prices = || all.iter().filter_map(|priced| priced.price.as_ref().ok());
    let cost = prices()
        .map(|price| price.cost)
        .try_fold(NanoUsd(0), |sum, cost| cost.map(|cost| NanoUsd(sum.0 + cost.0)));
    (prices().map(|price| price.tokens).sum(), cost)
}

pub(super) fn show(all: &[Priced]) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    let mut rows =
        Listing::new(["client", "waiting", "to score", "beyond the limit", "tokens", "cost"]);
    for Priced { client, price } in all {
        match price {
            Ok(price) => rows.add([
                Cell::id(client.as_str()),
                grouped(price.leads as u64).into(),
                grouped(price.to_score() as u64).into(),
                grouped(price.beyond as u64).into(),
                format!("about {}", grouped(price.tokens)).into(),
                price.cost.map_or("not known".to_owned(), |cost| cost.to_string()).into(),
            ]),
            Err(reason) => {
                rows.add([Cell::id(client.as_str()), Cell::toned(reason, Some(Tone::Bad))]);
            }
        }
    }
    write!(out, "{rows}")?;
    for Priced { client, price } in all {
        let Ok(price) = price else { continue };
        let unread = (!price.is_whole).then(|| {
            format!("there was no time to read more than {}", counted(price.leads, "lead"))
        });
        for note in price.notes.iter().chain(&unread) {
            writeln!(out, "{}", fitted(&format!("note  {client}: {note}"), 6))?;
        }
    }
    let (tokens, cost) = sum(all);
    let leads: usize = all.iter().filter_map(Priced::to_score).sum();
    let model = all.iter().find_map(|priced| Some(&priced.price.as_ref().ok()?.model));
    let by = model.map(|model| format!(" by {model}")).unwrap_or_default();
    let cost = cost.map_or("an unknown amount".to_owned(), |cost| cost.to_string());
    let told = match leads {
        0 => "Nothing is to be scored.".to_owned(),
        leads => format!(
            "{} would be scored with about {} tokens for about {cost}{by}.",
            counted(leads, "lead"),
            grouped(tokens),
        ),
    };
    Ok(writeln!(out, "{}", fitted(&told, 0))?)
}
