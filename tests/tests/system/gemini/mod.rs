//! What Gemini really answers, told by public bug reports: each case of `cases/gemini` with what an
//! operator sees on the record and on the leads.

mod fake_gemini;
mod stage;

use fake_gemini::{Case, Step};
use serde_json::{Value, json};
use shared::schema::{leads, run_record};
use stage::{Stage, case};
use std::time::Duration;

const SCORED: &str = "Completed: 5 harvested, 5 examined, 5 scored; balanced";

fn told(stage: &Stage) -> String {
    tests::told(&stage.records().remove(0))
}

/// Plays a case until its run is over.
async fn played(case: Case) -> Stage {
    let mut stage = Stage::set(case);
    stage.begin().await;
    stage.ends(1).await;
    stage
}

fn steps(steps: &Value) -> Vec<Step> {
    serde_json::from_value(steps.clone()).unwrap()
}

/// A case of five leads whose calls are answered like this.
fn of_steps(these: &Value) -> Case {
    Case { steps: steps(these), ..case("02-stray-fragment-behind-the-json") }
}

/// A whole answer with this `usageMetadata`, as text.
fn with_usage(usage: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":@@TEXT@@}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage},"modelVersion":"gemini-3.5-flash-lite"}}"#
    )
}

fn error_of(lead: &serde_json::Map<String, Value>) -> String {
    lead.get(leads::POSTS_EVALUATION).and_then(Value::as_str).unwrap_or_default().to_owned()
}

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

#[tokio::test(start_paused = true)]
async fn usage_is_read_as_it_adds_up_and_the_cost_is_what_is_billed() {
    let exact =
        |usage: &str, bill: Value| of_steps(&json!([{"raw": with_usage(usage), "bill": bill}]));
    let thought = || json!({"in": 1_000, "out": 900, "total": 1_900});
    let plain = || json!({"in": 1_000, "out": 100, "total": 1_100});
    for case in [
        case("05-candidates-include-thoughts"),
        case("06-thoughts-only-in-the-total"),
        case("11-null-members"),
        case("17-prompt-without-the-cached"),
        exact(
            r#"{"promptTokenCount":1000,"candidatesTokenCount":100,"thoughtsTokenCount":800,"totalTokenCount":1100}"#,
            thought(),
        ),
        exact(
            r#"{"promptTokenCount":"1000","candidatesTokenCount":"100","totalTokenCount":"1100"}"#,
            plain(),
        ),
        exact(
            r#"{"promptTokenCount":1000,"candidatesTokenCount":NaN,"thoughtsTokenCount":null,"totalTokenCount":1100}"#,
            plain(),
        ),
        exact(
            r#"{"promptTokenCount":1000,"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}"#,
            plain(),
        ),
    ] {
        println!("{}", case.source);
        let stage = played(case).await;
        assert_eq!(told(&stage), SCORED);
        stage.assert_exact();
    }
}

