//! What an answer of the model says. External rules: Gemini's `GenerateContentResponse`.

use super::reply::{Call, Reply};
use super::tier::{ReportedTier, RequestedTier};
use jiff::Timestamp;
use serde::Deserialize;
use shared::core::prices;
use shared::core::tokens::TokenUsage;
use shared::messages::{CallOutcome, ErrorCategory, Served};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    candidates: Vec<Candidate>,
    prompt_feedback: Option<PromptFeedback>,
    usage_metadata: Usage,
    model_version: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Candidate {
    content: Content,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    text: String,
    thought: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PromptFeedback {
    block_reason: Option<String>,
}

/// Zero-valued counters are left out of the answer.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Usage {
    prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
    tool_use_prompt_token_count: u64,
    total_token_count: u64,
    #[serde(flatten)]
    reported: ReportedTier,
}

/// Reads the body of a 200. If it cannot be read, it was billed all the same, and nobody knows what:
/// the call counts as lost.
/// `asked` is the model that was asked, `at` the time when the answer came.
pub(super) fn read_answer(body: &[u8], asked: &str, tier: RequestedTier, at: Timestamp) -> Call {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        let detail = "the model's answer is no JSON".to_owned();
        let reply =
            Reply::TryLater { category: ErrorCategory::AiResponseFormat, detail, after: None };
        return Call { billing: CallOutcome::Lost, reply };
    };
    let usage = answer.usage_metadata.tokens();
    let billing = if usage == TokenUsage::default() {
        CallOutcome::Lost
    } else {
        let answered = answer.model_version.as_str();
        let model = if answered.is_empty() { asked } else { answered }.to_owned();
        let is_other = !prices::is_same_model(asked, &model);
        let served = Served {
            tier: answer.usage_metadata.reported.tier(tier),
            at: Some(at),
            asked: is_other.then(|| asked.to_owned()),
        };
        CallOutcome::Answered { usage, model, served }
    };
    Call { billing, reply: answer.reply() }
}

impl Answer {
    fn reply(self) -> Reply {
        let unusable = |category, detail| Reply::Unusable { category, detail };
        if let Some(reason) = self.prompt_feedback.and_then(|feedback| feedback.block_reason) {
            let detail = format!("the model blocks the prompt ({reason})");
            return unusable(ErrorCategory::SafetyBlock, detail);
        }
        let Some(candidate) = self.candidates.into_iter().next() else {
            let detail = "the model answers without a candidate".to_owned();
            return unusable(ErrorCategory::AiResponseFormat, detail);
        };
        let parts = candidate.content.parts.into_iter();
        let text: String = parts.filter(|part| !part.thought).map(|part| part.text).collect();
        match candidate.finish_reason.as_deref() {
            Some("STOP") => Reply::Text(text),
            Some("MAX_TOKENS") => unusable(
                ErrorCategory::AiResponseFormat,
                "the model's answer is cut off (MAX_TOKENS)".to_owned(),
            ),
            Some(
                reason @ ("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"),
            ) => unusable(
                ErrorCategory::SafetyBlock,
                format!("the model blocks its answer ({reason})"),
            ),
            // An open enum: new reasons appear without notice.
            Some(reason) => {
                let reason: String = reason.chars().take(60).collect();
                let detail = format!("the model stopped for {reason}");
                unusable(ErrorCategory::Unknown, detail)
            }
            None => unusable(
                ErrorCategory::AiResponseFormat,
                "the model does not say that it finished".to_owned(),
            ),
        }
    }
}

impl Usage {
    fn tokens(&self) -> TokenUsage {
        let mut usage = TokenUsage {
            prompt: self.prompt_token_count,
            cached: self.cached_content_token_count,
            output: self.candidates_token_count,
            thoughts: self.thoughts_token_count,
            tool: self.tool_use_prompt_token_count,
            total: self.total_token_count,
        };
        if usage.total == 0 {
            usage.total = usage.parts();
        }
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use shared::core::tokens::Tier;

    fn call(answer: &Value) -> Call {
        read_body(answer.to_string().as_bytes(), "m")
    }

    fn read_body(body: &[u8], model: &str) -> Call {
        read_answer(body, model, RequestedTier::Standard, at())
    }

    fn at() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn finished(reason: &str) -> Call {
        call(&json!({
            "candidates": [{"content": {"parts": [{"text": "[]"}]}, "finishReason": reason}],
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "m"}))
    }

    #[test]
    fn thoughts_cached_tokens_tier_and_model_are_read() {
        let call = call(&json!({
            "candidates": [{"content": {"parts": [{"text": "thinking", "thought": true}, {"text": "[1"}, {"text": "]"}]},
                "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 6200, "cachedContentTokenCount": 4096, "candidatesTokenCount": 310,
                "thoughtsTokenCount": 520, "totalTokenCount": 7030, "serviceTier": "flex"},
            "modelVersion": "gemini-3.5-flash-lite"}));
        assert_eq!(call.reply, Reply::Text("[1]".to_owned()));
        let usage = TokenUsage {
            prompt: 6200,
            cached: 4096,
            output: 310,
            thoughts: 520,
            tool: 0,
            total: 7030,
        };
        let model = "gemini-3.5-flash-lite".to_owned();
        let served = Served { tier: Tier::Flex, at: Some(at()), asked: Some("m".to_owned()) };
        assert_eq!(call.billing, CallOutcome::Answered { usage, model, served });
    }

    #[test]
    fn a_blocked_prompt_is_billed_and_is_a_safety_block() {
        let call = call(&json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 90, "totalTokenCount": 90}, "modelVersion": "m"}));
        assert!(matches!(call.billing, CallOutcome::Answered { usage, .. } if usage.total == 90));
        assert!(matches!(call.reply, Reply::Unusable { category: ErrorCategory::SafetyBlock, .. }));
    }

    #[test]
    fn only_a_finished_answer_is_used() {
        let category = |reason| match finished(reason).reply {
            Reply::Unusable { category, .. } => Some(category),
            Reply::Text(_) => None,
            Reply::TryLater { .. } => panic!("{reason} is not worth asking again at once"),
        };
        assert_eq!(category("STOP"), None);
        assert_eq!(category("MAX_TOKENS"), Some(ErrorCategory::AiResponseFormat));
        assert_eq!(category("SPII"), Some(ErrorCategory::SafetyBlock));
        assert_eq!(category("A_REASON_OF_NEXT_YEAR"), Some(ErrorCategory::Unknown));
    }

    #[test]
    fn an_answer_whose_usage_cannot_be_read_counts_as_lost_not_free() {
        let cut = read_body(b"{\"candidates\":[{\"con", "m");
        assert_eq!(cut.billing, CallOutcome::Lost);
        assert_eq!(call(&json!({"candidates": []})).billing, CallOutcome::Lost);
    }

    #[test]
    fn another_build_of_the_requested_model_is_the_same_model() {
        let answer = |version: &str| {
            let answer = json!({"usageMetadata": {"promptTokenCount": 5}, "modelVersion": version});
            read_body(answer.to_string().as_bytes(), "gemini-3.5-flash-lite").billing
        };
        let asked = |version| match answer(version) {
            CallOutcome::Answered { served, .. } => served.asked,
            CallOutcome::Refused | CallOutcome::Lost => panic!("it was answered"),
        };
        assert_eq!(asked("gemini-3.5-flash-lite-001"), None);
        assert_eq!(asked(""), None);
        assert_eq!(asked("gemini-3.8-flash").as_deref(), Some("gemini-3.5-flash-lite"));
    }
}
