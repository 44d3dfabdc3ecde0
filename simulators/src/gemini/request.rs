//! The bodies of calls, read strictly: an unknown key is an error, as in the real API. Names are in
//! camelCase or snake_case.

use super::error::ApiError;
use super::model::Level;
use super::terms::ServedTier;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The body of `generateContent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct GenerateRequest {
    pub(super) model: Option<String>,
    #[serde(alias = "system_instruction")]
    pub(super) system_instruction: Option<Content>,
    #[serde(default)]
    pub(super) contents: Vec<Content>,
    #[serde(default, alias = "generation_config")]
    pub(super) generation_config: GenerationConfig,
    #[serde(default, alias = "safety_settings")]
    pub(super) safety_settings: Vec<SafetySetting>,
    #[serde(alias = "cached_content")]
    pub(super) cached_content: Option<String>,
    #[serde(alias = "service_tier")]
    pub(super) service_tier: Option<ServedTier>,
    pub(super) labels: Option<Value>,
    pub(super) tools: Option<Value>,
    #[serde(alias = "tool_config")]
    pub(super) tool_config: Option<Value>,
}

/// The body of `countTokens`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct CountRequest {
    #[serde(default)]
    pub(super) contents: Vec<Content>,
    #[serde(alias = "system_instruction")]
    pub(super) system_instruction: Option<Content>,
    #[serde(alias = "generate_content_request")]
    pub(super) generate_content_request: Option<GenerateRequest>,
    #[serde(alias = "generation_config")]
    pub(super) generation_config: Option<Value>,
    pub(super) tools: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    User,
    Model,
    /// Accepted in `systemInstruction`, where it has no effect.
    System,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub(super) role: Option<Role>,
    #[serde(default)]
    pub(super) parts: Vec<Part>,
}

/// One piece of a turn. Only text is simulated.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct Part {
    pub(super) text: String,
    #[serde(default)]
    pub(super) thought: bool,
    #[serde(default, alias = "thought_signature")]
    pub(super) thought_signature: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct GenerationConfig {
    pub(super) temperature: Option<f64>,
    #[serde(alias = "top_p")]
    pub(super) top_p: Option<f64>,
    #[serde(alias = "top_k")]
    pub(super) top_k: Option<f64>,
    #[serde(alias = "candidate_count")]
    pub(super) candidate_count: Option<u32>,
    #[serde(alias = "max_output_tokens")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(default, alias = "stop_sequences")]
    pub(super) stop_sequences: Vec<String>,
    pub(super) seed: Option<i64>,
    #[serde(alias = "presence_penalty")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(alias = "response_logprobs")]
    pub(super) response_logprobs: Option<bool>,
    pub(super) logprobs: Option<u32>,
    #[serde(alias = "response_mime_type")]
    pub(super) response_mime_type: Option<MimeType>,
    #[serde(alias = "response_schema")]
    pub(super) response_schema: Option<Value>,
    #[serde(alias = "response_json_schema")]
    pub(super) response_json_schema: Option<Value>,
    #[serde(alias = "response_modalities")]
    pub(super) response_modalities: Option<Value>,
    #[serde(alias = "media_resolution")]
    pub(super) media_resolution: Option<Value>,
    #[serde(alias = "speech_config")]
    pub(super) speech_config: Option<Value>,
    #[serde(alias = "thinking_config")]
    pub(super) thinking_config: Option<ThinkingConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum MimeType {
    #[serde(rename = "text/plain")]
    Text,
    #[serde(rename = "application/json")]
    Json,
    #[serde(rename = "text/x.enum")]
    Enum,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct ThinkingConfig {
    #[serde(alias = "thinking_level")]
    pub(super) thinking_level: Option<Level>,
    #[serde(alias = "thinking_budget")]
    pub(super) thinking_budget: Option<i64>,
    #[serde(alias = "include_thoughts")]
    pub(super) include_thoughts: Option<bool>,
}

/// One safety setting. It is checked and has no effect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are checked and have no effect")]
pub(super) struct SafetySetting {
    pub(super) category: Category,
    pub(super) threshold: Threshold,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(clippy::enum_variant_names, reason = "the API's names")]
pub(super) enum Category {
    HarmCategoryHarassment,
    HarmCategoryHateSpeech,
    HarmCategorySexuallyExplicit,
    HarmCategoryDangerousContent,
    HarmCategoryCivicIntegrity,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Threshold {
    BlockLowAndAbove,
    BlockMediumAndAbove,
    BlockOnlyHigh,
    BlockNone,
    Off,
}

/// The header with which a call on Vertex AI requests the flex tier.
const VERTEX_TIER: &str = "x-vertex-ai-llm-shared-request-type";

/// Whether the headers of a call request the flex tier.
pub(super) fn has_flex_header(headers: &HeaderMap) -> bool {
    headers.get(VERTEX_TIER).is_some_and(|tier| tier == "flex")
}

pub(super) fn asks_for_flex(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(rename = "serviceTier", alias = "service_tier")]
        tier: Option<ServedTier>,
    }
    serde_json::from_slice(body).is_ok_and(|Asked { tier }| tier == Some(ServedTier::Flex))
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::InvalidArgument(format!("Invalid JSON payload received. {error}"))
    })
}