#[tokio::test(start_paused = true)]
async fn usage_that_is_not_told_apart_makes_the_cost_at_least_that_and_balance_says_why() {
    let stage =
        played(of_steps(&json!([{"raw": with_usage(r#"{"totalTokenCount":1900}"#)}]))).await;
    assert_eq!(
        told(&stage),
        "Completed: 5 harvested, 5 examined, 5 scored; cost is at least $0.001140: 2 calls with \
         unclear usage"
    );
    let notes = stage.text(run_record::SYSTEM_NOTES);
    let spent = "Model: at least $0.001140, 3,800 tokens for posts (3,800 not told apart).";
    assert!(notes.contains(spent), "{notes}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_usage_is_used_and_its_tokens_are_unobserved() {
    let stage = played(of_steps(&json!([{"raw": with_usage("null")}]))).await;
    assert_eq!(stage.calls().len(), 2, "what was paid for is used");
    assert_eq!(
        told(&stage),
        "Completed: 5 harvested, 5 examined, 5 scored; post tokens: 2 model calls unobserved, \
         whatever was used there is not counted\n\
         cost is at least $0.000000: 2 calls without usage"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lead_whose_text_is_refused_fails_with_googles_reason_and_the_others_are_scored() {
    for (name, words, google) in [
        ("07-one-lead-text-is-refused", "QX-POISON", "Request contains an invalid argument."),
        ("30-poison-lead-holds-its-lane", "QX-POISON", "Internal error encountered."),
    ] {
        let mut stage = played(case(name)).await;
        let status = "Completed with Errors: 5 harvested, 4 examined, 4 scored; balanced";
        assert_eq!(told(&stage), status, "{name}");
        stage.assert_exact();
        let details = stage.text(run_record::ERROR_DETAILS);
        assert!(
            details.contains("1 lead, text refused by the model (MODEL_REFUSED):"),
            "{details}"
        );
        assert!(details.contains(google), "{details}");
        assert!(!details.contains(words) && !details.contains("PDF"), "{details}");
        let failed = &stage.leads()[2];
        assert!(error_of(failed).contains("MODEL_REFUSED") && error_of(failed).contains(google));
        assert!(!failed.contains_key(leads::DATE_POSTS_SCORED), "the next run asks again");
        match stage.case.then.as_deref() {
            Some("other") => stage.begin_another().await,
            _ => stage.score_waiting().await,
        }
        stage.ends(2).await;
        stage.assert_exact();
        let details = error_of(&stage.leads()[2]);
        assert!(details.contains("MODEL_REFUSED"), "{details}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_the_model_refuses_are_told_from_a_text_that_it_refuses() {
    let refusal = r#"{"error":{"code":400,"message":"Thinking level is not supported.","status":"INVALID_ARGUMENT"}}"#;
    let stage = played(of_steps(&json!([{"status": 400, "raw": refusal, "bill": {}}]))).await;
    assert_eq!(told(&stage), "Failed: 5 harvested, 0 examined, 0 scored; balanced");
    let details = stage.text(run_record::ERROR_DETAILS);
    assert!(
        details.contains("5 leads, settings of the model (MODEL_CONFIG):")
            && details.contains("Thinking level is not"),
        "{details}"
    );
    let notes = stage.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("The model refused"), "{notes}");
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_200_is_an_error_and_costs_nothing() {
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let stage =
        played(of_steps(&json!([{"raw": error, "bill": {}}, {"raw": error, "bill": {}}, {}])))
            .await;
    assert_eq!(told(&stage), SCORED);
    stage.assert_exact();
}

/// Plays a case whose model answers nobody, until a person puts that right.
async fn halted(refusal: Case, first_line: &str) {
    let mut stage = Stage::set(refusal);
    stage.begin().await;
    tokio::time::sleep(Duration::from_mins(9)).await;
    assert!(stage.calls().len() <= 2, "two chunks were at work: {:?}", stage.calls());
    let notes = stage.text(run_record::SYSTEM_NOTES);
    assert!(notes.lines().next().unwrap().contains(first_line), "{notes}");
    assert_eq!(stage.text(run_record::STATUS), "Running");
    for lead in stage.leads() {
        assert!(!lead.contains_key(leads::DATE_POSTS_SCORED), "no lead is dated");
        assert_eq!(error_of(&lead), "", "no lead fails");
    }
    stage.gemini().answer(steps(&json!([{}])));
    stage.ends(1).await;
    assert_eq!(told(&stage), SCORED);
    let probes = stage.calls().iter().filter(|call| !call.user.contains("post_id")).count();
    assert!((1..=2).contains(&probes), "one token is asked for: {probes}");
}

#[tokio::test(start_paused = true)]
async fn without_credit_nobody_fails_and_the_record_says_top_up() {
    let depleted = |status: u16, message: &str| {
        let error =
            json!({"error": {"code": status, "message": message, "status": "RESOURCE_EXHAUSTED"}});
        of_steps(&json!([{"status": status, "raw": error.to_string(), "bill": {}}]))
    };
    halted(case("08-credits-used-up"), "top up").await;
    halted(depleted(402, "Your prepayment credits are depleted."), "top up").await;
    halted(depleted(429, "Your project has exceeded its spending cap."), "top up").await;
}

#[tokio::test(start_paused = true)]
async fn with_a_key_that_was_leaked_or_has_expired_the_record_says_replace_the_key() {
    for (status, message) in [
        (403, "Your API key was reported as leaked. Please use another API key."),
        (400, "API key expired. Please renew the API key."),
    ] {
        let error = json!({"error": {"code": status, "message": message, "status": "DENIED"}});
        let step = json!([{"status": status, "raw": error.to_string(), "bill": {}}]);
        halted(of_steps(&step), "replace the key").await;
    }
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

#[tokio::test(start_paused = true)]
async fn answers_of_unknown_usage_count_against_a_limit_with_the_most_they_can_have_used() {
    const LIMIT: u64 = 20_000;
    let case = Case { leads: 50, ..of_steps(&json!([{"raw": with_usage("null")}])) };
    let mut stage = Stage::set(case);
    stage.limit(LIMIT);
    stage.begin().await;
    stage.ends(1).await;
    // Each has room for an answer of 4,496 tokens or more.
    let calls = stage.calls().len() as u64;
    assert!((1..=LIMIT / 4_496 + 2).contains(&calls), "{calls} calls");
    let notes = stage.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("the token limit of the run is reached"), "{notes}");
    assert!(stage.text(run_record::BALANCE).contains("cost is at least"));
}
