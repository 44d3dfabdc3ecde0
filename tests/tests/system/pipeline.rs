//! A webhook in, an exact run record out.

use serde_json::json;
use shared::messages::{Hints, Ingest, Message, ScoringTask, routes};
use shared::ports::{Queue, QueueName};
use shared::schema::{leads, run_record};
use simulators::apify::RunStatus;
use simulators::gemini::Marker;
use tests::{CLIENT, CLIENT_BASE, Harvest, MASTER_BASE, Pipeline, post, profile, told, wordless};

const RUN: &str = "261123-094519-Guy-Wilson";
const FOR_CLIENT: &str = "clientId=Guy-Wilson";

#[tokio::test]
async fn a_harvest_becomes_a_completed_record_with_every_billed_token() {
    let items = vec![post("jane", 1, "We shipped it."), post("jane", 2, "And again.")];
    let (pipeline, [jane], apify_run) = Pipeline::with_posts(["jane"], items).await;

    let (status, body) = pipeline.webhook(&apify_run, FOR_CLIENT).await;
    assert_eq!((status, body), (202, json!({"accepted": true, "apifyRunId": apify_run})));
    pipeline.settle().await;

    assert_eq!(pipeline.told(), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], RUN);
    assert_eq!(record[run_record::CLIENT_ID], CLIENT);
    assert_eq!(record[run_record::APIFY_RUN_ID], apify_run);
    assert_eq!(record[run_record::RUN_TYPE], "Standalone");
    assert_eq!(record[run_record::TARGETS], 1);
    assert_eq!(record[run_record::APIFY_COST], 0.074);
    assert!(pipeline.billed_tokens() > 0);
    assert_eq!(record[run_record::POST_TOKENS], pipeline.billed_tokens());
    let lead = pipeline.lead(&jane);
    assert!(lead[leads::POSTS_SCORE].is_number());
    assert_eq!(lead[leads::POST_SCORING_RUN_ID], RUN);
    assert_eq!(lead[leads::POST_SCORING_TOKENS], pipeline.billed_tokens());
    assert_eq!(lead[leads::POSTS_HARVEST_STATUS], "Done");
    assert!(lead[leads::TOP_POST].as_str().unwrap().starts_with("Date: 2026-11-"));
}

#[tokio::test]
async fn a_record_says_that_a_service_was_simulated() {
    let pipeline = Pipeline::start_with(&[("SIMULATED_SERVICES", "Gemini")]).await;
    let apify_run = pipeline.two_leads();
    pipeline.run(&apify_run).await;
    pipeline.assert_shows(run_record::SYSTEM_NOTES, "Simulated here: Gemini;");
}

#[tokio::test]
async fn a_webhook_delivered_twice_and_again_a_day_later_changes_nothing() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    for _ in 0..2 {
        assert_eq!(pipeline.webhook(&apify_run, FOR_CLIENT).await.0, 202);
    }
    pipeline.settle().await;
    let mut before = pipeline.record();
    let billed = pipeline.billed_tokens();

    // A day later the queue no longer remembers the first message, so chunks are queued and handled
    // again.
    let task = ScoringTask::Ingest(Ingest {
        apify_run_id: apify_run.parse().unwrap(),
        event_type: "ACTOR.RUN.SUCCEEDED".to_owned(),
        hints: Hints { client: Some(CLIENT.parse().unwrap()), ..Hints::default() },
        received_at: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24),
        finished_at: None,
        dispatch_id: None,
        done: None,
    });
    let again = routes::verbatim("plan#Guy-Wilson", "a-day-later", &task.encode());
    pipeline.system.queue.send(QueueName::Scoring, vec![again]).await.unwrap();
    pipeline.settle().await;

    assert_eq!(pipeline.billed_tokens(), billed, "nothing is scored twice");
    let mut after = pipeline.record();
    for text in [run_record::PROGRESS_LOG, run_record::SYSTEM_NOTES] {
        before.remove(text);
        after.remove(text);
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_run_id_that_comes_along_names_the_run_for_this_client() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let query = "testClient=Guy-Wilson&parentRunId=251014-153000-Other-Client";
    pipeline.run_by(&apify_run, query).await;
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], "251014-153000-Guy-Wilson");
    assert_eq!(record[run_record::RUN_TYPE], "Orchestrated");
    assert_eq!(told(&record), "Completed: 3 harvested, 3 examined, 3 scored; balanced");

    // Without the hint, that record names the harvest.
    let (again, _) = pipeline.webhook(&apify_run, "client=Guy-Wilson&x=1").await;
    assert_eq!(again, 202);
    pipeline.settle().await;
    assert_eq!(pipeline.record()[run_record::RUN_TYPE], "Orchestrated");
}

#[tokio::test]
async fn the_table_apify_names_client_and_run_where_the_webhook_does_not() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let row = json!({"Apify Run ID": apify_run, "Client ID": CLIENT, "Run ID": "260101-000000"});
    pipeline.insert(MASTER_BASE, "Apify", row);
    pipeline.run_by(&apify_run, "").await;
    let record = pipeline.record();
    assert_eq!(record[run_record::RUN_ID], "260101-000000-Guy-Wilson");
    assert_eq!(record[run_record::RUN_TYPE], "Orchestrated");
}

