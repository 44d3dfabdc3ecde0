//! The text of a model's answer, and its cost.

use super::json::{count, text};
use serde_json_borrow::Value;

/// The text of an answer, and whether the answer is complete. If it was cut off or has no finish
/// reason, the text is what is complete before its end. Any other finish reason is allowed for a
/// complete answer.
pub(crate) fn said(answer: &Value<'_>) -> (String, bool) {
    let said = text(answer, "/candidates/0/content/parts/0/text");
    let is_ended = !["", "MAX_TOKENS"].contains(&text(answer, "/candidates/0/finishReason"));
    if is_ended && serde_json::from_str::<serde_json::Value>(said).is_ok() {
        (said.to_owned(), true)
    } else {
        (before_the_cut(said), false)
    }
}

/// The complete elements of an array, as an array.
fn before_the_cut(text: &str) -> String {
    let ends = text.rmatch_indices(['}', ']']).map(|(end, _)| &text[..=end]);
    let is_json = |text: &String| serde_json::from_str::<serde_json::Value>(text).is_ok();
    let closed = ends.flat_map(|text| [text.to_owned(), format!("{text}]")]);
    closed.into_iter().find(is_json).unwrap_or_default()
}

/// The cost of an answer in billionths of a dollar. Gemini 3.5 Flash-Lite at the standard tier
/// costs $0.30 for a million prompt tokens, a tenth of that for cached ones, and $2.50 for output
/// and thoughts.
pub(crate) fn nano_usd(answer: &Value<'_>) -> u64 {
    let of = |name: &str| count(answer, &format!("/usageMetadata/{name}"));
    let cached = of("cachedContentTokenCount");
    let said = of("candidatesTokenCount") + of("thoughtsTokenCount");
    (of("promptTokenCount") - cached) * 300 + cached * 30 + said * 2_500
}

/// What this file promises about itself ([`super::CHECKS`]).
pub(super) mod checks {
    use super::super::json::parsed;
    use super::*;

    pub(crate) fn an_answer_that_was_cut_off_or_does_not_say_how_it_ended_says_what_is_whole() {
        let said_with = |reason: &str, text: &str| {
            let part = serde_json::json!({"parts": [{"text": text}]});
            let candidate = serde_json::json!({"content": part, "finishReason": reason});
            let answer = serde_json::json!({"candidates": [candidate]}).to_string();
            said(&parsed(answer.as_bytes()))
        };
        let (whole, cut) = (r#"[{"a":[1]},{"b":2}]"#, r#"[{"a":[1]},{"b":"#);
        for reason in ["MAX_TOKENS", ""] {
            assert_eq!(said_with(reason, whole), (whole.to_owned(), false), "{reason}");
            assert_eq!(said_with(reason, cut), (r#"[{"a":[1]}]"#.to_owned(), false), "{reason}");
            assert_eq!(said_with(reason, r#"[{"a":[1"#), (String::new(), false), "{reason}");
        }
        for reason in ["STOP", "NEVER_HEARD_OF"] {
            assert_eq!(said_with(reason, whole), (whole.to_owned(), true), "{reason}");
            assert_eq!(said_with(reason, cut), (r#"[{"a":[1]}]"#.to_owned(), false), "{reason}");
        }
    }
}
