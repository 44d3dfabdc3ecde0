//! The usage that an answer reports, and its cost.

use super::played::{SCORED, of_steps, played, told, with_usage};
use super::stage::{Stage, case};
use crate::fake_gemini::Case;
use serde_json::{Value, json};
use shared::schema::run_record;

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
    let spent = "Model: at least $0.001140, 3,800 tokens for posts (3,800 of unknown kind).";
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
async fn answers_of_unknown_usage_count_against_a_limit_with_the_most_they_can_have_used() {
    const LIMIT: u64 = 20_000;
    let case = Case { leads: 50, ..of_steps(&json!([{"raw": with_usage("null")}])) };
    let mut stage = Stage::set(case);
    stage.limit(LIMIT);
    stage.begin().await;
    stage.ends(1).await;
    // Each has room for an answer of at least 4,496 tokens.
    let calls = stage.calls().len() as u64;
    assert!((1..=LIMIT / 4_496 + 2).contains(&calls), "{calls} calls");
    let notes = stage.text(run_record::SYSTEM_NOTES);
    assert!(notes.contains("the token limit of the run is reached"), "{notes}");
    assert!(stage.text(run_record::BALANCE).contains("cost is at least"));
}
