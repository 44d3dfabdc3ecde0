//! Failed or missing profiles are scored again when a person ticks `Retry`: only these, in the same
//! run, and the usage of every attempt is counted.

use serde_json::{Value, json};
use shared::core::digest::{id_of, short_id_of};
use shared::core::ids::{LeadKey, PlanId};
use shared::messages::{Fact, Kind, Opened, OpenedBy, Planned, PlannedChunk, PlannedLead, routes};
use shared::ports::{OutgoingMessage, Queue, QueueName};
use shared::schema::{clients, leads, profile_attributes, run_record};
use simulators::gemini::Marker;
use tests::{CLIENT, CLIENT_BASE, Pipeline, profile_of};

const ABOUT: &str = "Runs operations at a company of eighty people and decides about tools.";

/// A profile for which the model gives no usable answer.
fn spoilt(by: Marker) -> Value {
    profile_of(&format!("{ABOUT} {}", by.text()))
}

/// Corrects a lead's profile, and leaves the row's status as it is.
fn mend(pipeline: &Pipeline, lead: &str) {
    let profile = profile_of(ABOUT)[leads::RAW_PROFILE].clone();
    pipeline.edit_lead(lead, &json!({leads::RAW_PROFILE: profile}));
}

/// Requests scoring of a client's waiting profiles.
async fn score(pipeline: &Pipeline, client: &str) {
    let body = json!({"clientId": client, "kind": "profile"});
    assert_eq!(pipeline.post("/runs", &body.to_string()).await.0, 202);
    pipeline.settle().await;
}

/// The profiles of the only run record, in an operator's summary.
fn told(pipeline: &Pipeline) -> String {
    let record = pipeline.record();
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    format!(
        "{}: {} examined, {} scored; {}",
        text(run_record::STATUS),
        record[run_record::PROFILES_EXAMINED],
        record[run_record::PROFILES_SCORED],
        text(run_record::BALANCE),
    )
}

fn notes(pipeline: &Pipeline) -> String {
    pipeline.record()[run_record::SYSTEM_NOTES].as_str().unwrap().to_owned()
}

fn status(pipeline: &Pipeline, lead: &str) -> String {
    pipeline.lead(lead)[leads::SCORING_STATUS].as_str().unwrap().to_owned()
}

fn calls(pipeline: &Pipeline) -> usize {
    pipeline.services.gemini.service().billed().len()
}

#[tokio::test]
async fn profiles_that_failed_are_scored_by_retry_whatever_their_status_and_no_other_is() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0"), ("LANES", "1")]).await;
    let jane = pipeline.add_lead("jane", profile_of(ABOUT));
    let wordy = pipeline.add_lead("wordy", spoilt(Marker::Prose));
    let blocked = pipeline.add_lead("blocked", spoilt(Marker::SafetyBlock));
    score(&pipeline, CLIENT).await;
    assert_eq!(told(&pipeline), "Completed with Errors: 3 examined, 1 scored; balanced");
    assert_eq!(status(&pipeline, &wordy), leads::PARSE_ERROR);
    assert_eq!(status(&pipeline, &blocked), leads::API_ERROR);
    let (scored, first, asked) = (pipeline.lead(&jane), pipeline.billed_tokens(), calls(&pipeline));

    for lead in [&wordy, &blocked] {
        mend(&pipeline, lead);
    }
    pipeline.retry().await;

    assert_eq!(told(&pipeline), "Completed: 3 examined, 3 scored; balanced");
    let note = notes(&pipeline);
    assert!(note.contains("queued again: 2 leads."), "{note}");
    assert!([&wordy, &blocked].map(|lead| status(&pipeline, lead)) == [leads::SCORED; 2]);
    assert_eq!(calls(&pipeline), asked + 1, "one call about both");
    assert_eq!(pipeline.lead(&jane), scored, "and none about jane");
    assert!(pipeline.billed_tokens() > first);
    let counted = &pipeline.record()[run_record::PROFILE_TOKENS];
    assert_eq!(*counted, pipeline.billed_tokens(), "both tries' cost counts");
}

