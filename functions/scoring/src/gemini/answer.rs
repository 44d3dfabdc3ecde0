//! Reads the model's answers. External rules: Gemini's `GenerateContentResponse`.

use super::lenient::read_json;
use super::refusal::{error_of, read_error, status_of, words_of_google};
use super::reply::{Call, Finish, Reply};
use super::tier::{ReportedTier, RequestedTier};
use super::usage::read_usage;
use jiff::Timestamp;
use serde_json::Value;
use shared::core::prices;
use shared::core::tokens::Surface;
use shared::messages::{CallOutcome, ErrorCategory, Served};

/// Most characters that are kept of a model's name.
const MODEL_MAX: usize = 100;

/// What is known about a call in addition to its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) surface: Surface,
    pub(super) tier: RequestedTier,
    /// The user prompt. No part of it may appear in a reason.
    pub(super) user: &'a str,
}

/// Reads the body of a success that came at `at`. If the body does not say what was used, the call
/// was billed with an unknown amount, so it counts as lost.
pub(super) fn read_answer(body: &[u8], asked: &Asked<'_>, at: Timestamp) -> Call {
    let parts = read_json(body);
    if parts.is_empty() {
        let detail = "the model's answer is not JSON".to_owned();
        let reply =
            Reply::TryLater { category: ErrorCategory::AiResponseFormat, detail, after: None };
        return Call { billing: CallOutcome::Lost, reply };
    }
    let answer = Streamed::of(&parts);
    let billing = billing(&answer, asked, at);
    match answer.error() {
        Some(error) if answer.candidates.is_empty() => {
            let billing = if billing == CallOutcome::Lost { CallOutcome::Refused } else { billing };
            Call { billing, reply: read_error(status_of(&error), &error, asked.user) }
        }
        Some(_) | None => Call { reply: reply(&answer, asked), billing },
    }
}

/// An answer in one part, or in the parts of a stream: some gateways stream without a request for
/// it.
struct Streamed<'a> {
    parts: Vec<&'a Value>,
    /// The pieces of each candidate, in order.
    candidates: Vec<Vec<&'a Value>>,
}

impl<'a> Streamed<'a> {
    fn of(parts: &'a [Value]) -> Self {
        let parts: Vec<&Value> = parts.iter().flat_map(unwrapped).collect();
        let mut candidates: Vec<Vec<&Value>> = Vec::new();
        for part in &parts {
            // If a body is cut off, only a candidate or its content may be left.
            let is_candidate = part.get("content").or_else(|| part.get("parts")).is_some();
            let told = if is_candidate { *part } else { &part["candidates"] };
            for (place, candidate) in listed(told).iter().enumerate() {
                let index =
                    candidate["index"].as_u64().and_then(|index| usize::try_from(index).ok());
                let index = index.filter(|index| *index <= candidates.len()).unwrap_or(place);
                if index >= candidates.len() {
                    candidates.push(Vec::new());
                }
                let last = candidates.len() - 1;
                candidates[index.min(last)].push(candidate);
            }
        }
        Self { parts, candidates }
    }

    fn error(&self) -> Option<Value> {
        self.parts.iter().find_map(|part| error_of(part))
    }

    /// The usage, with each member from the last part that has it: the counters of a stream grow.
    fn usage(&self) -> Value {
        let told = self.parts.iter().map(|part| member(part, "usageMetadata", "usage_metadata"));
        let members = told.filter_map(Value::as_object).flatten().filter(|(_, it)| !it.is_null());
        members.map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// The value under a name in the last part that has one.
    fn last(&self, camel: &str, snake: &str) -> &'a Value {
        let said = self.parts.iter().rev().map(|part| member(part, camel, snake));
        said.into_iter().find(|value| !value.is_null()).unwrap_or(&Value::Null)
    }
}

/// A part, and the answer in it: some gateways wrap it in an object, as `response`, `data` or
/// `result`, and may put other members beside it, such as `"error": null`.
fn unwrapped(part: &Value) -> impl Iterator<Item = &Value> {
    const MEMBERS: [&str; 6] = [
        "candidates",
        "promptFeedback",
        "prompt_feedback",
        "usageMetadata",
        "usage_metadata",
        "error",
    ];
    let has = |value: &Value, name: &str| !listed(&value[name]).is_empty();
    let members = || part.as_object().into_iter().flat_map(|members| members.values());
    let wrapped = || MEMBERS.iter().find_map(|name| members().find(|it| has(it, name)));
    let is_bare = has(part, "candidates") || has(part, "error");
    let answer = (!is_bare).then(|| wrapped().or_else(|| part.get("response"))).flatten();
    [part].into_iter().chain(answer)
}

