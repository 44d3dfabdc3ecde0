//! What answers cost, shown with example runs.

use super::*;
use crate::core::tokens::Tier;

/// A run of one lead with these answers to its calls.
fn answered_by(answers: &[(TokenUsage, &str, Served)]) -> Story {
    let only = attempt(0, 1);
    let outcomes: Vec<CallOutcome> = answers
        .iter()
        .map(|(usage, model, served)| CallOutcome::Answered {
            usage: *usage,
            model: (*model).to_owned(),
            served: served.clone(),
        })
        .collect();
    let calls = u32::try_from(outcomes.len()).unwrap();
    Story::new().opened().planned(&[&[1]]).announced(&only, calls).billed(&only, &outcomes)
}

#[test]
fn a_model_or_a_tier_without_a_price_is_named_and_its_tokens_count() {
    let usage = TokenUsage { prompt: 5, total: 5, ..TokenUsage::default() };
    let priority = Served { tier: Tier::Priority, ..Served::default() };
    let answers = [
        (usage, "gemini-9", Served::default()),
        (usage, MODEL, priority),
        (usage, MODEL, Served::default()),
    ];
    let summary = answered_by(&answers).summary();
    assert_eq!((summary.posts.tokens.total, summary.ai_cost), (15, NanoUsd(5 * 300)));
    assert_eq!(summary.posts.unpriced, 2);
    assert_eq!(summary.tiers, [(Tier::Standard, 2), (Tier::Priority, 1)].into());
    let names: Vec<&str> = summary.unpriced_models.iter().map(String::as_str).collect();
    assert_eq!(names, [&format!("{MODEL} at the tier priority"), "gemini-9"]);
}

#[test]
fn an_answer_costs_what_its_model_tier_and_moment_cost() {
    let usage = TokenUsage { prompt: 1_000, cached: 400, thoughts: 10, ..TokenUsage::default() };
    let cost = |model: &str, tier, at: &str| {
        let at = Some(at.parse().unwrap());
        answered_by(&[(usage, model, Served { tier, at, ..Served::default() })]).summary().ai_cost.0
    };
    let (eve, december) = ("2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z");
    let argon = "gemini-4-argon";
    assert_eq!(cost(argon, Tier::Standard, eve), 600 * 2_000 + 400 * 100 + 10 * 10_000);
    assert_eq!(cost(argon, Tier::Standard, december), 600 * 4_000 + 400 * 200 + 10 * 20_000);
    let (last, year) = ("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z");
    let flash = "gemini-3.8-flash";
    assert_eq!(cost(flash, Tier::Standard, last), 600 * 750 + 400 * 75 + 10 * 3_750);
    assert_eq!(cost(flash, Tier::Standard, year), 600 * 1_500 + 400 * 150 + 10 * 7_500);
    assert_eq!(cost(flash, Tier::Flex, year), (600 * 1_500 + 400 * 150 + 10 * 7_500) / 2);
}

#[test]
fn an_answer_of_a_fact_without_its_moment_is_priced_at_the_time_of_the_report() {
    let usage = TokenUsage { prompt: 1_000, ..TokenUsage::default() };
    let mut story = answered_by(&[(usage, "gemini-4-argon", Served::default())]);
    assert_eq!(story.summary().ai_cost, NanoUsd(2_000_000));
    story.events.last_mut().unwrap().at = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(story.summary().ai_cost, NanoUsd(4_000_000));
}

#[test]
fn what_was_billed_and_reported_by_an_earlier_release_keeps_its_id_and_its_cost() {
    let call =
        r#"{"call":0,"outcome":"answered","usage":{"prompt":1000},"model":"gemini-3.8-flash"}"#;
    let call: BilledCall = serde_json::from_str(call).unwrap();
    let CallOutcome::Answered { served, .. } = &call.outcome else { panic!("{call:?}") };
    assert_eq!(*served, Served::default());
    assert!(!serde_json::to_string(&call).unwrap().contains("served"));
    let flex = r#"{"call":0,"outcome":"answered","usage":{"prompt":1000},"model":"m","served":{"tier":"of_2031"}}"#;
    let call: BilledCall = serde_json::from_str(flex).unwrap();
    let CallOutcome::Answered { served, .. } = &call.outcome else { panic!("{call:?}") };
    assert_eq!(served.tier, Tier::Unknown, "a tier of a later release");
}

#[test]
fn a_model_that_answers_for_another_is_told_with_both_names() {
    let usage = TokenUsage { prompt: 5, total: 5, ..TokenUsage::default() };
    let served = Served { asked: Some("gemini-2.5-flash".to_owned()), ..Served::default() };
    let summary = answered_by(&[(usage, MODEL, served)]).summary();
    let told = ("gemini-2.5-flash".to_owned(), MODEL.to_owned());
    assert_eq!(summary.rerouted.into_iter().collect::<Vec<_>>(), [told]);
    assert_eq!(summary.ai_cost, NanoUsd(5 * 300), "at the price of the one that answered");
}
