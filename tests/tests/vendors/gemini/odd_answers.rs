//! Answers that a marker in the text blocks, cuts off or spoils.

use super::world::{LITE, ask, call, finish, gemini, marked, refused, scoring, text};

use serde_json::{Value, json};
use simulators::Simulated;
use simulators::gemini::{Gemini, Marker, Oddity, Outcome};

#[tokio::test(start_paused = true)]
async fn a_blocked_prompt_is_a_200_without_candidates_that_is_billed() {
    let gemini = gemini();
    let answer = ask(&gemini, &marked(Marker::SafetyBlock)).await;
    assert_eq!(answer["promptFeedback"]["blockReason"], "SAFETY");
    assert_eq!(answer.get("candidates"), None);
    let usage = &answer["usageMetadata"];
    assert_eq!(usage["totalTokenCount"], usage["promptTokenCount"]);
    assert_eq!(gemini.service().billed()[0].outcome, Outcome::Blocked);
}

#[tokio::test(start_paused = true)]
async fn every_marker_spoils_the_answer_in_its_own_way() {
    let gemini = gemini();
    let whole = text(&ask(&gemini, &scoring(&["first post", "second post"])).await).len();
    // A refusal is not an answer, and about every second call gets no text.
    let no_answers = [Marker::RefuseText, Marker::FailText, Marker::Recitation, Marker::Silence];
    for marker in Marker::ALL.into_iter().filter(|marker| !no_answers.contains(marker)) {
        let answer = ask(&gemini, &marked(marker)).await;
        let parsed = answer["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let scored = parsed.as_ref().and_then(Value::as_array).map(Vec::len);
        let expected = match marker {
            Marker::SafetyBlock => (None, Value::Null),
            Marker::Truncate => (None, json!("MAX_TOKENS")),
            Marker::PartialSafety => (None, json!("SAFETY")),
            Marker::Prose | Marker::WrongShape => (None, json!("STOP")),
            Marker::MissPost => (Some(1), json!("STOP")),
            Marker::ScoreOutOfRange => (Some(2), json!("STOP")),
            Marker::StrangerPost => (Some(3), json!("STOP")),
            Marker::UnknownFinish => (Some(2), json!("SIMULATED_REASON")),
            Marker::RefuseText | Marker::FailText | Marker::Recitation | Marker::Silence => {
                unreachable!("they are left out")
            }
        };
        assert_eq!((scored, finish(&answer).clone()), expected, "{marker:?}");
        match marker {
            Marker::Truncate | Marker::PartialSafety => {
                assert!((1..whole).contains(&text(&answer).len()));
            }
            Marker::ScoreOutOfRange => {
                assert!(parsed.unwrap()[1]["score"].as_i64().unwrap() > 100);
            }
            Marker::WrongShape => assert!(parsed.unwrap().is_object()),
            Marker::SafetyBlock
            | Marker::Prose
            | Marker::MissPost
            | Marker::StrangerPost
            | Marker::UnknownFinish
            | Marker::RefuseText
            | Marker::FailText
            | Marker::Recitation
            | Marker::Silence => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_may_be_refused_always_or_stop_the_model_now_and_then() {
    let gemini = gemini();
    let refused = |status, name: &str| (status, name.to_owned());
    let refusal = self::refused(&gemini, call(LITE, &marked(Marker::RefuseText))).await;
    assert_eq!(refusal, refused(400, "INVALID_ARGUMENT"));
    let failure = self::refused(&gemini, call(LITE, &marked(Marker::FailText))).await;
    assert_eq!(failure, refused(500, "INTERNAL"));
    for (marker, reason) in [(Marker::Recitation, "RECITATION"), (Marker::Silence, "STOP")] {
        let mut wordless = 0;
        for n in 0..20 {
            let post = format!("post {n} {}", marker.text());
            let answer = ask(&gemini, &scoring(&[&post])).await;
            if answer["candidates"][0]["content"].get("parts").is_none() {
                assert_eq!(finish(&answer), &json!(reason));
                wordless += 1;
            }
        }
        assert!((4..=16).contains(&wordless), "{marker:?}: {wordless}");
    }
}

/// An answer about two posts with an oddity, at a thinking level with thoughts, and its text.
async fn odd(gemini: &Simulated<Gemini>, oddity: Oddity) -> (Value, String) {
    let mut body = scoring(&["first post", &format!("second post {}", oddity.text())]);
    body["generationConfig"]["thinkingConfig"] = json!({"thinkingLevel": "LOW"});
    let answer = ask(gemini, &body).await;
    let parts = answer["candidates"][0]["content"]["parts"].as_array().cloned();
    let texts = parts.unwrap_or_default();
    let text = texts.iter().map(|part| part["text"].as_str().unwrap()).collect();
    (answer, text)
}

#[tokio::test(start_paused = true)]
async fn an_odd_answer_has_what_was_asked_for_and_the_bill_is_right() {
    for oddity in Oddity::ALL {
        let gemini = gemini();
        let (answer, text) = odd(&gemini, oddity).await;
        let usage = &answer["usageMetadata"];
        let count = |name: &str| usage[name].as_u64();
        let is_whole = serde_json::from_str::<Value>(&text).is_ok_and(|json| json.is_array());
        let strange = match oddity {
            Oddity::CodeFence => text.starts_with("```json\n["),
            Oddity::Fragment => text.starts_with('[') && text.ends_with("].\"\n}"),
            Oddity::Wrapped => text.starts_with("{\"results\": ["),
            Oddity::LooseThought => text.starts_with("First I look"),
            Oddity::NoFinish => *finish(&answer) == Value::Null && is_whole,
            Oddity::ErrorInside => answer["error"]["code"] == 503 && text.is_empty(),
            Oddity::NullUsage => usage["thoughtsTokenCount"].is_null() && is_whole,
            Oddity::ThoughtsAmongCandidates => {
                count("candidatesTokenCount") > count("thoughtsTokenCount")
            }
            Oddity::ThoughtsInTotalOnly => count("thoughtsTokenCount").is_none() && is_whole,
            Oddity::CachedApart => is_whole,
        };
        assert!(strange, "{oddity:?}: {answer}");
        let billed = gemini.service().billed_totals();
        let expected = (oddity != Oddity::ErrorInside).then_some(billed.usage.total);
        assert_eq!(count("totalTokenCount"), expected, "{oddity:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_without_its_cached_part_can_be_shorter_than_that() {
    let gemini = gemini();
    let mut body = scoring(&[Oddity::CachedApart.text()]);
    body["systemInstruction"] = json!({"parts": [{"text": "rule".repeat(4_200)}]});
    ask(&gemini, &body).await;
    let usage = ask(&gemini, &body).await["usageMetadata"].clone();
    assert!(
        usage["cachedContentTokenCount"].as_u64() > usage["promptTokenCount"].as_u64(),
        "{usage}"
    );
}
