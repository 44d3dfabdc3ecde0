//! The differences between models.

use jiff::Timestamp;
use serde::Deserialize;

/// 1 December 2026, 00:00 UTC. From then on, other models answer for two retired models.
const REROUTED_FROM: i64 = 1_796_083_200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    Minimal,
    Low,
    Medium,
    High,
    #[serde(rename = "XHIGH")]
    XHigh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// The accepted thinking levels; empty for models that accept only a budget.
    pub(super) levels: &'static [Level],
    /// The level if there is no `thinkingConfig`.
    pub(super) default: Level,
    /// Whether it accepts a `thinkingBudget`.
    pub(super) budget: bool,
    /// Whether it refuses penalties and a last turn by the model.
    pub(super) strict: bool,
    /// The fewest tokens of a prompt for caching. The documentation does not mention Flash-Lite
    /// models, so they have the value of their generation.
    pub(super) cache_min_tokens: u64,
}

const ALL: &[Level] = &[Level::Minimal, Level::Low, Level::Medium, Level::High];
const THINKING: &[Level] = &[Level::Low, Level::Medium, Level::High];

const ALL_AND_MORE: &[Level] =
    &[Level::Minimal, Level::Low, Level::Medium, Level::High, Level::XHigh];
const THINKING_AND_MORE: &[Level] = &[Level::Low, Level::Medium, Level::High, Level::XHigh];

const BY_PREFIX: [(&str, Rules); 11] = [
    ("gemini-2.5-flash-lite", rules(&[], Level::Minimal, true, false)),
    ("gemini-2.5-", rules(&[], Level::Medium, true, false)),
    ("gemini-3.1-flash-lite", rules(ALL, Level::Minimal, true, false)),
    ("gemini-3.1-", rules(THINKING, Level::High, true, false)),
    ("gemini-3.5-flash-lite", rules(ALL, Level::Minimal, true, true)),
    ("gemini-3.5-", rules(ALL, Level::Medium, true, false)),
    ("gemini-3.6-", rules(ALL, Level::Medium, true, true)),
    ("gemini-3.", rules(THINKING, Level::Medium, true, true)),
    ("gemini-4-hydrogen", rules(ALL_AND_MORE, Level::High, false, true)),
    ("gemini-4-neon", rules(THINKING_AND_MORE, Level::High, false, true)),
    // Any other name is a newer model and follows the newest rules.
    ("", rules(THINKING, Level::Medium, false, true)),
];

const fn rules(levels: &'static [Level], default: Level, budget: bool, strict: bool) -> Rules {
    // Only generation 2.5 accepts no levels.
    let cache_min_tokens = if levels.is_empty() { 2_048 } else { 4_096 };
    Rules { levels, default, budget, strict, cache_min_tokens }
}

impl Rules {
    pub(super) fn of(model: &str) -> Self {
        let found = BY_PREFIX.iter().find(|(prefix, _)| model.starts_with(prefix));
        found.map_or(rules(THINKING, Level::Medium, false, true), |&(_, rules)| rules)
    }
}

/// The model that really answers a call to `model` at `now`.
pub(super) fn served_by(model: &str, now: Timestamp) -> &str {
    if now.as_second() < REROUTED_FROM {
        return model;
    }
    match model {
        "gemini-2.5-flash" => "gemini-3.5-flash-lite",
        "gemini-2.5-pro" => "gemini-3.8-flash",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_levels() {
        assert_eq!(Rules::of("gemini-3.5-flash-lite").default, Level::Minimal);
        assert!(Rules::of("gemini-3.5-flash").levels.contains(&Level::Minimal));
        assert!(!Rules::of("gemini-3.8-flash").levels.contains(&Level::Minimal));
        assert_eq!(Rules::of("gemini-3.1-pro-preview").default, Level::High);
        assert!(!Rules::of("gemini-4-argon").budget);
        assert!(Rules::of("gemini-2.5-pro").levels.is_empty());
    }

    #[test]
    fn a_prompt_is_cached_from_the_length_that_is_documented_for_its_generation() {
        let least = |model| Rules::of(model).cache_min_tokens;
        assert_eq!([least("gemini-2.5-flash"), least("gemini-2.5-pro")], [2_048, 2_048]);
        assert_eq!([least("gemini-3.5-flash-lite"), least("gemini-4-argon")], [4_096, 4_096]);
    }

    #[test]
    fn retired_models_are_rerouted_from_december_on() {
        let eve: Timestamp = "2026-11-30T23:59:59Z".parse().unwrap();
        let day: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        assert_eq!(served_by("gemini-2.5-flash", eve), "gemini-2.5-flash");
        assert_eq!(served_by("gemini-2.5-flash", day), "gemini-3.5-flash-lite");
        assert_eq!(served_by("gemini-2.5-pro", day), "gemini-3.8-flash");
    }
}