#[tokio::test]
async fn a_profile_that_fails_in_the_replay_too_is_left_as_it_is_until_the_next_one() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let cut = pipeline.add_lead("cut", spoilt(Marker::Truncate));
    score(&pipeline, CLIENT).await;
    for tries in 2..=3 {
        pipeline.retry().await;
        assert_eq!(told(&pipeline), "Failed: 1 examined, 0 scored; balanced");
        // Each plan asks again twice, with more room.
        assert_eq!(
            (status(&pipeline, &cut).as_str(), calls(&pipeline)),
            (leads::PARSE_ERROR, 3 * tries)
        );
    }
    let breakdown = pipeline.lead(&cut)[leads::AI_BREAKDOWN].as_str().unwrap().to_owned();
    assert_eq!(breakdown.matches("Failed in run ").count(), 1, "the last one only: {breakdown}");
    mend(&pipeline, &cut);
    pipeline.retry().await;
    assert_eq!(told(&pipeline), "Completed: 1 examined, 1 scored; balanced");
    assert_eq!(pipeline.record()[run_record::PROFILE_TOKENS], pipeline.billed_tokens());
}

#[tokio::test]
async fn a_profile_that_another_run_has_scored_since_is_not_scored_again() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let cut = pipeline.add_lead("cut", spoilt(Marker::Truncate));
    score(&pipeline, CLIENT).await;
    let asked = calls(&pipeline);
    pipeline.edit_lead(&cut, &json!({leads::SCORING_STATUS: leads::SCORED}));
    pipeline.retry().await;
    assert_eq!(told(&pipeline), "Completed: 1 examined, 0 scored; balanced");
    assert_eq!(calls(&pipeline), asked);
}

#[tokio::test]
async fn profiles_of_a_client_without_post_scoring_are_replayed_too() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let cut = pipeline.add_lead("cut", spoilt(Marker::Truncate));
    score(&pipeline, "Basic-Client").await;
    mend(&pipeline, &cut);
    pipeline.retry().await;
    assert_eq!(told(&pipeline), "Completed: 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn failed_profiles_that_no_tokens_are_left_for_wait_for_the_next_run() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let cut = pipeline.add_lead("cut", spoilt(Marker::Truncate));
    score(&pipeline, CLIENT).await;
    let asked = calls(&pipeline);
    pipeline.edit_client(&json!({clients::PROFILE_TOKEN_LIMIT: pipeline.billed_tokens()}));
    pipeline.retry().await;
    assert_eq!(told(&pipeline), "Completed: 1 examined, 0 scored; balanced");
    let note = notes(&pipeline);
    assert!(note.contains("1 lead waits: the token limit of the run is reached"), "{note}");
    assert_eq!((status(&pipeline, &cut).as_str(), calls(&pipeline)), (leads::TO_BE_SCORED, asked));
}

fn plan(name: &str) -> PlanId {
    id_of(&[name]).parse().unwrap()
}

fn key(lead: &str) -> LeadKey {
    short_id_of(&[lead]).parse().unwrap()
}

/// A run that will score profiles in these plans with these chunks. All are planned.
fn opened(plans: &[(&str, &[&[&str]])]) -> Vec<Fact> {
    let (kind, whole) = (Kind::Profile, plan("whole"));
    let planned = |name: &str, chunks, part_of| {
        Fact::Planned(Planned {
            plan: plan(name),
            kind,
            chunks,
            part_of,
            replaces: None,
            leads_table: None,
        })
    };
    let by = OpenedBy::ScoreWaiting { kind, plan: whole.clone() };
    let mut facts = vec![Fact::Opened(Opened { by })];
    for (name, chunks) in plans {
        let mut count = 0;
        for rows in *chunks {
            let leads = rows.iter().map(|row| PlannedLead {
                lead: key(row),
                posts: 0,
                record: row.parse().ok(),
                profile: None,
                left_out: 0,
            });
            let leads = leads.collect();
            let chunk = PlannedChunk { plan: plan(name), kind, chunk: count, leads };
            facts.push(Fact::PlannedChunk(chunk));
            count += 1;
        }
        facts.push(planned(name, count, Some(whole.clone())));
    }
    facts.push(planned("whole", 0, None));
    facts
}

