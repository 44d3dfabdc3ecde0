//! Checks that refuse the same calls as the real API.

use super::error::ApiError;
use super::model::Rules;
use super::request::{
    Content, CountRequest, GenerateRequest, GenerationConfig, MimeType, Role, ThinkingConfig,
};
use super::route::Target;
use super::shape::Shape;
use super::terms::{ServedTier, Surface, Thinking};
use super::usage::tokens;

const MOST_OUTPUT: u64 = 65_536;
const CONTEXT_WINDOW: u64 = 1_048_576;
/// The thinking budget if the model may choose it (`-1`).
const AUTO_BUDGET: u64 = 8_192;

#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Prose,
    /// JSON, with a shape if the call has one.
    Json(Option<Shape>),
    /// One of the values of a shape, as plain text.
    Enum(Shape),
}

#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) system: String,
    /// The user's texts, part by part.
    pub(super) user: Vec<String>,
    /// The tokens of both sides.
    pub(super) tokens: u64,
    pub(super) thinking: Thinking,
    pub(super) most_output: u64,
    pub(super) form: Form,
}

fn refuse<T>(message: &str) -> Result<T, ApiError> {
    Err(ApiError::InvalidArgument(message.to_owned()))
}

pub(super) fn prompt(
    request: GenerateRequest,
    surface: Surface,
    rules: Rules,
) -> Result<Prompt, ApiError> {
    let mut turns = request.contents.iter();
    let last = request.contents.last().and_then(|content| content.role);
    let rules_broken = [
        (
            request.labels.is_some() && surface == Surface::Studio,
            "Invalid JSON payload received. Unknown name \"labels\": Cannot find field.",
        ),
        (request.contents.is_empty(), "contents is not specified"),
        (turns.clone().any(|turn| turn.parts.is_empty()), "contents.parts must not be empty."),
        (
            turns.any(|turn| turn.role == Some(Role::System)),
            "Please use a valid role: user, model.",
        ),
        (
            rules.strict && last == Some(Role::Model),
            "The last turn must not have the role model: prefill is not supported.",
        ),
    ];
    if let Some((_, message)) = rules_broken.iter().find(|(broken, _)| *broken) {
        return refuse(message);
    }
    if request.cached_content.is_some() {
        let in_cache = request.system_instruction.is_some()
            || request.tools.is_some()
            || request.tool_config.is_some();
        return if in_cache {
            refuse("CachedContent can not be used with system_instruction, tools or tool_config.")
        } else {
            Err(ApiError::NoSuchCache)
        };
    }
    let config = request.generation_config;
    let prompt_tokens = count(request.system_instruction.as_ref(), &request.contents);
    if prompt_tokens > CONTEXT_WINDOW {
        return refuse("The input token count exceeds the maximum number of tokens allowed.");
    }
    Ok(Prompt {
        most_output: most_output(&config)?,
        form: form(&config, surface, rules)?,
        thinking: thinking(config.thinking_config.as_ref(), rules)?,
        system: request.system_instruction.map(|content| text(&content)).unwrap_or_default(),
        user: request
            .contents
            .into_iter()
            .filter(|content| content.role != Some(Role::Model))
            .flat_map(|content| content.parts)
            .map(|part| part.text)
            .collect(),
        tokens: prompt_tokens,
    })
}

/// The requested tier: from the body on the Developer API, from the header on Vertex AI, where only
/// the location `global` has the flex tier.
pub(super) fn tier(
    request: &GenerateRequest,
    target: &Target,
    has_flex_header: bool,
) -> Result<ServedTier, ApiError> {
    match (target.surface, request.service_tier) {
        (Surface::Studio, tier) => Ok(tier.unwrap_or_default()),
        (Surface::Vertex, Some(_)) => refuse(
            "Invalid JSON payload received. Unknown name \"serviceTier\": Cannot find field.",
        ),
        (Surface::Vertex, None) if has_flex_header && target.location != "global" => {
            refuse("The flex tier is offered at the location global only.")
        }
        (Surface::Vertex, None) if has_flex_header => Ok(ServedTier::Flex),
        (Surface::Vertex, None) => Ok(ServedTier::Standard),
    }
}

