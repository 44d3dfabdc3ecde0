//! Tokens: how many a text has, and how a call reports them.

use super::model::Level;
use super::terms::{ServedTier, Surface, Thinking};
use crate::invent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::AddAssign;

/// Characters per token, approximately.
const CHARS_PER_TOKEN: usize = 4;
/// Cached prefixes are counted in multiples of this.
const CACHE_STEP: u64 = 128;

pub(super) fn tokens(text: &str) -> u64 {
    text.chars().count().div_ceil(CHARS_PER_TOKEN) as u64
}

pub(super) fn first_tokens(text: &str, tokens: u64) -> String {
    let chars = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
    text.chars().take(chars).collect()
}

/// How many tokens of a prefix count as cached.
pub(super) fn cached(prefix: u64) -> u64 {
    prefix - prefix % CACHE_STEP
}

/// How many tokens a model thinks about a text. The same text gives the same number.
pub(super) fn thoughts(thinking: Thinking, text: &str) -> u64 {
    let (least, span) = match thinking {
        Thinking::Level(Level::Minimal) => return 0,
        Thinking::Level(Level::Low) => (60, 140),
        Thinking::Level(Level::Medium) => (300, 600),
        Thinking::Level(Level::High) => (1_000, 2_000),
        Thinking::Level(Level::XHigh) => (3_000, 6_000),
        Thinking::Budget(budget) => return invent::number(&["thoughts", text]) % (budget + 1),
    };
    least + invent::number(&["thoughts", text]) % span
}

/// The tokens of one call, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent, including the cached part.
    pub prompt: u64,
    /// The part of the prompt that was cached.
    pub cached: u64,
    /// Tokens answered, without thoughts.
    pub output: u64,
    /// Tokens of thoughts.
    pub thoughts: u64,
    /// Tokens that tools add to the prompt; always 0 here.
    pub tool: u64,
    /// The sum of prompt, output, thoughts and tool.
    pub total: u64,
}

impl Usage {
    /// A usage whose total is the sum of its parts.
    pub(super) fn new(prompt: u64, cached: u64, output: u64, thoughts: u64) -> Self {
        Self { prompt, cached, output, thoughts, tool: 0, total: prompt + output + thoughts }
    }

    /// The `usageMetadata` of a response. Counters that are zero are left out.
    pub(super) fn metadata(&self, surface: Surface, tier: ServedTier) -> Value {
        let mut metadata = json!({});
        for (name, details, count) in [
            ("promptTokenCount", "promptTokensDetails", self.prompt),
            ("cachedContentTokenCount", "cacheTokensDetails", self.cached),
            ("candidatesTokenCount", "candidatesTokensDetails", self.output),
            ("thoughtsTokenCount", "", self.thoughts),
            ("totalTokenCount", "", self.total),
        ] {
            if count > 0 {
                metadata[name] = count.into();
                if !details.is_empty() {
                    metadata[details] = json!([{"modality": "TEXT", "tokenCount": count}]);
                }
            }
        }
        match surface {
            Surface::Studio => metadata["serviceTier"] = json!(tier),
            Surface::Vertex => {
                let name = match tier {
                    ServedTier::Standard => "ON_DEMAND",
                    ServedTier::Flex => "ON_DEMAND_FLEX",
                    ServedTier::Priority => "ON_DEMAND_PRIORITY",
                };
                metadata["trafficType"] = name.into();
            }
        }
        metadata
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.prompt += more.prompt;
        self.cached += more.cached;
        self.output += more.output;
        self.thoughts += more.thoughts;
        self.tool += more.tool;
        self.total += more.total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_are_a_token_and_a_rest_is_one_more() {
        assert_eq!([tokens(""), tokens("abcd"), tokens("abcde"), tokens("éééé")], [0, 1, 2, 1]);
        assert_eq!(first_tokens("éééééé", 1), "éééé");
    }

    #[test]
    fn a_higher_level_thinks_longer() {
        let of = |level| thoughts(Thinking::Level(level), "text");
        let levels = [Level::Minimal, Level::Low, Level::Medium, Level::High].map(of);
        assert!(levels.is_sorted_by(|less, more| less < more), "{levels:?}");
        assert_eq!(thoughts(Thinking::Budget(0), "text"), 0);
    }
}
