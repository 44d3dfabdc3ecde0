//! The simulated model: makes the parts of a response from a prompt.

use super::fill::{fill, sentence};
use super::ledger::Outcome;
use super::marker::Marker;
use super::material::items;
use super::shape::Shape;
use super::terms::Surface;
use super::usage::{Usage, first_tokens, thoughts, tokens};
use super::validate::{Form, Prompt};
use crate::invent;
use serde_json::{Value, json};

/// A finish reason that is not documented.
const UNKNOWN_REASON: &str = "SIMULATED_REASON";

#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// `None` if the thoughts used up the limit, or no text was allowed.
    pub(super) text: Option<String>,
    pub(super) usage: Usage,
    pub(super) outcome: Outcome,
}

pub(super) fn answer(prompt: &Prompt, cached: u64) -> Answer {
    let user = prompt.user.join("\n");
    if Marker::SafetyBlock.is_in(&user) {
        let usage = Usage::new(prompt.tokens, 0, 0, 0);
        return Answer { text: None, usage, outcome: Outcome::Blocked };
    }
    for (marker, outcome) in
        [(Marker::Recitation, Outcome::Recitation), (Marker::Silence, Outcome::Silence)]
    {
        // The ids in a prompt are new in each call, so the same posts get an answer the next time.
        if marker.is_in(&user) && invent::number(&["wordless", &user]).is_multiple_of(2) {
            let usage = Usage::new(prompt.tokens, cached, 0, 0);
            return Answer { text: None, usage, outcome };
        }
    }
    let thought = thoughts(prompt.thinking, &user).min(prompt.most_output);
    let (text, outcome) = spoken(prompt, &user, prompt.most_output - thought);
    let output = text.as_deref().map_or(0, tokens);
    Answer { text, usage: Usage::new(prompt.tokens, cached, output, thought), outcome }
}

/// The text and its outcome, with this many tokens left for it.
fn spoken(prompt: &Prompt, user: &str, left: u64) -> (Option<String>, Outcome) {
    if left == 0 {
        return (None, Outcome::MaxTokens);
    }
    let whole = composed(prompt, user);
    if Marker::Truncate.is_in(user) && tokens(&whole) <= left {
        (Some(cut(prompt, &whole, Marker::Truncate)), Outcome::MaxTokens)
    } else if Marker::PartialSafety.is_in(user) && tokens(&whole) <= left {
        (Some(cut(prompt, &whole, Marker::PartialSafety)), Outcome::Safety)
    } else if tokens(&whole) > left {
        (Some(first_tokens(&whole, left)), Outcome::MaxTokens)
    } else if Marker::UnknownFinish.is_in(user) {
        (Some(whole), Outcome::Unknown)
    } else {
        (Some(whole), Outcome::Stop)
    }
}

/// The answer, cut off right after the id of the first item with the marker. If no item has it,
/// half of the answer.
fn cut(prompt: &Prompt, whole: &str, marker: Marker) -> String {
    let marked = items(&prompt.user).into_iter().find(|item| marker.is_in(&item.text));
    let id = marked.and_then(|item| item.echo("id")?.as_str().map(str::to_owned));
    match id.and_then(|id| Some(whole.find(&id)? + id.len())) {
        Some(end) => whole[..end].to_owned(),
        None => first_tokens(whole, tokens(whole).div_ceil(2).saturating_sub(1).max(1)),
    }
}

fn composed(prompt: &Prompt, user: &str) -> String {
    if Marker::Prose.is_in(user) {
        return "I looked at everything you sent. Overall a strong set, well worth a call.".into();
    }
    if Marker::WrongShape.is_in(user) {
        return json!({"verdict": {"overall": "strong"}}).to_string();
    }
    match &prompt.form {
        Form::Prose => sentence(user, "answer"),
        Form::Json(shape) => {
            let free = Shape::Object(vec![("answer".to_owned(), Shape::text())]);
            fill(shape.as_ref().unwrap_or(&free), &items(&prompt.user), user).to_string()
        }
        Form::Enum(shape) => match fill(shape, &[], user) {
            Value::String(choice) => choice,
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)) => other.to_string(),
        },
    }
}

impl Answer {
    pub(super) fn body(&self, surface: Surface) -> Value {
        let finish = match self.outcome {
            Outcome::Blocked => {
                let ratings = json!([rating(surface, true)]);
                let feedback = json!({"blockReason": "SAFETY", "safetyRatings": ratings});
                return json!({"promptFeedback": feedback});
            }
            Outcome::Stop => "STOP",
            Outcome::MaxTokens => "MAX_TOKENS",
            Outcome::Safety => "SAFETY",
            Outcome::Unknown => UNKNOWN_REASON,
            Outcome::Recitation => "RECITATION",
            Outcome::Silence => "STOP",
        };
        let mut content = json!({"role": "model"});
        if let Some(text) = &self.text {
            content["parts"] = json!([{"text": text}]);
        }
        let ratings = json!([rating(surface, self.outcome == Outcome::Safety)]);
        json!({"candidates": [{
            "content": content, "finishReason": finish, "index": 0, "safetyRatings": ratings,
        }]})
    }
}

fn rating(surface: Surface, blocked: bool) -> Value {
    let probability = if blocked { "HIGH" } else { "NEGLIGIBLE" };
    let mut rating = json!({"category": "HARM_CATEGORY_HARASSMENT", "probability": probability});
    if blocked {
        rating["blocked"] = true.into();
    }
    if surface == Surface::Vertex {
        let (score, severity) =
            if blocked { (0.9, "HARM_SEVERITY_HIGH") } else { (0.1, "HARM_SEVERITY_NEGLIGIBLE") };
        rating["probabilityScore"] = score.into();
        rating["severity"] = severity.into();
        rating["severityScore"] = score.into();
    }
    rating
}
