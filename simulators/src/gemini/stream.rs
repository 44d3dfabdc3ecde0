//! Answers in pieces: `streamGenerateContent`.

use super::route::AnswerForm;
use crate::{Response, json_reply};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// Most pieces of an answer.
const PIECES: usize = 3;
/// Where the text of an answer is.
const TEXT: &str = "/candidates/0/content/parts/0/text";

/// The answer in the requested form.
pub(super) fn response(answer: Value, form: AnswerForm) -> Response {
    match form {
        AnswerForm::Whole => json_reply(StatusCode::OK, &answer),
        AnswerForm::Array => json_reply(StatusCode::OK, &pieces(&answer)),
        AnswerForm::Events => {
            let events = pieces(&answer).into_iter().map(|piece| format!("data: {piece}\r\n\r\n"));
            let mut response = Response::new(Bytes::from(events.collect::<String>()));
            let kind = HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
    }
}

/// The pieces of an answer. Only the last has the finish reason and the usage of all.
fn pieces(answer: &Value) -> Vec<Value> {
    let text = answer.pointer(TEXT).and_then(Value::as_str).unwrap_or_default();
    let letters: Vec<char> = text.chars().collect();
    let mut texts: Vec<String> = letters
        .chunks(letters.len().div_ceil(PIECES).max(1))
        .map(|part| part.iter().collect())
        .collect();
    let Some(last_text) = texts.pop() else { return vec![answer.clone()] };
    let early = |text: String| {
        let mut piece = answer.clone();
        piece["candidates"] =
            json!([{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}]);
        let prompt = &answer["usageMetadata"]["promptTokenCount"];
        piece["usageMetadata"] = json!({"promptTokenCount": prompt, "totalTokenCount": prompt});
        piece
    };
    let mut pieces: Vec<Value> = texts.into_iter().map(early).collect();
    let mut last = answer.clone();
    if let Some(text) = last.pointer_mut(TEXT) {
        *text = last_text.into();
    }
    pieces.push(last);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_whole_text_and_the_last_tells_the_end_and_the_cost() {
        let answer = json!({
            "candidates": [{"content": {"role": "model", "parts": [{"text": "né à Zürich"}]},
                            "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 9},
        });
        let pieces = pieces(&answer);
        let texts: String =
            pieces.iter().map(|piece| piece.pointer(TEXT).unwrap().as_str().unwrap()).collect();
        assert_eq!((pieces.len(), texts.as_str()), (3, "né à Zürich"));
        let ends = |piece: &Value| piece["candidates"][0]["finishReason"].is_string();
        assert_eq!(pieces.iter().filter(|piece| ends(piece)).count(), 1);
        assert_eq!(pieces[2]["usageMetadata"], answer["usageMetadata"]);
    }

    #[test]
    fn an_answer_without_text_is_one_piece() {
        let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
        assert_eq!(pieces(&blocked), std::slice::from_ref(&blocked));
    }
}