/// The items of a list. An object instead of a list is its only item.
fn listed(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Object(_) => std::slice::from_ref(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => &[],
    }
}

/// A member, whose name gateways write in either of two ways.
fn member<'a>(of: &'a Value, camel: &str, snake: &str) -> &'a Value {
    of.get(camel).or_else(|| of.get(snake)).unwrap_or(&Value::Null)
}

fn billing(answer: &Streamed<'_>, asked: &Asked<'_>, at: Timestamp) -> CallOutcome {
    let metadata = &answer.usage();
    let Some((usage, reading)) = read_usage(metadata) else { return CallOutcome::Lost };
    let answered = answer.last("modelVersion", "model_version").as_str().unwrap_or_default();
    // Names have no white space. One that has would break the lines of the record.
    let answered: String =
        answered.split_whitespace().flat_map(str::chars).take(MODEL_MAX).collect();
    let model = if answered.is_empty() { asked.model.to_owned() } else { answered };
    let is_other = !prices::is_same_model(asked.model, &model);
    let served = Served {
        tier: ReportedTier::of(metadata).tier(asked.tier),
        surface: asked.surface,
        reading,
        at: Some(at),
        asked: is_other.then(|| asked.model.to_owned()),
    };
    CallOutcome::Answered { usage, model, served }
}

fn reply(answer: &Streamed<'_>, asked: &Asked<'_>) -> Reply {
    let unusable = |category, detail| Reply::Unusable { category, detail };
    // The answer is paid for, so it is used whichever candidate contains it.
    let said = answer.candidates.iter().map(|pieces| (pieces, text_of(pieces, Part::Said)));
    let mut said = said.filter(|(_, text)| !text.trim().is_empty());
    if let Some((pieces, text)) = said.next() {
        return Reply::Text { text, finish: finish_of(pieces, asked) };
    }
    let feedback = answer.last("promptFeedback", "prompt_feedback");
    let blocked = reason_of(member(feedback, "blockReason", "block_reason"));
    if let Some(reason) = blocked.or_else(|| blocking_rating(feedback)) {
        let words = words_of(member(feedback, "blockReasonMessage", "block_reason_message"), asked);
        let detail = format!("the model blocks the prompt ({reason}){words}");
        return unusable(category_of(&reason), detail);
    }
    let Some(pieces) = answer.candidates.first() else {
        let detail = "the model answers without a candidate".to_owned();
        return unusable(ErrorCategory::ModelNoAnswer, detail);
    };
    match finish_of(pieces, asked) {
        Finish::CutOff => Reply::Text { text: String::new(), finish: Finish::CutOff },
        Finish::Other { category, detail } => unusable(category, detail),
        finish @ (Finish::Stop | Finish::Unsaid) => {
            // Some answers are marked completely as thoughts.
            let text = text_of(pieces, Part::Thought);
            if !text.trim().is_empty() {
                return Reply::Text { text, finish };
            }
            let detail = "the model stopped without any text".to_owned();
            unusable(ErrorCategory::ModelNoAnswer, detail)
        }
    }
}

/// How a candidate ended, according to its last piece with a reason.
fn finish_of(pieces: &[&Value], asked: &Asked<'_>) -> Finish {
    let told = |piece: &&Value| reason_of(member(piece, "finishReason", "finish_reason"));
    let ended = pieces.iter().rev().find_map(|piece| Some((*piece, told(piece)?)));
    let Some((piece, reason)) = ended else { return Finish::Unsaid };
    match reason.as_str() {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::CutOff,
        // This enum is open: new reasons appear without notice.
        reason => {
            let category = category_of(reason);
            let did = if category == ErrorCategory::SafetyBlock {
                "blocks its answer"
            } else {
                "stopped"
            };
            let words = words_of(member(piece, "finishMessage", "finish_message"), asked);
            Finish::Other { category, detail: format!("the model {did} ({reason}){words}") }
        }
    }
}

fn words_of(text: &Value, asked: &Asked<'_>) -> String {
    words_of_google(text.as_str().unwrap_or_default(), asked.user)
}

