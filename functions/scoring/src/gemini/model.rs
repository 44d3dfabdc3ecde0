//! Which models and thinking levels can be configured. External rules: Gemini's model pages.

/// How much a model thinks before it answers (`thinkingLevel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThinkingLevel {
    Minimal,
    Low,
    Medium,
    /// Much. Thoughts cost as much as answers.
    High,
    /// As much as fits in the room for the answer.
    XHigh,
}

use ThinkingLevel::{High, Low, Medium, Minimal, XHigh};

/// The levels, by the start of a model's name. The first match counts. A model that is not listed
/// is newer: the API refuses a level that it does not support.
const LEVELS: &[(&str, &[ThinkingLevel])] = &[
    // These take a budget of tokens instead of a level.
    ("gemini-2.", &[]),
    ("gemini-3.1-flash-lite", &[Minimal, Low, Medium, High]),
    ("gemini-3.1-pro", &[Low, Medium, High]),
    ("gemini-3.5-flash", &[Minimal, Low, Medium, High]),
    ("gemini-3.7-flash", &[Low, Medium, High]),
    ("gemini-3.8-flash", &[Low, Medium, High]),
    ("gemini-4-argon", &[Low, Medium, High]),
    ("gemini-4-hydrogen", &[Minimal, Low, Medium, High, XHigh]),
    ("gemini-4-neon", &[Low, Medium, High, XHigh]),
];

/// How much a model thinks by default, by the start of its name. The first match counts. A model
/// that is not listed is assumed to think much: unused room costs nothing.
const DEFAULTS: &[(&str, ThinkingLevel)] = &[
    ("gemini-2.5-flash-lite", Minimal),
    ("gemini-2.", Medium),
    ("gemini-3.1-flash-lite", Minimal),
    ("gemini-3.1-pro", High),
    ("gemini-3.5-flash-lite", Minimal),
    ("gemini-3.", Medium),
    ("gemini-4-argon", Medium),
    ("gemini-4-carbon", Medium),
];

/// Why a model or a level cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModelError {
    #[error("a model id has only letters, digits, '-', '.' and '_'")]
    Characters,
    #[error("an alias moves to another model without notice; name the model itself")]
    Alias,
    #[error("it needs one of MINIMAL, LOW, MEDIUM, HIGH, XHIGH")]
    NoLevel,
    #[error("{model} does not take a thinking level; leave it out")]
    TakesNone { model: String },
    #[error("{model} does not take {}; it takes {}", level.as_str(), names(taken))]
    NotTaken { model: String, level: ThinkingLevel, taken: &'static [ThinkingLevel] },
}

/// How much `model` thinks with this level, or by default.
pub(crate) fn thinks(model: &str, level: Option<ThinkingLevel>) -> ThinkingLevel {
    let default = || DEFAULTS.iter().find(|(start, _)| model.starts_with(start));
    level.unwrap_or_else(|| default().map_or(High, |(_, level)| *level))
}

pub(crate) fn check_model(model: &str) -> Result<(), ModelError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if !model.bytes().all(is_plain) {
        return Err(ModelError::Characters);
    }
    if model.ends_with("-latest") {
        return Err(ModelError::Alias);
    }
    Ok(())
}

pub(crate) fn check_level(model: &str, level: ThinkingLevel) -> Result<(), ModelError> {
    let model = model.to_owned();
    match LEVELS.iter().find(|(start, _)| model.starts_with(start)) {
        Some((_, [])) => Err(ModelError::TakesNone { model }),
        Some((_, taken)) if !taken.contains(&level) => {
            Err(ModelError::NotTaken { model, level, taken })
        }
        Some(_) | None => Ok(()),
    }
}

fn names(levels: &[ThinkingLevel]) -> String {
    levels.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")
}

impl ThinkingLevel {
    /// Reads a level's name. Case does not matter.
    pub(crate) fn read(text: &str) -> Result<Self, ModelError> {
        [Minimal, Low, Medium, High, XHigh]
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or(ModelError::NoLevel)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "MINIMAL",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::XHigh => "XHIGH",
        }
    }

    /// Tokens of an answer that are reserved for thoughts, which count towards its limit.
    pub(crate) fn room(self) -> u32 {
        match self {
            Self::Minimal => 4_096,
            Self::Low => 8_192,
            Self::Medium => 16_384,
            Self::High => 32_768,
            Self::XHigh => 49_152,
        }
    }
}
