//! Only a lead's own score changes, and every token is counted.

use super::models::{HostileModel, StubbornModel, TOKENS_OF_CALL, serving};
use super::posts::hostile_posts;
use serde_json::{Map, Value, json};
use shared::schema::{leads, run_record};
use std::collections::BTreeMap;
use tests::{Harvest, Pipeline, post};

/// A lead's row without the parts that differ between runs.
fn essence(row: &Map<String, Value>) -> Value {
    let evaluation: Value = row
        .get(leads::POSTS_EVALUATION)
        .and_then(Value::as_str)
        .map_or(Value::Null, |cell| serde_json::from_str(cell).unwrap());
    json!([row.get(leads::POSTS_SCORE), evaluation, row.get(leads::TOP_POST)])
}

const PLAIN: usize = 30;

fn plain(n: usize) -> (String, String) {
    (format!("plain{n}"), format!("{n} words that want nothing."))
}

/// Scores the plain leads in a separate base, each followed by one of the `hostile` leads, if any.
/// Returns the plain leads' rows, and the run's record.
async fn scored(
    hostile: &[String],
    variables: &[(&'static str, &str)],
) -> (Vec<Map<String, Value>>, Vec<Map<String, Value>>, Map<String, Value>) {
    let pipeline = Pipeline::start_with(variables).await;
    let (mut names, mut items) = (Vec::new(), Vec::new());
    let (mut plains, mut hostiles) = (Vec::new(), Vec::new());
    for n in 0..PLAIN.max(hostile.len()) {
        if n < PLAIN {
            let (name, words) = plain(n);
            plains.push(pipeline.add_lead(&name, json!({})));
            items.push(post(&name, 1, &words));
            names.push(name);
        }
        if let Some(text) = hostile.get(n) {
            let name = format!("hostile{n}");
            hostiles.push(pipeline.add_lead(&name, json!({})));
            items.push(post(&name, 1, text));
            names.push(name);
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let apify_run = pipeline.harvest(Harvest::of(&names, items));
    pipeline.run(&apify_run).await;
    let rows = |ids: &[String]| ids.iter().map(|id| pipeline.lead(id)).collect();
    (rows(&plains), rows(&hostiles), pipeline.record())
}

#[tokio::test]
async fn hostile_posts_move_no_row_but_their_own() {
    let hostile = hostile_posts();
    assert!(hostile.len() >= 40);
    let (alone, ..) = scored(&[], &[]).await;
    let (together, own, record) = scored(&hostile, &[]).await;
    for (n, (alone, together)) in alone.iter().zip(&together).enumerate() {
        assert_eq!(essence(alone), essence(together), "plain lead {n}");
    }
    // No cell has room for the post of 100,000 characters, so it is left out with a note.
    let leads = (PLAIN + hostile.len()) as u64;
    assert_eq!(record[run_record::POSTS_HARVESTED], leads);
    assert_eq!(record[run_record::POSTS_EXAMINED], record[run_record::POSTS_SCORED]);
    assert!(record[run_record::POSTS_SCORED].as_u64().unwrap() >= leads - 3);
    assert_eq!(record[run_record::BALANCE], "balanced");
    assert_eq!(record[run_record::STATUS], "Completed");
    for row in &own {
        let score = row.get(leads::POSTS_SCORE).and_then(Value::as_u64);
        assert!(score.is_none_or(|score| score <= 100));
        let evaluation: Value = row
            .get(leads::POSTS_EVALUATION)
            .map_or(json!([]), |cell| serde_json::from_str(cell.as_str().unwrap()).unwrap());
        assert!(evaluation.as_array().unwrap().len() <= 1, "one answer for one post");
    }
}

#[tokio::test]
async fn whatever_a_model_answers_each_row_holds_its_own_score_and_every_token_is_counted() {
    let (model, url) = serving(HostileModel::default()).await;
    let hostile: Vec<String> =
        hostile_posts().into_iter().filter(|text| text.len() < 5_000).collect();
    let (rows, own, record) = scored(&hostile, &[("GEMINI_API_URL", &url)]).await;

    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row.get(leads::POSTS_SCORE), Some(&json!(n)), "plain lead {n}");
        let evaluation: Value =
            serde_json::from_str(row[leads::POSTS_EVALUATION].as_str().unwrap()).unwrap();
        assert_eq!(evaluation.as_array().unwrap().len(), 1);
    }
    let all = (rows.len() + own.len()) as u64;
    assert_eq!(record[run_record::POSTS_EXAMINED], all);
    assert_eq!(record[run_record::POSTS_SCORED], all);
    assert_eq!(record[run_record::BALANCE], "balanced");
    let calls: u64 = model.requests().iter().map(|count| count.count).sum();
    assert_eq!(record[run_record::POST_TOKENS], calls * TOKENS_OF_CALL);
    let by_lead: u64 =
        rows.iter().chain(&own).map(|row| row[leads::POST_SCORING_TOKENS].as_u64().unwrap()).sum();
    assert_eq!(by_lead, calls * TOKENS_OF_CALL, "the leads' parts add up to the whole");
    let mut scores: BTreeMap<String, usize> = BTreeMap::new();
    for row in &own {
        *scores.entry(row[leads::POSTS_SCORE].to_string()).or_default() += 1;
    }
    assert!(!scores.contains_key("99") && !scores.contains_key("100"), "{scores:?}");
}

#[tokio::test]
async fn a_call_is_never_repeated_as_it_was_and_a_missing_lead_is_asked_again_alone_once() {
    let (model, url) = serving(StubbornModel::default()).await;
    let variables = [("GEMINI_API_URL", url.as_str()), ("LEADS_PER_CALL", "8"), ("LANES", "1")];
    let pipeline = Pipeline::start_with(&variables).await;
    let texts = ["a", "b", "cut c", "d", "e", "f", "omit g", "h"];
    let (ids, apify_run) = pipeline.harvest_of_many(&texts.map(str::to_owned));
    pipeline.run(&apify_run).await;

    let asked = model.service().0.asked.lock().unwrap().clone();
    let mut distinct = asked.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), asked.len(), "{asked:?}");
    let alone = |text: &str| asked.iter().filter(|texts| *texts == &[text.to_owned()]).count();
    assert_eq!((alone("cut c"), alone("omit g")), (1, 1));
    let about = |text: &str| asked.iter().filter(|of| of.iter().any(|own| own == text)).count();
    assert_eq!(about("omit g"), 3, "with all, with its half, alone: {asked:?}");
    assert_eq!(about("cut c"), 3, "8, 3 and, after two useless answers, 1: {asked:?}");
    assert_eq!((about("a"), about("b")), (1, 1), "they were answered before the cut: {asked:?}");
    for (id, text) in ids.iter().zip(texts) {
        let is_scored = pipeline.lead(id).contains_key(leads::POSTS_SCORE);
        assert_eq!(is_scored, !text.contains("cut") && !text.contains("omit"), "{text}");
    }
    let record = pipeline.record();
    assert_eq!(record[run_record::POST_TOKENS], TOKENS_OF_CALL * asked.len() as u64);
    pipeline.assert_shows(
        run_record::ERROR_DETAILS,
        "2 leads, unusable answer of the model (AI_RESPONSE_FORMAT):",
    );
}
