//! Answers that can be used completely, partly or not at all.

use super::played::{SCORED, of_steps, played, steps, told, with_usage};
use super::stage::{Stage, case};
use crate::fake_gemini::Case;
use serde_json::json;
use shared::schema::{leads, run_record};

#[tokio::test(start_paused = true)]
async fn room_is_left_for_thoughts_and_each_lead_is_paid_for_once() {
    let stage = played(case("01-thinking-eats-the-answer")).await;
    assert_eq!(told(&stage), SCORED);
    stage.assert_exact();
    assert_eq!(stage.calls().len(), 2, "a call of each of two chunks");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_thoughts_cut_off_is_made_again_with_more_room() {
    let mut cut = case("01-thinking-eats-the-answer");
    cut.steps = steps(&json!([
        {"if_maxout_below": 60_000, "raw": r#"{"candidates":[{"content":{},"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":1000,"thoughtsTokenCount":4000,"totalTokenCount":5000},"modelVersion":"gemini-3.7-flash"}"#,
            "bill": {"in": 1_000, "out": 4_000, "total": 5_000}},
        {"raw": r#"{"candidates":[{"content":{"parts":[{"text":@@TEXT@@}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100},"modelVersion":"gemini-3.7-flash"}"#}
    ]));
    let stage = played(cut).await;
    assert_eq!(told(&stage), SCORED);
    stage.assert_exact();
    assert_eq!(stage.calls().len(), 4, "each call once more");
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_found_wherever_it_stands_and_paid_once() {
    let cases = [
        case("02-stray-fragment-behind-the-json"),
        case("20-fenced-json"),
        of_steps(&json!([{"text": "{\"results\": @@ARRAY@@}"}])),
        of_steps(&json!([{"text": "@@ITEM0@@\n@@ARRAY@@"}])),
        of_steps(&json!([{"text": "Let me think about [1] and {2}.\n\n@@ARRAY@@"}])),
        of_steps(
            &json!([{"raw": with_usage(r#"{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}"#)
            .replace(r#","finishReason":"STOP""#, "")}]),
        ),
    ];
    for case in cases {
        println!("{}", case.source);
        let stage = played(case).await;
        assert_eq!(told(&stage), SCORED);
        stage.assert_exact();
        assert_eq!(stage.calls().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_is_used_whatever_stands_around_it() {
    let whole = with_usage(
        r#"{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}"#,
    );
    let before = |words: &str| whole.replace(r#"{"candidates":["#, words);
    for answer in [
        whole.replace("STOP", "CONTINUATION"),
        whole.replace("STOP", "RECITATION"),
        whole.replace("STOP", "SAFETY"),
        whole.replace("STOP", "stop"),
        before(r#"{"candidates":[{"finishReason":"OTHER"},"#),
        before(r#"{"promptFeedback":{"blockReason":"OTHER"},"candidates":["#),
        whole.replace("finishReason", "finish_reason").replace("usageMetadata", "usage_metadata"),
        format!("\u{feff}{whole}"),
        format!("data: {whole}\n\ndata: [DONE]"),
    ] {
        println!("{answer}");
        let stage = played(of_steps(&json!([{"raw": answer}]))).await;
        assert_eq!(told(&stage), SCORED);
        stage.assert_exact();
        assert_eq!(stage.calls().len(), 2, "paid once");
    }
    let paid = json!({"in": 1_000, "out": 100, "total": 1_100});
    let stage = played(of_steps(&json!([{"status": 203, "bill": paid}]))).await;
    assert_eq!(told(&stage), SCORED);
    stage.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_is_answered_before_an_answer_is_cut_off_is_paid_once() {
    let whole = with_usage(
        r#"{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}"#,
    );
    for finish in ["MAX_TOKENS", "STOP"] {
        let cut = json!({"if_posts_over": 1, "text": "[@@ITEM0@@,{\"post_id\":\"",
            "raw": whole.replace("STOP", finish)});
        let contents = (0..5).map(|lead| (lead, format!("QX-{lead} text."))).collect();
        let stage = played(Case { contents, ..of_steps(&json!([cut, {}])) }).await;
        assert_eq!(told(&stage), SCORED, "{finish}");
        stage.assert_exact();
        for call in stage.calls() {
            let at = call.user.find("QX-").unwrap();
            let answered = &call.user[at..at + "QX-0 ".len()];
            let calls = stage.calls();
            let mut later = calls.iter().skip_while(|other| other.user != call.user).skip(1);
            assert!(later.all(|later| !later.user.contains(answered)), "{finish}: {answered}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stops_without_an_answer_once_is_asked_again_in_the_same_run() {
    let other = |body: &str| {
        let mut case = case("03-stop-without-parts");
        case.steps[0] =
            steps(&json!([{"raw": body, "bill": {"in": 1_000, "out": 0, "total": 1_000}}]))
                .remove(0);
        case
    };
    let usage = r#""usageMetadata":{"promptTokenCount":1000,"totalTokenCount":1000}"#;
    for case in [
        case("03-stop-without-parts"),
        case("04-recitation-once"),
        other(&format!(r#"{{"candidates":[{{"finishReason":"OTHER"}}],{usage}}}"#)),
        other(&format!(r#"{{"promptFeedback":{{"blockReason":"OTHER"}},{usage}}}"#)),
    ] {
        let stage = played(case).await;
        assert_eq!(told(&stage), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
        stage.assert_exact();
        assert_eq!(stage.calls().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_answers_is_asked_four_times_at_most_and_the_reason_is_told() {
    let silent = r#"{"candidates":[{"finishReason":"RECITATION","finishMessage":"Too alike."}],"usageMetadata":{"promptTokenCount":1000,"totalTokenCount":1000}}"#;
    let bill = json!({"in": 1_000, "out": 0, "total": 1_000});
    let always = json!([{"if_text": "QX-POISON", "raw": silent, "bill": bill}, {}]);
    let case = Case { contents: [(2, "QX-POISON text.".to_owned())].into(), ..of_steps(&always) };
    let stage = played(case).await;
    assert_eq!(told(&stage), "Completed with Errors: 5 harvested, 5 examined, 4 scored; balanced");
    stage.assert_exact();
    let about_it = stage.calls().iter().filter(|call| call.user.contains("QX-POISON")).count();
    assert!(about_it <= 4, "{about_it} paid calls");
    let details = stage.text(run_record::ERROR_DETAILS);
    assert!(details.contains(": the model stopped (RECITATION): Too alike."), "{details}");
    assert!(!stage.leads()[2].contains_key(leads::DATE_POSTS_SCORED), "the next run asks again");
    stage.gemini().answer(steps(&json!([{}])));
    stage.score_waiting().await;
    stage.ends(2).await;
    stage.assert_exact();
    assert!(stage.leads().iter().all(|lead| lead.contains_key(leads::POSTS_SCORE)));
}

#[tokio::test(start_paused = true)]
async fn only_four_reasons_are_final_for_the_same_posts() {
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":1000,"totalTokenCount":1000}}"#;
    let bill = json!({"in": 1_000, "out": 0, "total": 1_000});
    let mut case = case("03-stop-without-parts");
    case.steps = steps(&json!([{"raw": blocked, "bill": bill}]));
    let stage = played(case).await;
    assert_eq!(told(&stage), "Failed: 1 harvested, 1 examined, 0 scored; balanced");
    assert_eq!(stage.calls().len(), 1);
    assert!(stage.leads()[0].contains_key(leads::DATE_POSTS_SCORED));
    stage.assert_exact();
}

/// How many calls that may have been billed contain these words.
fn paid_calls(stage: &Stage, words: &str) -> usize {
    let calls = stage.calls();
    calls.iter().filter(|call| call.bill.is_some() && call.user.contains(words)).count()
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_always_spoils_its_calls_costs_four_of_them_and_49_others_are_scored() {
    let (prose, slow) = (json!({"text": "I cannot rate this."}), json!({"delay": 300}));
    let silent = json!({"raw": with_usage("null"), "text": "{}"});
    for (name, odd) in [("prose", prose), ("no answer in time", slow), ("no usage", silent)] {
        println!("{name}");
        let mut step = odd;
        step["if_text"] = json!("QX-POISON");
        let contents = [(17, "QX-POISON text.".to_owned())].into();
        let case = Case { leads: 50, contents, ..of_steps(&json!([step, {}])) };
        let mut stage = Stage::set(case);
        stage.begin().await;
        stage.ends(1).await;
        let told = told(&stage);
        let expected = "Completed with Errors: 50 harvested, 50 examined, 49 scored; ";
        assert!(told.starts_with(expected), "{told}");
        let paid = paid_calls(&stage, "QX-POISON");
        assert!((2..=4).contains(&paid), "{paid} paid calls contain it");
    }
}
