//! Refusals: of a text, of settings, of everybody.

use super::played::{SCORED, error_of, of_steps, played, steps, told, with_usage};
use super::stage::{Stage, case};
use crate::fake_gemini::Case;
use serde_json::json;
use shared::schema::{leads, run_record};
use std::time::Duration;

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
async fn a_page_that_forbids_one_leads_text_costs_that_lead() {
    let page = "<html><h1>403 Forbidden</h1></html>";
    let forbidden = json!({"status": 403, "raw": page, "bill": {}, "if_text": "lead 2:"});
    let stage = played(of_steps(&json!([forbidden, {}]))).await;
    let status = "Completed with Errors: 5 harvested, 4 examined, 4 scored; balanced";
    assert_eq!(told(&stage), status);
    stage.assert_exact();
    assert!(error_of(&stage.leads()[2]).contains("MODEL_REFUSED"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_long_for_the_model_is_divided() {
    let error =
        r#"{"error":{"code":504,"message":"The deadline expired.","status":"DEADLINE_EXCEEDED"}}"#;
    let too_long = json!({"status": 504, "raw": error, "bill": {}, "if_posts_over": 2});
    let case = Case { leads: 10, ..of_steps(&json!([too_long, {}])) };
    let stage = played(case).await;
    assert_eq!(told(&stage), "Completed: 10 harvested, 10 examined, 10 scored; balanced");
    stage.assert_exact();
    assert!(stage.calls().len() <= 12, "each lead is asked about four times at most");
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
async fn scoring_continues_when_the_model_is_back_although_it_does_not_say_what_was_used() {
    let depleted = r#"{"error":{"code":402,"message":"Your prepayment credits are depleted.","status":"RESOURCE_EXHAUSTED"}}"#;
    let mut stage = Stage::set(of_steps(&json!([{"status": 402, "raw": depleted, "bill": {}}])));
    stage.begin().await;
    tokio::time::sleep(Duration::from_mins(9)).await;
    stage.gemini().answer(steps(&json!([{"raw": with_usage("null")}])));
    stage.ends(1).await;
    let told = told(&stage);
    assert!(
        told.starts_with("Completed: 5 harvested, 5 examined, 5 scored; post tokens: "),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn with_a_key_that_was_leaked_or_has_expired_the_record_says_replace_the_key() {
    for (status, name, message) in [
        (403, "DENIED", "Your API key was reported as leaked. Please use another API key."),
        (403, "PERMISSION_DENIED", "Consumer 'projects/1' has been suspended."),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        (400, "DENIED", "API key expired. Please renew the API key."),
    ] {
        let error = json!({"error": {"code": status, "message": message, "status": name}});
        let step = json!([{"status": status, "raw": error.to_string(), "bill": {}}]);
        halted(of_steps(&step), "replace the key").await;
    }
}
