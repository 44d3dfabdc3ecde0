//! The prices of the models: dated list prices as data.
//!
//! Source of the figures: Google's price pages as of November 2026, per million tokens. One dollar
//! per million tokens is 1,000 billionths of a dollar per token. To change a price, add a row with
//! its first day. Never change a row, or the cost of past runs changes too.

use crate::core::tokens::{NanoUsd, Surface, Tier, TokenUsage};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::borrow::Cow;
use std::ops::AddAssign;

/// The value of the field `alarm` in the log line about a call that has no price.
pub const ALARM_NO_PRICE: &str = "model_without_price";

/// The terms under which a call was served. They decide its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The API that served it.
    pub surface: Surface,
    /// The tier that served it.
    pub tier: Tier,
    /// When the answer arrived.
    pub at: Timestamp,
}

/// One row: what a model costs from a given day, for prompts of at least `prompt_from` tokens.
struct Price {
    model: &'static str,
    /// First day (UTC) of the price.
    from: Date,
    /// Smallest prompt that this price is for. The price then applies to the whole prompt.
    prompt_from: u64,
    rates: Rates,
}

/// Billionths of a dollar per token.
#[derive(Debug, Clone, Copy)]
struct Rates {
    /// A prompt token that was not cached.
    input: u64,
    /// A cached prompt token.
    cached: u64,
    /// A token of output or thoughts.
    output: u64,
}

const fn price(
    model: &'static str,
    from: Date,
    prompt_from: u64,
    (input, cached, output): (u64, u64, u64),
) -> Price {
    Price { model, from, prompt_from, rates: Rates { input, cached, output } }
}

/// A day before any call that this system made.
const ALWAYS: Date = date(2025, 1, 1);
/// With some models, a prompt above 200,000 tokens costs more.
const LONG: u64 = 200_001;

/// The standard tier. Where Google lists no price for cached tokens, it is a tenth of the input
/// price (Google's rule for 2.5 and later).
const PRICES: &[Price] = &[
    price("gemini-2.5-flash", ALWAYS, 0, (300, 30, 2_500)),
    price("gemini-2.5-flash-lite", ALWAYS, 0, (100, 10, 400)),
    price("gemini-2.5-pro", ALWAYS, 0, (1_250, 125, 10_000)),
    price("gemini-2.5-pro", ALWAYS, LONG, (2_500, 250, 15_000)),
    price("gemini-3.1-flash-lite", ALWAYS, 0, (250, 25, 1_500)),
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
    price("gemini-4-carbon", ALWAYS, 0, (2_000, 100, 10_000)),
    price("gemini-4-carbon", date(2026, 12, 1), 0, (4_000, 200, 20_000)),
    price("gemini-4-hydrogen", ALWAYS, 0, (1_500, 75, 7_500)),
    price("gemini-4-neon", ALWAYS, 0, (3_000, 150, 15_000)),
];

/// One row: a tier's price from a given day, in percent of the standard price.
struct TierShare {
    tier: Tier,
    /// Prefix of the names of the models it applies to; empty for all models.
    models: &'static str,
    /// First day (UTC) of the percentage.
    from: Date,
    percent: u64,
}

const fn share(tier: Tier, models: &'static str, percent: u64) -> TierShare {
    TierShare { tier, models, from: ALWAYS, percent }
}

/// Google lists a priority tier only for 3.7 and the fourth generation. It lists no price for
/// off-peak service, and capacity bought in advance has no price per token.
const TIER_SHARES: &[TierShare] = &[
    share(Tier::Standard, "", 100),
    share(Tier::Flex, "", 50),
    share(Tier::Batch, "", 50),
    share(Tier::Priority, "gemini-3.7-", 180),
    share(Tier::Priority, "gemini-4-", 180),
];

/// One row: the price of a cached token where it is not a percentage of the standard price.
struct CachedPrice {
    model: &'static str,
    surface: Surface,
    tier: Tier,
    /// First day (UTC) of the price.
    from: Date,
    /// Billionths of a dollar per cached prompt token.
    cached: u64,
}

/// Vertex AI lists 15 for the same model and tier.
const CACHED_PRICES: &[CachedPrice] = &[CachedPrice {
    model: "gemini-3.5-flash-lite",
    surface: Surface::Developer,
    tier: Tier::Flex,
    from: date(2026, 11, 28),
    cached: 20,
}];