#[tokio::test]
async fn a_harvest_of_nobody_who_is_served_leaves_a_failed_record_and_scores_nothing() {
    let nobody = "(unattributed)";
    for (query, client, reason) in [
        ("", nobody, "Neither the webhook nor the table \"Apify\" names a client"),
        ("clientId=Nobody", nobody, "Client \"Nobody\" is not in the table \"Clients\""),
        (
            "clientId=Paused-Client",
            "Paused-Client",
            "Client \"Paused-Client\" has the status \"Paused\" and is not served",
        ),
        (
            "clientId=Basic-Client",
            "Basic-Client",
            "Client \"Basic-Client\" has the service level \"1-Lead scoring\", which has no post scoring",
        ),
    ] {
        let (pipeline, apify_run) = Pipeline::with_harvest().await;
        pipeline.run_by(&apify_run, query).await;
        assert_eq!(pipeline.told(), "Failed: 3 harvested, 0 examined, 0 scored; balanced");
        assert_eq!(pipeline.record()[run_record::CLIENT_ID], client);
        let details = pipeline.text(run_record::ERROR_DETAILS);
        assert!(details.starts_with(reason), "{details}");
        assert_eq!(pipeline.billed_tokens(), 0);
    }
}

/// A worker found that a harvest has no client, and died. If the table then names a client, the
/// next attempt must still not work on another run.
#[tokio::test]
async fn a_harvest_of_nobody_stays_nobodys_in_every_attempt() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let row = json!({"Apify Run ID": apify_run, "Client ID": CLIENT, "Run ID": "260101-000000"});
    pipeline.insert(MASTER_BASE, "Apify", row);
    let hints = Hints { unattributed: Some("nobody's".to_owned()), ..Hints::default() };
    let task = Ingest {
        apify_run_id: apify_run.parse().unwrap(),
        event_type: "ACTOR.RUN.SUCCEEDED".to_owned(),
        hints,
        received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        finished_at: None,
        dispatch_id: None,
        done: None,
    };
    pipeline.system.queue.send(QueueName::Scoring, vec![routes::ingest(task)]).await.unwrap();
    pipeline.settle().await;
    assert_eq!(pipeline.told(), "Failed: 3 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.record()[run_record::CLIENT_ID], "(unattributed)");
    assert_eq!(pipeline.text(run_record::ERROR_DETAILS), "nobody's.");
}

#[tokio::test]
async fn a_run_that_apify_does_not_know_leaves_a_failed_record() {
    let pipeline = Pipeline::start().await;
    pipeline.run_by("HG7ML7M8z78YcAPEB", FOR_CLIENT).await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Failed");
    let details = pipeline.text(run_record::ERROR_DETAILS);
    assert!(details.starts_with("Apify does not know run HG7ML7M8z78YcAPEB"), "{details}");
}

#[tokio::test]
async fn what_a_harvest_that_failed_had_found_is_scored_and_the_record_says_so() {
    for (status, word) in [
        (RunStatus::Failed, "failed"),
        (RunStatus::Aborted, "was aborted"),
        (RunStatus::TimedOut, "timed out"),
    ] {
        let pipeline = Pipeline::start().await;
        pipeline.add_lead("jane", json!({}));
        let max = pipeline.add_lead("max", json!({}));
        let items = vec![post("jane", 1, "We shipped it.")];
        let apify_run =
            pipeline.harvest(Harvest { status, ..Harvest::of(&["jane", "max"], items) });
        pipeline.run(&apify_run).await;
        assert_eq!(
            pipeline.told(),
            "Completed with Errors: 1 harvested, 1 examined, 1 scored; \
             1 of 2 targets unknown: the harvest was cut short"
        );
        pipeline
            .assert_shows(run_record::SYSTEM_NOTES, &format!("{apify_run} {word}. Harvest again"));
        let untried = pipeline.lead(&max);
        assert!(!untried.contains_key(leads::POSTS_HARVEST_STATUS), "max may have posts");
    }
}

#[tokio::test]
async fn a_harvest_that_failed_with_nothing_fails_the_run() {
    let pipeline = Pipeline::start().await;
    let harvest = Harvest { status: RunStatus::Failed, ..Harvest::of(&["jane"], vec![]) };
    let apify_run = pipeline.harvest(harvest);
    pipeline.run(&apify_run).await;
    assert_eq!(
        pipeline.told(),
        "Failed: 0 harvested, 0 examined, 0 scored; \
         1 of 1 target unknown: the harvest was cut short"
    );
}