/// The tokens of a `countTokens` body.
pub(super) fn counted(request: &CountRequest) -> Result<u64, ApiError> {
    let (system, contents) = match &request.generate_content_request {
        Some(_) if !request.contents.is_empty() => {
            return refuse("contents and generate_content_request are mutually exclusive.");
        }
        Some(inner) if inner.model.is_none() => {
            return refuse("generate_content_request.model: model is not specified");
        }
        Some(inner) => (&inner.system_instruction, &inner.contents),
        None => (&request.system_instruction, &request.contents),
    };
    if contents.is_empty() {
        return refuse("contents is not specified");
    }
    Ok(count(system.as_ref(), contents))
}

fn count(system: Option<&Content>, contents: &[Content]) -> u64 {
    let parts = system.into_iter().chain(contents).flat_map(|content| &content.parts);
    parts.map(|part| tokens(&part.text)).sum()
}

fn text(content: &Content) -> String {
    content.parts.iter().map(|part| part.text.as_str()).collect()
}

fn most_output(config: &GenerationConfig) -> Result<u64, ApiError> {
    match config.max_output_tokens {
        Some(0) => refuse("max_output_tokens must be positive."),
        Some(most) if most > MOST_OUTPUT => {
            refuse("max_output_tokens: the supported range is from 1 to 65536.")
        }
        given => Ok(given.unwrap_or(MOST_OUTPUT)),
    }
}

fn form(config: &GenerationConfig, surface: Surface, rules: Rules) -> Result<Form, ApiError> {
    let penalties = config.presence_penalty.is_some() || config.frequency_penalty.is_some();
    if penalties && rules.strict {
        return refuse("Penalties are not enabled for this model.");
    }
    if config.candidate_count.is_some_and(|count| count != 1) {
        return refuse("Multiple candidates is not enabled for this model");
    }
    let shape = match (&config.response_schema, &config.response_json_schema) {
        (Some(_), Some(_)) => {
            return refuse("Only one of response_schema and response_json_schema can be set.");
        }
        (Some(schema), None) => Some(Shape::of_schema(schema, surface)?),
        (None, Some(schema)) => Some(Shape::of_json_schema(schema)?),
        (None, None) => None,
    };
    match config.response_mime_type {
        Some(MimeType::Json) => Ok(Form::Json(shape)),
        Some(MimeType::Enum) => match shape {
            Some(choice @ Shape::Choice(_)) => Ok(Form::Enum(choice)),
            Some(_) | None => refuse("text/x.enum needs a response schema with an enum."),
        },
        Some(MimeType::Text) | None if shape.is_some() => {
            refuse("A response schema needs response_mime_type application/json.")
        }
        Some(MimeType::Text) | None => Ok(Form::Prose),
    }
}

fn thinking(config: Option<&ThinkingConfig>, rules: Rules) -> Result<Thinking, ApiError> {
    let default = Thinking::Level(rules.default);
    let Some(config) = config else { return Ok(default) };
    match (config.thinking_level, config.thinking_budget) {
        (Some(_), Some(_)) => refuse("You can only set one of thinking_budget and thinking_level."),
        (Some(level), None) if rules.levels.contains(&level) => Ok(Thinking::Level(level)),
        (Some(level), None) => Err(ApiError::InvalidArgument(format!(
            "Thinking level {level:?} is not supported for this model."
        ))),
        (None, Some(_)) if !rules.budget => {
            refuse("Thinking budget is not supported for this model.")
        }
        (None, Some(-1)) => Ok(Thinking::Budget(AUTO_BUDGET)),
        (None, Some(budget)) => match u64::try_from(budget) {
            Ok(budget) => Ok(Thinking::Budget(budget)),
            Err(_) => refuse("The thinking budget is out of range."),
        },
        (None, None) => Ok(default),
    }
}