/// The cost of one answer of `model` under these terms, rounded to a billionth of a dollar; `None`
/// for a model or a tier without a price in these tables.
pub fn cost(model: &str, terms: Terms, usage: &TokenUsage) -> Option<NanoUsd> {
    parts(model, terms, usage).map(CostParts::total)
}

/// A cost by kind of token, in hundredths of a billionth of a dollar, because a tier's price is a
/// percentage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CostParts {
    /// Prompt tokens that were not cached, tool tokens, and tokens of unknown kind.
    pub input: u64,
    /// Cached prompt tokens.
    pub cached: u64,
    /// Output and thoughts.
    pub output: u64,
}

impl CostParts {
    /// The sum, rounded to a billionth of a dollar.
    pub fn total(self) -> NanoUsd {
        NanoUsd((self.input + self.cached + self.output + 50) / 100)
    }
}

impl AddAssign for CostParts {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
    }
}

/// The cost of one answer by kind of token, as [`cost`] adds it up.
///
/// Cost = (prompt − cached)·in + cached·cachedIn + tool·in + (output + thoughts)·out (Google's
/// arithmetic, external rule). Tokens whose kind the model does not report count as prompt tokens,
/// so the real cost is at least the result.
pub fn parts(model: &str, terms: Terms, usage: &TokenUsage) -> Option<CostParts> {
    let model = base_model(model);
    let model = &*model;
    let day = jiff::tz::Offset::UTC.to_datetime(terms.at).date();
    let rates = PRICES
        .iter()
        .filter(|p| p.model == model && p.from <= day && p.prompt_from <= usage.prompt)
        .max_by_key(|p| (p.from, p.prompt_from))?
        .rates;
    let percent = TIER_SHARES
        .iter()
        .filter(|s| s.tier == terms.tier && model.starts_with(s.models) && s.from <= day)
        .max_by_key(|share| share.from)?
        .percent;
    let cached_price = CACHED_PRICES
        .iter()
        .filter(|p| (p.model, p.surface, p.tier) == (model, terms.surface, terms.tier))
        .filter(|p| p.from <= day)
        .max_by_key(|p| p.from)
        .map_or(rates.cached * percent, |p| p.cached * 100);
    let uncached = usage.prompt.saturating_sub(usage.cached) + usage.tool + usage.unsplit;
    Some(CostParts {
        input: uncached * rates.input * percent,
        cached: usage.cached.min(usage.prompt) * cached_price,
        output: (usage.output + usage.thoughts) * rates.output * percent,
    })
}

/// Whether two names refer to the same model, as `models/gemini-3.5-flash-lite-001` and
/// `gemini-3.5-flash-lite` do.
pub fn is_same_model(one: &str, other: &str) -> bool {
    base_model(one) == base_model(other)
}

