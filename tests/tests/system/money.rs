//! The cost of a run, and what the record says about it.

use serde_json::{Value, json};
use shared::core::counted::grouped;
use shared::core::prices::{self, Terms};
use shared::core::tokens::{NanoUsd, Surface, Tier};
use shared::schema::{post_attributes, post_instructions, run_record};
use simulators::gemini::{BilledAnswer, ServedTier};
use tests::{CLIENT_BASE, Pipeline};

const COMPLETED: &str = "Completed: 3 harvested, 3 examined, 3 scored; balanced";
const LITE: &str = "gemini-3.5-flash-lite";

/// A pipeline with these variables and a harvest of three posts of two leads. Each lead gets a
/// separate call.
async fn with_harvest(variables: &[(&'static str, &str)]) -> (Pipeline, String) {
    let pipeline = Pipeline::start_with(&[variables, &[("LEADS_PER_CALL", "1")]].concat()).await;
    let apify_run = pipeline.two_leads();
    (pipeline, apify_run)
}

/// What Google charges for an answer.
fn charged(answer: &BilledAnswer) -> u64 {
    let usage = shared::core::tokens::TokenUsage {
        prompt: answer.usage.prompt,
        cached: answer.usage.cached,
        output: answer.usage.output,
        thoughts: answer.usage.thoughts,
        tool: answer.usage.tool,
        unsplit: 0,
        total: answer.usage.total,
    };
    let tier = match answer.tier {
        ServedTier::Standard => Tier::Standard,
        ServedTier::Flex => Tier::Flex,
        ServedTier::Priority => Tier::Priority,
    };
    let terms = Terms { surface: Surface::Developer, tier, at: answer.at };
    prices::cost(&answer.model, terms, &usage).expect("a model with a price").0
}

/// The tiers and models that served the calls, in order.
fn served(pipeline: &Pipeline) -> Vec<(ServedTier, String)> {
    let mut served: Vec<_> = billed(pipeline).into_iter().map(|it| (it.tier, it.model)).collect();
    served.sort_by_key(|(tier, _)| format!("{tier:?}"));
    served
}

fn billed(pipeline: &Pipeline) -> Vec<BilledAnswer> {
    pipeline.services.gemini.service().billed()
}

/// Checks that the record's cost is Google's charge for all answers, to the billionth of a dollar.
fn assert_cost_is_charged(pipeline: &Pipeline) {
    let charged = NanoUsd(billed(pipeline).iter().map(charged).sum());
    assert!(charged > NanoUsd(0));
    assert_eq!(pipeline.record()[run_record::AI_COST], charged.as_usd());
    assert_eq!(pipeline.record()[run_record::POST_TOKENS], pipeline.billed_tokens());
}

fn assert_noted(pipeline: &Pipeline, line: &str) {
    let record = pipeline.record();
    let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap_or_default();
    assert!(notes.lines().any(|known| known == line), "{line:?} is not in:\n{notes}");
}

#[tokio::test]
async fn the_cost_on_the_record_is_what_all_answers_cost() {
    let (pipeline, apify_run) = with_harvest(&[]).await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    assert_cost_is_charged(&pipeline);
    assert_noted(&pipeline, &format!("Answered by {LITE}."));
}

#[tokio::test]
async fn flex_is_billed_as_flex_and_the_record_says_so() {
    let (pipeline, apify_run) = with_harvest(&[("GEMINI_TIER", "flex")]).await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    assert_eq!(served(&pipeline), vec![(ServedTier::Flex, LITE.to_owned()); 2]);
    assert_cost_is_charged(&pipeline);
    assert_noted(&pipeline, "Served: 2 answers at the tier flex.");
}

#[tokio::test]
async fn what_flex_does_not_serve_in_time_is_served_as_standard() {
    for fault in ["unavailable", "too_many_requests"] {
        let (pipeline, apify_run) = with_harvest(&[("GEMINI_TIER", "flex")]).await;
        // Two calls in the first round and one in the second.
        let rule = json!({"fault": fault, "next": 3, "kind": "generate_flex"});
        pipeline.break_gemini(&rule);
        pipeline.run(&apify_run).await;
        assert_eq!(pipeline.told(), COMPLETED, "{fault}");
        let tiers = [ServedTier::Flex, ServedTier::Standard].map(|tier| (tier, LITE.to_owned()));
        assert_eq!(served(&pipeline), tiers, "{fault}");
        assert_cost_is_charged(&pipeline);
        assert_noted(
            &pipeline,
            "Served: 1 answer at the tier standard and 1 answer at the tier flex.",
        );
    }
}

#[tokio::test]
async fn a_model_that_answers_for_another_is_noted_and_its_own_price_counts() {
    let (pipeline, apify_run) = with_harvest(&[]).await;
    pipeline.services.gemini.service().stand_in(LITE, "gemini-3.8-flash");
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    assert_cost_is_charged(&pipeline);
    assert_noted(&pipeline, "Answered by gemini-3.8-flash.");
    assert_noted(
        &pipeline,
        "Model gemini-3.5-flash-lite was asked, and gemini-3.8-flash answered: its price counts. \
         Check GEMINI_MODEL.",
    );
}

#[tokio::test]
async fn a_model_without_a_price_counts_its_tokens_and_says_that_its_cost_is_missing() {
    let (pipeline, apify_run) = with_harvest(&[]).await;
    pipeline.services.gemini.service().stand_in(LITE, "gemini-9-unheard-of");
    pipeline.run(&apify_run).await;
    assert_eq!(
        pipeline.told(),
        "Completed: 3 harvested, 3 examined, 3 scored; cost is at least $0.000000: 2 answers \
         without a price"
    );
    assert_eq!(pipeline.record()[run_record::POST_TOKENS], pipeline.billed_tokens());
    assert_noted(
        &pipeline,
        "- Model gemini-9-unheard-of has no price here: its tokens are counted, but the cost does \
         not include them. Add the model's price and deploy.",
    );
}

/// The model caches the start of a prompt that it saw before, if it is the same byte for byte.
#[tokio::test]
async fn the_rules_are_the_same_to_the_byte_for_all_leads_and_chunks_of_a_plan() {
    let pipeline = Pipeline::start().await;
    let rows: [(&str, Value); 2] = [
        (
            post_instructions::TABLE,
            json!({post_instructions::COMPONENT_ID: "LONG", post_instructions::SORT_ORDER: 4,
                post_instructions::TEXT: "A rule that goes on. ".repeat(900)}),
        ),
        (
            post_attributes::TABLE,
            json!({post_attributes::ID: "B", post_attributes::NAME: "Sells",
                post_attributes::CATEGORY: post_attributes::NEGATIVE,
                post_attributes::MAX_SCORE: -10, post_attributes::ACTIVE: true}),
        ),
    ];
    for (table, row) in rows {
        pipeline.insert(CLIENT_BASE, table, row);
    }
    let (_, apify_run) = pipeline.harvest_of_many(&vec!["We shipped it.".to_owned(); 60]);
    pipeline.run(&apify_run).await;

    assert_eq!(pipeline.told(), "Completed: 60 harvested, 60 examined, 60 scored; balanced");
    let answers = billed(&pipeline);
    let uncached = answers.iter().filter(|answer| answer.usage.cached == 0).count();
    assert_eq!((answers.len() > 1, uncached), (true, 1), "only the first one is not cached");
    assert_cost_is_charged(&pipeline);
    let record = pipeline.record();
    let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap_or_default();
    let line = notes.lines().find(|line| line.starts_with("Model: ")).unwrap_or_default();
    let cached: u64 = answers.iter().map(|answer| answer.usage.cached).sum();
    let prompt: u64 = answers.iter().map(|answer| answer.usage.prompt).sum();
    let share = cached * 100 / prompt;
    let (cached, prompt) = (grouped(cached), grouped(prompt));
    let share = format!("{prompt} prompt of which {cached} cached ({share} %)");
    assert!(line.contains(&share), "{share:?} is not in {line:?}");
}