#[tokio::test]
async fn blocked_and_truncated_answers_are_billed_and_named() {
    let items = vec![
        post("blocked", 1, &format!("Some words {}", Marker::SafetyBlock.text())),
        post("cut", 1, &format!("More words {}", Marker::Truncate.text())),
        post("fine", 1, "Fine words"),
    ];
    let (pipeline, [blocked, cut, _], apify_run) =
        Pipeline::with_posts(["blocked", "cut", "fine"], items).await;
    pipeline.run(&apify_run).await;
    pipeline.assert_exact("Completed with Errors: 3 harvested, 3 examined, 1 scored; balanced");
    for line in [
        "1 lead, safety filter of the model (SAFETY_BLOCK):",
        "1 lead, unusable answer of the model (AI_RESPONSE_FORMAT):",
    ] {
        pipeline.assert_shows(run_record::ERROR_DETAILS, line);
    }
    assert!(pipeline.lead(&blocked).contains_key(leads::DATE_POSTS_SCORED), "it would block again");
    assert!(!pipeline.lead(&cut).contains_key(leads::DATE_POSTS_SCORED), "it is tried again");
    let evaluation = pipeline.lead(&cut)[leads::POSTS_EVALUATION].to_string();
    assert!(evaluation.contains("AI_RESPONSE_FORMAT"), "{evaluation}");
}

#[tokio::test]
async fn answers_that_are_no_results_are_not_taken_for_any() {
    for (marker, status, scored) in [
        (Marker::Prose, "Failed", 0),
        (Marker::WrongShape, "Failed", 0),
        (Marker::MissPost, "Completed", 1),
        (Marker::ScoreOutOfRange, "Completed", 1),
        (Marker::StrangerPost, "Completed", 2),
        (Marker::PartialSafety, "Failed", 0),
        // The answer is complete, so the paid answer is used.
        (Marker::UnknownFinish, "Completed", 2),
    ] {
        println!("{marker:?}");
        let items =
            vec![post("jane", 1, &format!("Words {}", marker.text())), post("jane", 2, "More")];
        let (pipeline, _, apify_run) = Pipeline::with_posts(["jane"], items).await;
        pipeline.run(&apify_run).await;
        pipeline
            .assert_exact(&format!("{status}: 2 harvested, 2 examined, {scored} scored; balanced"));
    }
}

#[tokio::test]
async fn a_lead_without_words_is_skipped_and_costs_nothing() {
    let items = vec![wordless("jane", 1)];
    let (pipeline, [_, empty], apify_run) = Pipeline::with_posts(["jane", "max"], items).await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 0 examined, 0 scored; balanced");
    assert_eq!(pipeline.billed_tokens(), 0);
    assert_eq!(pipeline.lead(&empty)[leads::POSTS_HARVEST_STATUS], "No Posts");
}

#[tokio::test]
async fn posts_of_a_profile_that_is_no_lead_are_counted_as_unmatched() {
    let pipeline = Pipeline::start().await;
    pipeline.add_lead("jane", json!({}));
    let items = vec![post("jane", 1, "Hello."), post("stranger", 1, "Who?")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "stranger"], items));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 2 harvested, 1 examined, 1 scored; balanced");
    pipeline
        .assert_shows(run_record::SYSTEM_NOTES, "1 harvested profile is not a lead of this client");
}

#[tokio::test]
async fn a_lead_is_found_whichever_way_its_url_is_written() {
    let pipeline = Pipeline::start().await;
    let spellings = [
        "http://LinkedIn.com/in/Jos%C3%A9-Garc%C3%ADa?trk=x",
        "https://au.linkedin.com/in/zoë/recent-activity/all/",
        "linkedin.com/in/plain",
    ];
    for url in spellings {
        pipeline.insert(CLIENT_BASE, leads::TABLE, json!({leads::PROFILE_URL: url}));
    }
    let targets = ["josé-garcía", "ZO%C3%8B", "plain"];
    let mut harvest = Harvest::of(&targets, vec![]);
    for (n, target) in targets.iter().enumerate() {
        let mut item = post(&format!("p{n}"), 1, "Words.");
        item["query"]["targetUrl"] = json!(profile(target));
        harvest.items.push(item);
    }
    let apify_run = pipeline.harvest(harvest);
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 3 harvested, 3 examined, 3 scored; balanced");
}

#[tokio::test]
async fn posts_content_is_merged_and_never_lost() {
    let old =
        r#"[{"postUrl":"https://www.linkedin.com/posts/old","postContent":"Old words.","mine":1}]"#;
    let pipeline = Pipeline::start().await;
    let merged = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: old}));
    let prose = pipeline.add_lead("max", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let apify_run = pipeline.harvest(Harvest::of(
        &["jane", "max"],
        vec![post("jane", 1, "New."), post("max", 1, "New.")],
    ));
    pipeline.run(&apify_run).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 2 harvested, 2 examined, 2 scored; balanced"
    );
    let content = pipeline.lead(&merged)[leads::POSTS_CONTENT].as_str().unwrap().to_owned();
    assert!(
        content.contains("posts/old") && content.contains("\"mine\":1") && content.contains("New.")
    );
    assert_eq!(pipeline.lead(&prose)[leads::POSTS_CONTENT], "Dear diary, today …");
    assert_eq!(pipeline.lead(&prose)[leads::POSTS_JSON_STATUS], "Failed");
}