/// `models/gemini-3.5-flash-lite-001` → `gemini-3.5-flash-lite`. The suffixes `@001` and
/// `@default`, with which Vertex AI writes versions, are removed too.
fn base_model(model: &str) -> Cow<'_, str> {
    let model = model.rsplit_once('/').map_or(model, |(_, name)| name);
    let model = model.split('@').next().unwrap_or_default().trim();
    let is_build = |build: &str| build.len() == 3 && build.bytes().all(|b| b.is_ascii_digit());
    let base = model.rsplit_once('-').filter(|(_, build)| is_build(build));
    let model = base.map_or(model, |(base, _)| base);
    let has_capitals = model.bytes().any(|byte| byte.is_ascii_uppercase());
    if has_capitals { model.to_ascii_lowercase().into() } else { model.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2026-11-23T10:00:00Z";
    const LITE: &str = "gemini-3.5-flash-lite";

    fn terms(surface: Surface, tier: Tier, at: &str) -> Terms {
        Terms { surface, tier, at: at.parse().unwrap() }
    }

    fn standard(at: &str) -> Terms {
        terms(Surface::Developer, Tier::Standard, at)
    }

    fn usd(model: &str, usage: TokenUsage, at: &str) -> Option<f64> {
        cost(model, standard(at), &usage).map(NanoUsd::as_usd)
    }

    fn million(prompt: u64, output: u64) -> TokenUsage {
        TokenUsage { prompt: prompt * 1_000_000, output: output * 1_000_000, ..Default::default() }
    }

    /// Dollars per million tokens: prompt, cached prompt, output, thoughts. The prompt has 1,000
    /// tokens, or 250,000 for a long call.
    fn list(model: &str, at: &str, long: bool) -> [f64; 4] {
        let prompt = if long { 250_000 } else { 1_000 };
        let of =
            |usage: TokenUsage| cost(model, standard(at), &usage).expect("it has a price").as_usd();
        let base = TokenUsage { prompt, ..Default::default() };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let per_million = |usd: f64, tokens: u64| (usd * 1e9 / tokens as f64).round() / 1e3;
        let more = |usage| per_million(of(usage) - of(base), 1_000);
        [
            per_million(of(base), prompt),
            per_million(of(TokenUsage { cached: prompt, ..base }), prompt),
            more(TokenUsage { output: 1_000, ..base }),
            more(TokenUsage { thoughts: 1_000, ..base }),
        ]
    }

    #[test]
    fn the_whole_list_holds_over_the_turn_of_the_year() {
        let days = ["2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z"];
        let year = "2027-01-01T00:00:00Z";
        let newer = ["gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash"];
        for at in [days[0], days[1], days[2], year] {
            assert_eq!(list(LITE, at, false), [0.3, 0.03, 2.5, 2.5], "{at}");
            assert_eq!(list("gemini-3.5-flash", at, false), [1.5, 0.15, 9.0, 9.0], "{at}");
            assert_eq!(list("gemini-2.5-flash", at, false), [0.3, 0.03, 2.5, 2.5], "{at}");
            assert_eq!(list("gemini-2.5-flash-lite", at, false), [0.1, 0.01, 0.4, 0.4], "{at}");
            assert_eq!(list("gemini-2.5-pro", at, false), [1.25, 0.125, 10.0, 10.0], "{at}");
            assert_eq!(list("gemini-2.5-pro", at, true), [2.5, 0.25, 15.0, 15.0], "{at}");
            assert_eq!(list("gemini-3.1-pro-preview", at, false), [2.0, 0.2, 12.0, 12.0], "{at}");
            assert_eq!(list("gemini-3.1-pro-preview", at, true), [4.0, 0.4, 18.0, 18.0], "{at}");
            for model in newer {
                let now =
                    if at == year { [1.5, 0.15, 7.5, 7.5] } else { [0.75, 0.075, 3.75, 3.75] };
                assert_eq!(list(model, at, false), now, "{model} {at}");
            }
            let argon = if at == days[0] { [2.0, 0.1, 10.0, 10.0] } else { [4.0, 0.2, 20.0, 20.0] };
            assert_eq!(list("gemini-4-argon", at, false), argon, "{at}");
            assert_eq!(list("gemini-4-carbon", at, false), argon, "{at}");
            assert_eq!(list("gemini-4-hydrogen", at, false), [1.5, 0.075, 7.5, 7.5], "{at}");
            assert_eq!(list("gemini-4-neon", at, false), [3.0, 0.15, 15.0, 15.0], "{at}");
            assert_eq!(list("gemini-3.1-flash-lite", at, false), [0.25, 0.025, 1.5, 1.5], "{at}");
        }
    }

    /// Models that are not in the public list, each with the reason.
    const NOT_LISTED: &[(&str, &str)] = &[
        ("gemini-4-carbon", "too new for version 0.2 of the list; the price is Google's page's"),
        ("gemini-4-hydrogen", "too new for version 0.2 of the list; the price is Google's page's"),
        ("gemini-4-neon", "too new for version 0.2 of the list; the price is Google's page's"),
    ];

    /// The price of one token in the public list `genai-prices`, in billionths of a dollar.
    fn listed(row: &Price, usage: &[(genai_prices::UsageKey, f64)], tokens: f64) -> Option<u64> {
        let usage: genai_prices::Usage = usage.iter().cloned().collect();
        let day = row.from.max(date(2026, 11, 28)).at(0, 0, 0, 0);
        let day = jiff::tz::Offset::UTC.to_timestamp(day).unwrap().as_second().unsigned_abs();
        let day = std::time::UNIX_EPOCH + std::time::Duration::from_secs(day);
        let request = genai_prices::PriceRequest::new(row.model, &usage)
            .with_provider_id("google")
            .with_timestamp(day);
        let usd = genai_prices::calculate(&request).ok()?.total_price;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a price")]
        Some((usd * 1e9 / tokens).round() as u64)
    }

    #[test]
    fn every_row_is_as_in_a_public_list_or_an_exception_with_a_reason() {
        use genai_prices::UsageKey as Key;
        for row in PRICES {
            let prompt = if row.prompt_from > 0 { 1_000_000.0 } else { 1_000.0 };
            let input = listed(row, &[(Key::INPUT_TOKENS, prompt)], prompt);
            if let Some((model, reason)) = NOT_LISTED.iter().find(|(model, _)| *model == row.model)
            {
                assert_eq!(input, None, "{model} is in the list now, and no exception: {reason}");
                continue;
            }
            assert_eq!(input, Some(row.rates.input), "{} from {}: input", row.model, row.from);
            let all_cached = [(Key::INPUT_TOKENS, prompt), (Key::CACHE_READ_TOKENS, prompt)];
            let cached = listed(row, &all_cached, prompt);
            assert_eq!(cached, Some(row.rates.cached), "{} from {}: cached", row.model, row.from);
            let with_output = [(Key::INPUT_TOKENS, prompt), (Key::OUTPUT_TOKENS, prompt)];
            let both = listed(row, &with_output, prompt);
            let output = both.map(|both| both - row.rates.input);
            assert_eq!(output, Some(row.rates.output), "{} from {}: output", row.model, row.from);
        }
    }

    #[test]
    fn a_million_tokens_cost_the_list_price() {
        assert_eq!(usd(LITE, million(1, 1), DAY), Some(2.80));
        assert_eq!(usd("models/gemini-3.5-flash-lite-001", million(1, 0), DAY), Some(0.30));
        let on_vertex = "publishers/google/models/gemini-3.5-flash-lite";
        assert_eq!(usd(on_vertex, million(1, 0), DAY), Some(0.30));
        let tool = TokenUsage { tool: 1_000_000, ..Default::default() };
        assert_eq!(usd(LITE, tool, DAY), Some(0.30));
    }

    #[test]
    fn flex_and_batch_cost_half_to_the_billionth_and_a_tier_without_a_price_costs_nothing_known() {
        let of =
            |tier, usage| cost("gemini-3.8-flash", terms(Surface::Developer, tier, DAY), &usage);
        assert_eq!(of(Tier::Flex, million(1, 1)), Some(NanoUsd(2_250_000_000)));
        assert_eq!(of(Tier::Batch, million(1, 1)), Some(NanoUsd(2_250_000_000)));
        let cached = TokenUsage { prompt: 3, cached: 3, ..Default::default() };
        assert_eq!(of(Tier::Flex, cached), Some(NanoUsd(113)), "half of 225, rounded once");
        for tier in [Tier::Priority, Tier::OffPeak, Tier::Provisioned, Tier::Unknown] {
            assert_eq!(of(tier, million(1, 1)), None, "{tier}");
        }
    }

    #[test]
    fn priority_costs_1_8_times_the_standard_price_where_google_names_one() {
        let of =
            |model| cost(model, terms(Surface::Developer, Tier::Priority, DAY), &million(1, 1));
        assert_eq!(of("gemini-3.7-flash"), Some(NanoUsd(8_100_000_000)), "1.8 × 4.50");
        assert_eq!(of("gemini-4-hydrogen"), Some(NanoUsd(16_200_000_000)), "1.8 × 9");
        assert_eq!(of("gemini-3.8-flash"), None);
    }

    #[test]
    fn a_cached_token_at_flex_costs_what_the_api_that_served_it_lists() {
        let cached = TokenUsage { prompt: 1_000, cached: 1_000, ..Default::default() };
        let of = |surface, at| cost(LITE, terms(surface, Tier::Flex, at), &cached);
        assert_eq!(of(Surface::Developer, "2026-11-28T00:00:00Z"), Some(NanoUsd(20_000)));
        assert_eq!(of(Surface::Vertex, "2026-11-28T00:00:00Z"), Some(NanoUsd(15_000)));
        assert_eq!(of(Surface::Developer, DAY), Some(NanoUsd(15_000)), "as it was recorded then");
    }

    #[test]
    fn tokens_that_are_not_told_apart_cost_at_least_what_a_prompt_costs() {
        let usage = TokenUsage { unsplit: 1_000_000, ..Default::default() };
        assert_eq!(usd(LITE, usage, DAY), Some(0.30));
    }

    #[test]
    fn a_prompt_above_200k_tokens_costs_more_as_a_whole() {
        let short = TokenUsage { prompt: 200_000, ..Default::default() };
        let long = TokenUsage { prompt: 200_001, ..Default::default() };
        assert_eq!(usd("gemini-2.5-pro", short, DAY), Some(0.25));
        assert_eq!(usd("gemini-2.5-pro", long, DAY), Some(0.500_002_5));
    }

    #[test]
    fn a_model_without_a_price_costs_nothing_known() {
        assert_eq!(usd("gemini-9-unheard-of", million(1, 1), DAY), None);
    }
}
