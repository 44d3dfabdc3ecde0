//! Answers of the model in the odd forms that services really send, with the same meaning.

use super::faults::Faults;
use super::parts::Service;
use crate::dice::Dice;
use crate::fault::Fault;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::ports::HttpResponse;

/// What a worker gets instead of an answer, if something about the answer is odd.
pub(crate) fn answer(
    faults: &Faults,
    dice: &Dice,
    service: Service,
    response: HttpResponse,
) -> HttpResponse {
    if service != Service::Gemini || !response.status().is_success() {
        return response;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) else { return response };
    let usage = faults.is_drawn(Fault::GeminiUsageOdd);
    let silent = faults.is_drawn(Fault::GeminiUsageMissing);
    let text = faults.is_drawn(Fault::GeminiAnswerOdd);
    if !(usage || silent || text) {
        return response;
    }
    if text && odd_text(dice, &mut body) {
        faults.count(Fault::GeminiAnswerOdd);
    }
    if silent {
        body["usageMetadata"] = Value::Null;
        faults.count(Fault::GeminiUsageMissing);
    } else if usage {
        body["usageMetadata"] = odd_usage(dice, &body["usageMetadata"]);
        faults.count(Fault::GeminiUsageOdd);
    }
    let (head, _) = response.into_parts();
    HttpResponse::from_parts(head, Bytes::from(body.to_string()))
}

/// Whether an answer does not report its usage.
pub(crate) fn is_silent(response: &HttpResponse) -> bool {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    body.get("usageMetadata").is_none_or(Value::is_null)
}

/// The same tokens, counted as other services count them. Output and thoughts have the same price,
/// so a part of the output is counted as thoughts.
fn odd_usage(dice: &Dice, usage: &Value) -> Value {
    let of = |name: &str| usage[name].as_u64().unwrap_or_default();
    let (prompt, cached, said) =
        (of("promptTokenCount"), of("cachedContentTokenCount"), of("candidatesTokenCount"));
    let total = of("totalTokenCount");
    let thought = said / 3;
    let mut odd = json!({"promptTokenCount": prompt, "cachedContentTokenCount": cached});
    match dice.below(6) {
        // The candidates' count includes the thoughts.
        0 => {
            odd["candidatesTokenCount"] = json!(said);
            odd["thoughtsTokenCount"] = json!(thought);
            odd["totalTokenCount"] = json!(total);
        }
        // Only the total includes the thoughts.
        1 => {
            odd["candidatesTokenCount"] = json!(said - thought);
            odd["totalTokenCount"] = json!(total);
        }
        // The total does not include the thoughts.
        2 => {
            odd["candidatesTokenCount"] = json!(thought);
            odd["thoughtsTokenCount"] = json!(said - thought);
            odd["totalTokenCount"] = json!(total - (said - thought));
        }
        // The prompt's count does not include the cached part.
        3 => {
            odd["promptTokenCount"] = json!(prompt - cached);
            odd["candidatesTokenCount"] = json!(said);
            odd["totalTokenCount"] = json!(total);
        }
        // Strings instead of numbers, and a counter that is not a number.
        4 => {
            odd["promptTokenCount"] = json!(prompt.to_string());
            odd["candidatesTokenCount"] = json!("NaN");
            odd["thoughtsTokenCount"] = Value::Null;
            odd["totalTokenCount"] = json!(total.to_string());
        }
        // Without a total.
        _ => {
            odd["candidatesTokenCount"] = json!(said);
            odd["totalTokenCount"] = Value::Null;
        }
    }
    odd
}

/// Changes the form of a complete answer. Returns whether it did.
fn odd_text(dice: &Dice, body: &mut Value) -> bool {
    let Some(candidate) = body.pointer_mut("/candidates/0") else { return false };
    let said = candidate["content"]["parts"][0]["text"].as_str().map(str::to_owned);
    let (Some(said), true) = (said, candidate["finishReason"] == "STOP") else { return false };
    let odd = match dice.below(5) {
        0 => format!("```json\n{said}\n```"),
        1 => format!("{said}.\"\n}}"),
        2 => format!("{{\"results\": {said}}}"),
        3 => format!("First I look at [1] and {{2}}.\n{said}"),
        _ => {
            candidate["finishReason"] = Value::Null;
            said
        }
    };
    candidate["content"]["parts"][0]["text"] = json!(odd);
    true
}
