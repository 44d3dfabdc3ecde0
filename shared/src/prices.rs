//! What the models cost: dated list prices as data.
//!
//! Source of the figures: Google's price pages as of November 2026, standard tier, per million
//! tokens. A dollar per million tokens is 1,000 billionths of a dollar per token.

use crate::tokens::{NanoUsd, TokenUsage};
use jiff::Timestamp;
use jiff::civil::{Date, date};

/// One row: what a model costs from a day on, for prompts of at least so many tokens.
struct Price {
    model: &'static str,
    /// First day (UTC) of the price.
    from: Date,
    /// Smallest prompt it is for; the tier is that of the whole prompt.
    prompt_from: u64,
    /// Billionths of a dollar per prompt token that was not cached.
    input: u64,
    /// The same per cached prompt token.
    cached: u64,
    /// The same per token of output or thoughts.
    output: u64,
}

const fn price(
    model: &'static str,
    from: Date,
    prompt_from: u64,
    (input, cached, output): (u64, u64, u64),
) -> Price {
    Price { model, from, prompt_from, input, cached, output }
}

/// Before any call this system made.
const ALWAYS: Date = date(2025, 1, 1);
/// A prompt above 200,000 tokens costs more with some models.
const LONG: u64 = 200_001;

/// Where Google names no price for cached tokens, a tenth of the input's (its rule for 2.5 and
/// later).
const PRICES: &[Price] = &[
    price("gemini-2.5-flash", ALWAYS, 0, (300, 30, 2_500)),
    price("gemini-2.5-flash-lite", ALWAYS, 0, (100, 10, 400)),
    price("gemini-2.5-pro", ALWAYS, 0, (1_250, 125, 10_000)),
    price("gemini-2.5-pro", ALWAYS, LONG, (2_500, 250, 15_000)),
    price("gemini-3.1-pro-preview", ALWAYS, 0, (2_000, 200, 12_000)),
    price("gemini-3.1-pro-preview", ALWAYS, LONG, (4_000, 400, 18_000)),
    price("gemini-3.5-flash", ALWAYS, 0, (1_500, 150, 9_000)),
    price("gemini-3.5-flash-lite", ALWAYS, 0, (300, 30, 2_500)),
    price("gemini-3.6-flash", ALWAYS, 0, (750, 75, 3_750)),
    price("gemini-3.6-flash", date(2027, 1, 1), 0, (1_500, 150, 7_500)),
    price("gemini-3.7-flash", ALWAYS, 0, (750, 75, 3_750)),
    price("gemini-3.7-flash", date(2027, 1, 1), 0, (1_500, 150, 7_500)),
    price("gemini-3.8-flash", ALWAYS, 0, (750, 75, 3_750)),
    price("gemini-3.8-flash", date(2027, 1, 1), 0, (1_500, 150, 7_500)),
    price("gemini-4-argon", ALWAYS, 0, (2_000, 100, 10_000)),
    price("gemini-4-argon", date(2026, 12, 1), 0, (4_000, 200, 20_000)),
];

/// What one answer of `model` at `at` costs; `None` for a model that has no price here.
///
/// Bill = (prompt − cached)·in + cached·cachedIn + tool·in + (output + thoughts)·out (Google's
/// arithmetic, external rule).
#[must_use]
pub fn cost(model: &str, usage: &TokenUsage, at: Timestamp) -> Option<NanoUsd> {
    let model = base_model(model);
    let day = jiff::tz::Offset::UTC.to_datetime(at).date();
    let price = PRICES
        .iter()
        .filter(|p| p.model == model && p.from <= day && p.prompt_from <= usage.prompt)
        .max_by_key(|p| (p.from, p.prompt_from))?;
    let uncached = usage.prompt.saturating_sub(usage.cached) + usage.tool;
    Some(NanoUsd(
        uncached * price.input
            + usage.cached.min(usage.prompt) * price.cached
            + (usage.output + usage.thoughts) * price.output,
    ))
}

/// `models/gemini-3.5-flash-lite-001` → `gemini-3.5-flash-lite`.
fn base_model(model: &str) -> &str {
    let model = model.strip_prefix("models/").unwrap_or(model);
    match model.rsplit_once('-') {
        Some((base, build)) if build.len() == 3 && build.bytes().all(|b| b.is_ascii_digit()) => {
            base
        }
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2026-11-23T10:00:00Z";

    fn usd(model: &str, usage: TokenUsage, at: &str) -> Option<f64> {
        cost(model, &usage, at.parse().unwrap()).map(NanoUsd::as_usd)
    }

    fn million(prompt: u64, output: u64) -> TokenUsage {
        TokenUsage { prompt: prompt * 1_000_000, output: output * 1_000_000, ..Default::default() }
    }

    #[test]
    fn a_million_tokens_cost_the_list_price() {
        assert_eq!(usd("gemini-3.5-flash-lite", million(1, 1), DAY), Some(2.80));
        assert_eq!(usd("models/gemini-3.5-flash-lite-001", million(1, 0), DAY), Some(0.30));
    }

    #[test]
    fn cached_tokens_cost_a_tenth_and_thoughts_cost_as_output() {
        let usage = TokenUsage { prompt: 1_000_000, cached: 1_000_000, ..Default::default() };
        assert_eq!(usd("gemini-3.5-flash-lite", usage, DAY), Some(0.03));
        let usage = TokenUsage { thoughts: 1_000_000, ..Default::default() };
        assert_eq!(usd("gemini-3.5-flash-lite", usage, DAY), Some(2.50));
        let usage = TokenUsage { tool: 1_000_000, ..Default::default() };
        assert_eq!(usd("gemini-3.5-flash-lite", usage, DAY), Some(0.30));
    }

    #[test]
    fn a_price_holds_from_its_day_on() {
        assert_eq!(usd("gemini-4-argon", million(1, 0), "2026-11-30T23:59:59Z"), Some(2.0));
        assert_eq!(usd("gemini-4-argon", million(1, 0), "2026-12-01T00:00:00Z"), Some(4.0));
        assert_eq!(usd("gemini-3.8-flash", million(0, 1), "2026-12-31T23:59:59Z"), Some(3.75));
        assert_eq!(usd("gemini-3.8-flash", million(0, 1), "2027-01-01T00:00:00Z"), Some(7.5));
    }

    #[test]
    fn a_prompt_above_200k_tokens_costs_more_as_a_whole() {
        let short = TokenUsage { prompt: 200_000, ..Default::default() };
        let long = TokenUsage { prompt: 200_001, ..Default::default() };
        assert_eq!(
            cost("gemini-2.5-pro", &short, DAY.parse().unwrap()),
            Some(NanoUsd(250_000_000))
        );
        assert_eq!(cost("gemini-2.5-pro", &long, DAY.parse().unwrap()), Some(NanoUsd(500_002_500)));
    }

    #[test]
    fn a_model_without_a_price_costs_nothing_known() {
        assert_eq!(usd("gemini-9-unheard-of", million(1, 1), DAY), None);
    }
}
