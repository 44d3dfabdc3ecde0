//! Tokens, as the model bills them, and money as integers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::AddAssign;

/// The tokens of one answer, or of many. `cached` is a part of `prompt`, not an addition to it
/// (external rule: Gemini's `usageMetadata`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(default)]
pub struct TokenUsage {
    /// Tokens of the request, cached ones included.
    pub prompt: u64,
    /// The part of the prompt tokens that came from the model's cache.
    pub cached: u64,
    /// Tokens of the answer, without thoughts.
    pub output: u64,
    /// Tokens of the model's thoughts.
    pub thoughts: u64,
    /// Tokens of tool results put into the prompt.
    pub tool: u64,
    /// Tokens of the total whose kind the model does not report.
    #[serde(skip_serializing_if = "is_none")]
    pub unsplit: u64,
    /// The total that the model reports; it should be [`TokenUsage::parts`].
    pub total: u64,
}

fn is_none(tokens: &u64) -> bool {
    *tokens == 0
}

impl TokenUsage {
    /// What the total should be: prompt + output + thoughts + tool + tokens of unknown kind.
    pub fn parts(&self) -> u64 {
        self.prompt + self.output + self.thoughts + self.tool + self.unsplit
    }
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.prompt += other.prompt;
        self.cached += other.cached;
        self.output += other.output;
        self.thoughts += other.thoughts;
        self.tool += other.tool;
        self.unsplit += other.unsplit;
        self.total += other.total;
    }
}

/// The tier of service at which a call is served. It decides the price.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Immediate, at list price.
    #[default]
    Standard,
    /// Cheaper, but may be refused or slow.
    Flex,
    /// Cheaper, and answered within a day.
    Batch,
    /// Served first, at a higher price.
    Priority,
    /// Served when demand was low.
    OffPeak,
    /// Served from capacity that was bought in advance.
    Provisioned,
    /// A tier that this release does not know.
    #[serde(other)]
    Unknown,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::Flex,
        Self::Batch,
        Self::Priority,
        Self::OffPeak,
        Self::Provisioned,
        Self::Unknown,
    ];

    /// The tier's name on run records and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Flex => "flex",
            Self::Batch => "batch",
            Self::Priority => "priority",
            Self::OffPeak => "off_peak",
            Self::Provisioned => "provisioned",
            Self::Unknown => "unknown",
        }
    }
}

/// Which of Google's two APIs serves a call. A few of their prices differ.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The Gemini Developer API, with an API key.
    #[default]
    Developer,
    /// Vertex AI, with a service account.
    Vertex,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Money in billionths of a US dollar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// Converts an amount in dollars, as Apify and Airtable write it, rounded to a billionth.
    /// `None` if it is negative or not below a billion dollars.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked just above"
    )]
    pub fn from_usd(usd: f64) -> Option<Self> {
        (0.0..1e9).contains(&usd).then(|| Self((usd * 1e9).round() as u64))
    }

    /// The amount in dollars.
    #[expect(clippy::cast_precision_loss, reason = "exact below 9 million dollars")]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.6}", self.as_usd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_a_part_of_the_prompt() {
        let usage = TokenUsage {
            prompt: 6200,
            cached: 4096,
            output: 310,
            thoughts: 520,
            total: 7030,
            ..TokenUsage::default()
        };
        assert_eq!(usage.parts(), usage.total);
    }

    #[test]
    fn dollars_become_billionths_and_come_back() {
        assert_eq!(NanoUsd::from_usd(0.074_123_456_7), Some(NanoUsd(74_123_457)));
        assert_eq!(NanoUsd(74_123_457).as_usd(), 0.074_123_457);
        assert_eq!(NanoUsd::from_usd(-0.1), None);
        assert_eq!(NanoUsd::from_usd(f64::NAN), None);
    }
}