/// The first chunk of the plan `part`, with the leads of these rows.
fn first_chunk(rows: &[&str]) -> OutgoingMessage {
    let leads: Vec<Value> =
        rows.iter().map(|row| json!({"key": key(row), "lead": {"record": row}})).collect();
    let body = json!({"version": 1, "type": "chunk", "index": 0, "of": 2, "kind": "profile",
        "run": {"base_run": "261123-094519", "client": CLIENT, "client_name": "Guy Wilson",
            "run_type": "standalone", "opened_at": "2026-11-23T09:45:19Z"},
        "plan": plan("part"), "base": CLIENT_BASE, "source": "waiting",
        "rubric": "You assess profiles.", "profile_fields": [leads::RAW_PROFILE],
        "attributes": [{"id": "A", "label": profile_attributes::HEADING, "max": 40.0,
            "negative": false, "bonus": false}],
        "writable": leads::PROFILE_FIELDS.iter().map(|field| field.name).collect::<Vec<_>>(),
        "leads": leads});
    let group = routes::chunk_group(&CLIENT_BASE.parse().unwrap(), 0);
    routes::verbatim(&group, "the-first-chunk", &body.to_string())
}

#[tokio::test]
async fn a_run_whose_chunk_of_profiles_is_lost_is_completed_by_retry() {
    let variables = [("PROJECT_SECONDS", "0"), ("STALL_MINUTES", "0"), ("LANES", "1")];
    let pipeline = Pipeline::start_with(&variables).await;
    let [jane, max, eve] = ["jane", "max", "eve"].map(|l| pipeline.add_lead(l, profile_of(ABOUT)));
    // After the first tick.
    pipeline.tick().await;
    pipeline.report(opened(&[("part", &[&[&jane], &[&max, &eve]])])).await;
    pipeline.system.queue.send(QueueName::Scoring, vec![first_chunk(&[&jane])]).await.unwrap();
    pipeline.settle().await;
    // The second chunk never comes.
    pipeline.tick().await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Stalled");
    assert!(notes(&pipeline).contains("Still missing: chunk 2 of 2."), "{}", notes(&pipeline));
    let (scored, first, asked) = (pipeline.lead(&jane), pipeline.billed_tokens(), calls(&pipeline));

    pipeline.retry().await;

    assert_eq!(told(&pipeline), "Completed: 3 examined, 3 scored; balanced");
    assert!([&max, &eve].map(|lead| status(&pipeline, lead)) == [leads::SCORED; 2]);
    assert_eq!((calls(&pipeline), pipeline.lead(&jane)), (asked + 1, scored));
    assert!(first > 0 && pipeline.billed_tokens() > first);
    assert_eq!(pipeline.record()[run_record::PROFILE_TOKENS], pipeline.billed_tokens());
}

#[tokio::test]
async fn a_replay_says_of_how_many_profiles_nobody_knows_the_rows() {
    let variables = [("PROJECT_SECONDS", "0"), ("STALL_MINUTES", "0")];
    let pipeline = Pipeline::start_with(&variables).await;
    let jane = pipeline.add_lead("jane", profile_of(ABOUT));
    pipeline.tick().await;
    pipeline.report(opened(&[("part", &[&[&jane, "a row that is not told of"]])])).await;
    pipeline.tick().await;
    pipeline.retry().await;
    let line = "1 lead cannot be queued again: no row was ever found";
    assert!(notes(&pipeline).contains(line), "{}", notes(&pipeline));
    assert_eq!(status(&pipeline, &jane), leads::SCORED);
}

#[tokio::test]
async fn the_plans_of_a_replay_share_what_the_limit_leaves() {
    let variables = [("PROJECT_SECONDS", "0"), ("STALL_MINUTES", "0")];
    let pipeline = Pipeline::start_with(&variables).await;
    let [jane, max] = ["jane", "max"].map(|lead| pipeline.add_lead(lead, profile_of(ABOUT)));
    pipeline.tick().await;
    pipeline.report(opened(&[("one part", &[&[&jane]]), ("another", &[&[&max]])])).await;
    pipeline.tick().await;
    // Enough for the expected usage of one of the two plans, but not of both.
    pipeline.edit_client(&json!({clients::PROFILE_TOKEN_LIMIT: 3_000}));
    pipeline.retry().await;
    assert_eq!(told(&pipeline), "Completed: 1 examined, 1 scored; balanced");
    let note = notes(&pipeline);
    assert!(note.contains("1 lead waits: the token limit of the run is reached"), "{note}");
}
