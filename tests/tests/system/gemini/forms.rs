//! Answers in a different form than requested.

use super::played::{SCORED, of_steps, played, told, with_usage};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn an_answer_in_pieces_or_in_other_words_is_used_and_paid_once() {
    let whole = with_usage(
        r#"{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}"#,
    );
    let first = r#"{"candidates":[{"content":{"parts":[{"text":"[ "}]}}],"usageMetadata":{"promptTokenCount":1000,"totalTokenCount":1000}}"#;
    let last = whole.replace("@@TEXT@@", "@@TAIL@@");
    let thought = whole.replace(r#"{"text":@@TEXT@@}"#, r#"{"thought":true,"text":@@TEXT@@}"#);
    let rewritten = |pairs: &[[&str; 2]]| json!({"raw": whole, "rewrite": pairs});
    for step in [
        json!({"raw": format!("[{first},{last}]")}),
        json!({"raw": format!("data: {first}\n\ndata: {last}\n\n")}),
        json!({"raw": format!(r#"{{"response":{whole}}}"#)}),
        json!({"raw": format!(r#"{{"data":{whole},"code":0}}"#)}),
        json!({"raw": thought}),
        json!({"raw": whole, "text": "@@LOUD@@"}),
        json!({"raw": whole, "text": "@@BY_ID@@"}),
        rewritten(&[["post_id", "postId"], ["post_score", "score"]]),
        rewritten(&[["\"post_score\":", "\"result\":{\"post_score\":"], ["}", "}}"]]),
        rewritten(&[
            ["\"post_id\":\"", "\"post_id\":\"Post "],
            ["\",\"post_score", ".\",\"post_score"],
        ]),
        rewritten(&[
            ["\"post_score\":", "\"post_score\":{\"total\":"],
            [",\"scoring", "},\"scoring"],
        ]),
        rewritten(&[["Fits the", "It\\'s \"near\" the"]]),
        rewritten(&[["\"", "'"], ["}", ",}"]]),
        rewritten(&[["\"post_score\":6", "\"post_score\":\"6"], [",\"scoring", "%\",\"scoring"]]),
    ] {
        println!("{step}");
        let stage = played(of_steps(&json!([step]))).await;
        assert_eq!(told(&stage), SCORED);
        stage.assert_exact();
        assert_eq!(stage.calls().len(), 2, "paid once");
    }
}
