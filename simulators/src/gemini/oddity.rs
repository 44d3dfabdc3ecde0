//! Odd answers from public bug reports. The bill is right, whatever the usage says.

use serde_json::{Value, json};

/// Where an answer has its text and its finish reason.
const PARTS: &str = "/candidates/0/content/parts";
const TEXT: &str = "/candidates/0/content/parts/0/text";

/// An oddity, requested by putting [`Oddity::text`] into the user's text. The requested content
/// stays in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// The JSON is in a code fence.
    CodeFence,
    /// A stray fragment follows the JSON.
    Fragment,
    /// The array is a member of an object.
    Wrapped,
    /// A thought without its flag precedes the JSON.
    LooseThought,
    /// The finish reason is missing.
    NoFinish,
    /// A 200 contains an error. Nothing is answered or billed.
    ErrorInside,
    /// Some counters of the usage are null.
    NullUsage,
    /// The thoughts are also counted among the candidates' tokens, and once in the total.
    ThoughtsAmongCandidates,
    /// The thoughts are counted only in the total.
    ThoughtsInTotalOnly,
    /// The prompt's count does not include its cached part; the total does.
    CachedApart,
}

impl Oddity {
    /// All oddities.
    pub const ALL: [Self; 10] = [
        Self::CodeFence,
        Self::Fragment,
        Self::Wrapped,
        Self::LooseThought,
        Self::NoFinish,
        Self::ErrorInside,
        Self::NullUsage,
        Self::ThoughtsAmongCandidates,
        Self::ThoughtsInTotalOnly,
        Self::CachedApart,
    ];

    /// The text to put into the prompt.
    pub const fn text(self) -> &'static str {
        match self {
            Self::CodeFence => "[[sim:code-fence]]",
            Self::Fragment => "[[sim:fragment]]",
            Self::Wrapped => "[[sim:wrapped]]",
            Self::LooseThought => "[[sim:loose-thought]]",
            Self::NoFinish => "[[sim:no-finish]]",
            Self::ErrorInside => "[[sim:error-inside]]",
            Self::NullUsage => "[[sim:null-usage]]",
            Self::ThoughtsAmongCandidates => "[[sim:thoughts-among-candidates]]",
            Self::ThoughtsInTotalOnly => "[[sim:thoughts-in-total-only]]",
            Self::CachedApart => "[[sim:cached-apart]]",
        }
    }

    pub(super) fn is_in(self, user: &[String]) -> bool {
        user.iter().any(|text| text.contains(self.text()))
    }

    fn apply(self, answer: &mut Value) {
        let counter = |answer: &Value, name: &str| answer["usageMetadata"][name].as_u64();
        match self {
            Self::CodeFence => spell(answer, |text| format!("```json\n{text}\n```")),
            Self::Fragment => spell(answer, |text| format!("{text}.\"\n}}")),
            Self::Wrapped => spell(answer, |text| format!("{{\"results\": {text}}}")),
            Self::LooseThought => {
                if let Some(parts) = answer.pointer_mut(PARTS).and_then(Value::as_array_mut) {
                    parts.insert(0, json!({"text": "First I look at each text, then I judge it."}));
                }
            }
            Self::NoFinish => {
                if let Some(candidate) = answer.pointer_mut("/candidates/0") {
                    candidate.as_object_mut().map(|keys| keys.remove("finishReason"));
                }
            }
            Self::ErrorInside => *answer = error_inside(),
            Self::NullUsage => {
                for name in ["candidatesTokenCount", "thoughtsTokenCount", "promptTokensDetails"] {
                    answer["usageMetadata"][name] = Value::Null;
                }
            }
            Self::ThoughtsAmongCandidates => {
                let thoughts = counter(answer, "thoughtsTokenCount").unwrap_or_default();
                let own = counter(answer, "candidatesTokenCount").unwrap_or_default();
                answer["usageMetadata"]["candidatesTokenCount"] = json!(own + thoughts);
            }
            Self::ThoughtsInTotalOnly => {
                let usage = answer["usageMetadata"].as_object_mut();
                usage.map(|counters| counters.remove("thoughtsTokenCount"));
            }
            Self::CachedApart => {
                let cached = counter(answer, "cachedContentTokenCount").unwrap_or_default();
                let prompt = counter(answer, "promptTokenCount").unwrap_or_default();
                answer["usageMetadata"]["promptTokenCount"] = json!(prompt.saturating_sub(cached));
            }
        }
    }
}

/// Applies every oddity that the user's text requests.
pub(super) fn applied(mut answer: Value, user: &[String]) -> Value {
    for oddity in Oddity::ALL.into_iter().filter(|oddity| oddity.is_in(user)) {
        oddity.apply(&mut answer);
    }
    answer
}

/// A 200 that contains an error instead of an answer.
pub(super) fn error_inside() -> Value {
    json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})
}

/// Replaces the text of an answer.
fn spell(answer: &mut Value, to: impl FnOnce(&str) -> String) {
    if let Some(text) = answer.pointer_mut(TEXT) {
        *text = to(text.as_str().unwrap_or_default()).into();
    }
}