/// Which part of a candidate to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Said,
    Thought,
}

/// All text of this part in a candidate.
fn text_of(pieces: &[&Value], part: Part) -> String {
    pieces.iter().map(|piece| text_in(piece.get("content").unwrap_or(piece), part)).collect()
}

/// The text of this part in a content, in a part, or in a list of either.
fn text_in(content: &Value, part: Part) -> String {
    match content {
        Value::Array(items) => items.iter().map(|item| text_in(item, part)).collect(),
        Value::Object(_) => match content["text"].as_str() {
            Some(text) if (content["thought"] == true) == (part == Part::Thought) => {
                text.to_owned()
            }
            Some(_) => String::new(),
            None => text_in(&content["parts"], part),
        },
        Value::String(text) if part == Part::Said => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => String::new(),
    }
}

/// The reason why a prompt is blocked, if only a rating says so.
fn blocking_rating(feedback: &Value) -> Option<String> {
    let ratings = member(feedback, "safetyRatings", "safety_ratings");
    let is_blocked = listed(ratings).iter().any(|rating| rating["blocked"] == true);
    is_blocked.then(|| "SAFETY".to_owned())
}

/// A valid reason, limited in length; `None` for an unspecified one.
fn reason_of(value: &Value) -> Option<String> {
    let reason = value.as_str().filter(|reason| !reason.is_empty())?;
    let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let reason = reason.to_ascii_uppercase();
    (!reason.ends_with("_UNSPECIFIED")).then(|| reason.chars().filter(is_word).take(60).collect())
}

/// Only these reasons will apply to the same posts again. Other reasons hit harmless posts at
/// random.
fn category_of(reason: &str) -> ErrorCategory {
    match reason {
        "SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => ErrorCategory::SafetyBlock,
        _ => ErrorCategory::ModelNoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::core::tokens::{Tier, TokenUsage};
    use shared::messages::Reading;

    fn call(answer: &Value) -> Call {
        read_body(answer.to_string().as_bytes(), "m")
    }

    fn read_body(body: &[u8], model: &str) -> Call {
        let (surface, tier) = (Surface::Developer, RequestedTier::Standard);
        read_answer(body, &Asked { model, surface, tier, user: "a post about ships" }, at())
    }

    fn at() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn finished(reason: &str) -> Call {
        call(&json!({
            "candidates": [{"content": {"parts": [{"text": "[]"}]}, "finishReason": reason}],
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "m"}))
    }

    fn said(text: &str, finish: Finish) -> Reply {
        Reply::Text { text: text.to_owned(), finish }
    }

    fn category(reply: &Reply) -> Option<ErrorCategory> {
        match reply {
            Reply::Unusable { category, .. }
            | Reply::TryLater { category, .. }
            | Reply::Text { finish: Finish::Other { category, .. }, .. } => Some(*category),
            Reply::Halted(halt) => Some(halt.category),
            Reply::Text { .. } | Reply::Refused { .. } => None,
        }
    }

    #[test]
    fn thoughts_cached_tokens_tier_and_model_are_read() {
        let call = call(&json!({
            "candidates": [{"content": {"parts": [{"text": "thinking", "thought": true}, {"text": "[1"}, {"text": "]"}]},
                "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 6200, "cachedContentTokenCount": 4096, "candidatesTokenCount": 310,
                "thoughtsTokenCount": 520, "totalTokenCount": 7030, "serviceTier": "flex"},
            "modelVersion": "gemini-3.5-flash-lite"}));
        assert_eq!(call.reply, said("[1]", Finish::Stop));
        let usage = TokenUsage {
            prompt: 6200,
            cached: 4096,
            output: 310,
            thoughts: 520,
            total: 7030,
            ..TokenUsage::default()
        };
        let model = "gemini-3.5-flash-lite".to_owned();
        let (at, asked) = (Some(at()), Some("m".to_owned()));
        let served = Served { tier: Tier::Flex, at, asked, ..Served::default() };
        assert_eq!(call.billing, CallOutcome::Answered { usage, model, served });
    }

    #[test]
    fn only_four_reasons_are_final_for_the_same_posts() {
        let blocked = |reason: &str| {
            call(&json!({"promptFeedback": {"blockReason": reason},
                "usageMetadata": {"promptTokenCount": 90, "totalTokenCount": 90}, "modelVersion": "m"}))
        };
        let is_billed = |call: &Call| matches!(call.billing, CallOutcome::Answered { .. });
        for reason in ["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"] {
            for call in [finished(reason), blocked(reason)] {
                assert_eq!(category(&call.reply), Some(ErrorCategory::SafetyBlock), "{reason}");
                assert!(is_billed(&call));
            }
        }
        for reason in ["RECITATION", "OTHER", "MODEL_ARMOR", "A_REASON_OF_NEXT_YEAR"] {
            for call in [finished(reason), blocked(reason)] {
                assert_eq!(category(&call.reply), Some(ErrorCategory::ModelNoAnswer), "{reason}");
                assert!(is_billed(&call));
            }
        }
    }

    #[test]
    fn what_is_said_is_kept_whatever_stands_beside_it() {
        let usage = json!({"promptTokenCount": 5, "totalTokenCount": 5});
        let spoken = json!({"content": {"parts": [{"text": "[1]"}]}, "finishReason": "stop"});
        for candidates in [
            json!([spoken]),
            json!([{"finishReason": "OTHER"}, spoken]),
            json!([{"content": {"parts": []}, "finishReason": "STOP"}, spoken]),
            json!([{"content": {"parts": {"text": "[1]"}}, "finish_reason": "STOP"}]),
            json!([{"content": [{"parts": [{"text": "[1"}, {"text": "]"}]}], "finishReason": "STOP"}]),
            json!([{"content": [{"text": "x", "thought": true}, {"text": "[1]"}], "finishReason": "STOP"}]),
            json!([{"content": "[1]", "finishReason": "STOP"}]),
            json!([{"content": {"role": "model", "parts": ["[1", "]"]}, "finishReason": "STOP"}]),
        ] {
            let answer = json!({"candidates": candidates, "usage_metadata": usage,
                "promptFeedback": {"blockReason": "OTHER"}, "model_version": "m"});
            let call = call(&answer);
            assert_eq!(call.reply, said("[1]", Finish::Stop), "{answer}");
            assert!(matches!(call.billing, CallOutcome::Answered { .. }), "{answer}");
        }
    }

    #[test]
    fn a_stream_is_put_together_and_its_last_usage_counts() {
        let part = |text: &str| {
            json!({"candidates": [{"index": 0, "content": {"parts": [{"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "m"})
        };
        let mut last = part("2]");
        last["candidates"][0]["finishReason"] = json!("STOP");
        last["usageMetadata"] =
            json!({"promptTokenCount": 5, "candidatesTokenCount": 4, "totalTokenCount": 9});
        let events = format!("data: {}\n\ndata: {last}\n\n", part("[1,"));
        let wrapped = json!([{"response": part("[1,")}, {"response": last}]).to_string();
        for body in [json!([part("[1,"), last]).to_string(), events, wrapped] {
            let call = read_body(body.as_bytes(), "m");
            assert_eq!(call.reply, said("[1,2]", Finish::Stop), "{body}");
            let CallOutcome::Answered { usage, .. } = call.billing else { panic!("{body}") };
            assert_eq!(usage.total, 9, "{body}");
        }
        let scattered = json!([
            {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}, last,
            {"usageMetadata": {"promptTokenCount": null, "trafficType": "ON_DEMAND_FLEX"}},
            {"usageMetadata": {}}, {"usageMetadata": null}]);
        let CallOutcome::Answered { usage, served, .. } = call(&scattered).billing else {
            panic!("lost")
        };
        assert_eq!((usage.prompt, usage.total, served.tier), (5, 9, Tier::Flex));
        let broken = json!([part("[1,"), {"error": {"code": 503, "status": "UNAVAILABLE"}}]);
        assert_eq!(call(&broken).reply, said("[1,", Finish::Unsaid));
    }

    #[test]
    fn what_a_body_says_before_it_is_cut_off_is_used_and_its_usage_is_lost() {
        let whole = r#"{"candidates":[{"content":{"parts":[{"text":"[1]"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}"#;
        for (cut, finish) in [("Metadata", Finish::Stop), (r#"Reason""#, Finish::Unsaid)] {
            let body = whole.split_once(cut).unwrap().0;
            let call = read_body(body.as_bytes(), "m");
            assert_eq!(call.reply, said("[1]", finish), "{body}");
            assert_eq!(call.billing, CallOutcome::Lost, "{body}");
        }
    }

    #[test]
    fn a_prompt_that_a_rating_blocks_is_blocked_for_its_safety() {
        let rated = |blocked: bool| {
            call(&json!({"promptFeedback": {"safetyRatings": [{"probability": "LOW"},
                {"probability": "HIGH", "blocked": blocked}]}}))
        };
        assert_eq!(category(&rated(true).reply), Some(ErrorCategory::SafetyBlock));
        assert_eq!(category(&rated(false).reply), Some(ErrorCategory::ModelNoAnswer));
    }

    #[test]
    fn candidates_of_a_stream_stay_apart() {
        let say = |index: u64, text: &str| json!({"index": index, "content": {"parts": [{"text": text}]}});
        let stream = json!([{"candidates": [say(0, "[1"), say(1, "[7")]},
            {"candidates": [say(1, ",8]")]}, {"candidates": [say(0, ",2]")]}]);
        assert_eq!(call(&stream).reply, said("[1,2]", Finish::Unsaid));
    }

    #[test]
    fn an_answer_that_is_marked_as_thoughts_as_a_whole_is_used_unless_it_is_cut_off() {
        let thought = |finish: &str| {
            call(&json!({"candidates": [{"finishReason": finish,
                "content": {"parts": [{"text": "[1]", "thought": true}]}}]}))
        };
        assert_eq!(thought("STOP").reply, said("[1]", Finish::Stop));
        assert_eq!(thought("MAX_TOKENS").reply, said("", Finish::CutOff), "it was still thinking");
    }

    #[test]
    fn an_answer_says_whether_it_is_whole() {
        assert_eq!(finished("STOP").reply, said("[]", Finish::Stop));
        assert_eq!(finished("MAX_TOKENS").reply, said("[]", Finish::CutOff));
        for unsaid in ["", "FINISH_REASON_UNSPECIFIED"] {
            assert_eq!(finished(unsaid).reply, said("[]", Finish::Unsaid));
        }
    }

    #[test]
    fn an_answer_without_a_word_is_no_answer() {
        for content in [json!({}), json!(null), json!({"parts": []}), json!({"parts": null})] {
            let answer = json!({"candidates": [{"content": content, "finishReason": "STOP"}]});
            let reply = call(&answer).reply;
            assert_eq!(category(&reply), Some(ErrorCategory::ModelNoAnswer), "{content}");
        }
        for none in [json!({}), json!({"candidates": []}), json!({"candidates": null})] {
            assert_eq!(category(&call(&none).reply), Some(ErrorCategory::ModelNoAnswer), "{none}");
        }
    }

    #[test]
    fn an_answer_whose_usage_cannot_be_read_counts_as_lost_and_is_used() {
        let cut = read_body(b"{\"candidates\":[{\"con", "m");
        assert_eq!(cut.billing, CallOutcome::Lost);
        let answer = json!({"usageMetadata": null,
            "candidates": [{"content": {"parts": [{"text": "[1]"}]}, "finishReason": "STOP"}]});
        let call = call(&answer);
        assert_eq!((call.billing, call.reply), (CallOutcome::Lost, said("[1]", Finish::Stop)));
    }

    #[test]
    fn counters_that_are_no_json_cost_no_answer() {
        let body = br#"{"candidates":[{"content":{"parts":[{"text":"[\"\ud83d\"]"}]},"finishReason":"STOP"}],
            "usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"thoughtsTokenCount":NaN,
            "totalTokenCount":1,"totalTokenCount":1100}}"#;
        let call = read_body(body, "m");
        assert_eq!(call.reply, said("[\"\u{fffd}\"]", Finish::Stop));
        let CallOutcome::Answered { usage, served, .. } = call.billing else { panic!("lost") };
        assert_eq!((usage.total, served.reading), (1_100, Reading::Exact));
    }

    #[test]
    fn an_error_inside_a_200_is_an_error() {
        let error = |code: u16, status: &str| json!({"error": {"code": code, "status": status, "message": "Resource exhausted."}});
        let quota = call(&error(429, "RESOURCE_EXHAUSTED"));
        assert_eq!(quota.billing, CallOutcome::Refused);
        assert_eq!(category(&quota.reply), Some(ErrorCategory::Quota));
        let unnumbered = json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": "Slow."}});
        assert_eq!(category(&call(&unnumbered).reply), Some(ErrorCategory::Quota));
        let in_text = json!({"error": {"code": "429", "message": "Slow down."}});
        assert_eq!(category(&call(&in_text).reply), Some(ErrorCategory::Quota));
        let words_alone = call(&json!({"error": "upstream is busy"}));
        assert_eq!(words_alone.billing, CallOutcome::Refused);
        assert!(matches!(words_alone.reply, Reply::Refused { is_lasting: false, .. }));
        let in_array = call(&json!([error(503, "UNAVAILABLE")]));
        assert_eq!(category(&in_array.reply), Some(ErrorCategory::Unknown));
        let mut billed = error(500, "INTERNAL");
        billed["usageMetadata"] = json!({"promptTokenCount": 7, "totalTokenCount": 7});
        let billed = call(&billed);
        assert!(matches!(billed.billing, CallOutcome::Answered { .. }));
        assert!(matches!(billed.reply, Reply::Refused { is_lasting: false, .. }));
    }

    #[test]
    fn the_models_own_words_are_kept_and_the_posts_are_not() {
        let stopped = |message: &str| {
            let answer =
                json!({"candidates": [{"finishReason": "OTHER", "finishMessage": message}]});
            let Reply::Unusable { detail, .. } = call(&answer).reply else { panic!("{answer}") };
            detail
        };
        assert_eq!(stopped("Too busy."), "the model stopped (OTHER): Too busy.");
        assert_eq!(stopped("It says: a post about ships"), "the model stopped (OTHER)");
    }

    #[test]
    fn another_build_of_the_requested_model_is_the_same_model() {
        let answer = |version: &str| {
            json!({"candidates": [], "modelVersion": version,
                "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}})
            .to_string()
        };
        let asked =
            |version: &str| match read_body(answer(version).as_bytes(), "gemini-3.5-flash-lite")
                .billing
            {
                CallOutcome::Answered { served, .. } => served.asked,
                CallOutcome::Refused | CallOutcome::Lost => panic!("it was answered"),
            };
        assert_eq!(asked("gemini-3.5-flash-lite-001"), None);
        assert_eq!(asked(""), None);
        assert_eq!(asked("gemini-3.8-flash").as_deref(), Some("gemini-3.5-flash-lite"));
    }

    #[test]
    fn the_name_of_a_model_is_one_short_word() {
        let model = |version: Value| {
            let usage = json!({"promptTokenCount": 5, "totalTokenCount": 5});
            let answer = json!({"modelVersion": version, "usageMetadata": usage});
            let CallOutcome::Answered { model, .. } = call(&answer).billing else { panic!("lost") };
            model
        };
        assert_eq!(model(json!("gemini-9 \n pro")), "gemini-9pro");
        assert_eq!(model(json!("x".repeat(500_000))), "x".repeat(MODEL_MAX));
        for none in [json!(" \n"), json!(35), json!(["m-2"]), json!(null)] {
            assert_eq!(model(none), "m");
        }
    }

    #[test]
    fn an_answer_in_an_object_of_a_gateway_is_read() {
        let usage = json!({"promptTokenCount": 5, "totalTokenCount": 5});
        let spoken = json!({"content": {"parts": [{"text": "[1]"}]}, "finishReason": "STOP"});
        let answer = json!({"candidates": [spoken], "usageMetadata": usage, "modelVersion": "m"});
        let blocked = json!({"promptFeedback": {"blockReason": "SPII"}, "usageMetadata": usage});
        for (name, beside) in [
            ("response", json!({"status": 200})),
            ("data", json!({"error": null, "a": {"error": "none"}})),
            ("result", json!({"error": false, "candidates": [], "usageMetadata": {}})),
            ("response", json!({"usage_metadata": usage})),
        ] {
            let wrapped = |answer: &Value| {
                let mut whole = beside.clone();
                whole[name] = answer.clone();
                call(&whole)
            };
            assert_eq!(wrapped(&answer), call(&answer), "{name}");
            assert_eq!(category(&wrapped(&blocked).reply), Some(ErrorCategory::SafetyBlock));
            let error = wrapped(&json!({"error": {"code": 429, "message": "Slow."}}));
            assert_eq!(category(&error.reply), Some(ErrorCategory::Quota), "{name}");
        }
    }
}
