//! `runtally runs`, `explain`, `reproject`, `redrive` and `replay`.

use crate::world::{BASE, CLIENT, MASTER, RUN, World, cells};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::core::ids::{ApifyRunId, RunStamp};
use shared::messages::{
    Fact, Hints, Ingest, Message, MetricsEvent, Opened, OpenedBy, RunHeader, RunType, ScoringTask,
    routes,
};
use shared::ports::{EventLog, NewDeadLetter, Queue, QueueName, StoredEvent};
use shared::schema::{leads, run_record};
use simulators::apify::{RunSpec, RunStatus};
use std::time::Duration;

/// A world in which a run of two leads has ended.
async fn after_a_run() -> World {
    let world = World::sound().await;
    for name in ["jane", "max"] {
        world.add_lead(name);
    }
    world.run(&world.harvest(&[("jane", "We shipped it."), ("max", "Hi.")])).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_explained_by_its_events_and_its_record_says_the_same() {
    let world = after_a_run().await;
    let (code, explained) = world.json(&format!("explain {RUN}")).await;
    assert_eq!((code, &explained["differences"]), (0, &json!([])), "{explained:#}");
    let facts = explained["events"].as_array().unwrap();
    assert_eq!(facts.first().unwrap()["fact"]["type"], "opened");
    assert_eq!(facts.last().unwrap()["fact"]["type"], "chunk_done");
    assert_eq!(
        explained["fold"]["posts"]["leads"],
        json!({"planned": 2, "scored": 2, "skipped": 0, "failed": 0, "open": 0})
    );
    let record = world.record();
    assert_eq!(explained["record"], json!({"id": record.id, "fields": record.fields}));
    let ai = explained["fold"]["cost_usd"]["ai"].as_f64().unwrap();
    let per_lead = explained["fold"]["posts"]["usd_per_scored_lead"].as_f64().unwrap();
    assert!((per_lead - ai / 2.0).abs() < 1e-9, "{ai} {per_lead}");
    let people = world.runtally(&format!("explain {RUN}")).await;
    assert!(people.out.ends_with("The record says what the events say.\n"), "{}", people.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_or_deleted_record_is_named_and_rewritten() {
    let world = after_a_run().await;
    let explain = format!("explain {RUN}");
    let right = world.record().fields;
    world.edit_record(run_record::POST_TOKENS, json!(7));
    world.edit_record(run_record::ERROR_DETAILS, json!("all is lost"));
    let (code, explained) = world.json(&explain).await;
    assert_eq!(code, 1);
    assert_eq!(
        explained["differences"],
        json!([
            {"field": run_record::POST_TOKENS, "expected": right[run_record::POST_TOKENS], "found": 7},
            {"field": run_record::ERROR_DETAILS, "expected": "", "found": "all is lost"},
        ])
    );
    let one = json!({"schema_version": 1, "count": 1});
    assert_eq!(world.json(&format!("reproject {RUN}")).await, (0, one.clone()));
    world.settle().await;
    let mut rewritten = world.record().fields;
    let notes = rewritten[run_record::SYSTEM_NOTES].clone();
    let noted = format!(
        "Rewritten on request: {:?}, {:?} did not say what the log says; restored",
        run_record::POST_TOKENS,
        run_record::ERROR_DETAILS
    );
    assert!(notes.as_str().unwrap().contains(&noted), "{notes}");
    rewritten.insert(run_record::SYSTEM_NOTES.to_owned(), right[run_record::SYSTEM_NOTES].clone());
    assert_eq!(rewritten, right, "all else is as it was");
    assert_eq!(world.runtally(&explain).await.code, 0);
    // A second rewrite restores nothing, so it notes nothing.
    world.json(&format!("reproject {RUN}")).await;
    world.settle().await;
    assert_eq!(world.record().fields[run_record::SYSTEM_NOTES], notes);

    world.airtable().delete_record(MASTER, run_record::TABLE, &world.record().id).unwrap();
    let (code, explained) = world.json(&explain).await;
    assert_eq!((code, &explained["record"]), (1, &Value::Null));
    assert_eq!(world.json("reproject --all").await, (0, one));
    world.settle().await;
    let back = world.record().fields;
    for field in [run_record::POST_TOKENS, run_record::POSTS_SCORED, run_record::START_TIME] {
        assert_eq!(back[field], right[field], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_those_that_need_a_look_first() {
    let world = after_a_run().await;
    let record = world.record().fields;
    for (client, status) in [("Old", "Stalled"), ("Done", "Completed")] {
        let row = json!({run_record::RUN_ID: format!("250101-000000-{client}"),
            run_record::CLIENT_ID: client, run_record::STATUS: status,
            run_record::START_TIME: "2025-01-01T00:00:00.000Z"});
        world.insert(MASTER, run_record::TABLE, row);
    }
    let nothing = json!({"tasks": [], "count": 0});
    let listed = json!({"schema_version": 1, "left_out": 0, "waiting": nothing, "runs": [
        {"run": "250101-000000-Old", "status": "Stalled", "started": "2025-01-01T00:00:00.000Z",
            "ended": null, "posts_scored": null, "post_tokens": null, "profiles_scored": null,
            "balance": null, "open": false, "missing": []},
        {"run": RUN, "status": "Completed", "started": record[run_record::START_TIME],
            "ended": record[run_record::END_TIME], "posts_scored": 2,
            "post_tokens": record[run_record::POST_TOKENS], "profiles_scored": 0,
            "balance": "balanced", "open": false, "missing": []},
    ]});
    assert_eq!(world.json("runs").await, (0, listed));
    let (_, one) = world.json("runs --limit 1").await;
    assert_eq!((one["runs"].as_array().unwrap().len(), &one["left_out"]), (1, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_run_says_since_when_and_why_a_task_of_it_waits_wherever_its_queue_is() {
    let world = World::sound().await;
    let stuck = world.services.apify.service().add_run(RunSpec {
        status: RunStatus::Running,
        started_at: Some("2026-11-23T09:45:19Z".parse().unwrap()),
        ..RunSpec::default()
    });
    world.webhook(&stuck).await;
    let waited = loop {
        let (_, listed) = world.json("runs").await;
        let waited = listed["runs"][0]["waited"].clone();
        if waited.is_object() {
            break waited;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(waited["reason"], format!("Apify run {stuck} is still running"));
    assert!(waited["since"].as_str().unwrap().parse::<Timestamp>().is_ok());
    let people = world.runtally("runs").await.out;
    assert!(people.contains("; it tries again automatically, at "), "{people}");
    assert!(people.contains(" at the latest: "), "{people}");
    let by: Timestamp = waited["tried_next_by"].as_str().unwrap().parse().unwrap();
    assert!(by > Timestamp::now(), "the next attempt is still to come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_harvest_that_cannot_be_read_is_listed_with_since_when_why_and_when_it_is_tried_next() {
    let world = World::sound().await;
    let apify_run = world.harvest(&[("jane", "We shipped it.")]);
    let away = json!({"fault": "unavailable", "probability": 1});
    world.services.apify.faults().add(serde_json::from_value(away).unwrap());
    world.webhook(&apify_run).await;
    let waits = || world.system().queue.waiting(Duration::MAX).unwrap();
    while waits().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (code, listed) = world.json("runs").await;
    let task = &listed["waiting"]["tasks"][0];
    let said = (&task["what"], &task["attempt"], &listed["waiting"]["count"]);
    assert_eq!((code, said), (0, (&json!(format!("harvest {apify_run}")), &json!(2), &json!(1))));
    let at = |name: &str| task[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    // The time of the failure has more digits than the time of the attempt.
    assert!(at("next_at").duration_since(at("since")).as_secs() >= 29, "{task}");
    let reason = task["reason"].as_str().unwrap();
    assert!(reason.contains("503"), "{reason}");
    let people = world.runtally("runs").await.out;
    assert!(people.contains("1 task waits for its next attempt:\n"), "{people}");
    let (_, doctor) = world.doctor().await;
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["what"] == "waiting tasks").unwrap();
    assert_eq!(check["level"], "warning");
    let says = check["message"].as_str().unwrap();
    let begins = format!("harvest {apify_run} since {}", at("since").strftime("%Y-%m-%d %H:%M"));
    assert!(says.starts_with(&begins) && says.contains("attempt 2 at "), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_worker_died_is_listed_with_when_it_comes_again() {
    let mut world = World::sound().await;
    world.stop();
    let queue = world.queue();
    let task = routes::verbatim("plan#0", "d", r#"{"version":1,"type":"riddle"}"#);
    queue.send(QueueName::Scoring, vec![task]).await.unwrap();
    queue.receive(QueueName::Scoring, 1).unwrap();
    assert_eq!(queue.waiting(Duration::from_secs(150)).unwrap(), [], "it may be at work");
    tokio::time::sleep(Duration::from_millis(10)).await;
    let [dead] = queue.waiting(Duration::ZERO).unwrap().try_into().unwrap();
    assert_eq!(dead.reason, "its worker died or hangs; its group waits with it");
    assert_eq!(dead.next_at.duration_since(dead.since).as_secs(), 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_status_the_table_cannot_show_is_listed_with_it_and_with_the_missing_choice() {
    let world = World::sound().await;
    let table = (MASTER, run_record::TABLE);
    world.airtable().rename_choice(table, run_record::STATUS, ("Completed", "Done")).unwrap();
    world.add_lead("jane");
    world.run(&world.harvest(&[("jane", "We shipped it.")])).await;
    assert!(!world.record().fields.contains_key(run_record::STATUS));
    let (_, listed) = world.json("runs").await;
    assert_eq!(listed["runs"][0]["status"], "Completed");
    let missing = "its Status on the record: the table must have the choice \"Completed\"";
    assert_eq!(listed["runs"][0]["missing"], json!([missing]));
    let out = world.runtally("runs").await.out;
    assert!(out.contains("Completed") && out.contains("its Status"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_shown_with_its_reason_and_put_back_on_its_queue() {
    let world = World::sound().await;
    world.add_lead("jane");
    let apify_run = world.harvest(&[("jane", "We shipped it.")]);
    let run_stamp: RunStamp = "261123-094519".parse().unwrap();
    let task = ScoringTask::Ingest(Ingest {
        apify_run_id: apify_run.parse().unwrap(),
        event_type: "ACTOR.RUN.SUCCEEDED".to_owned(),
        hints: Hints {
            run_stamp: Some(run_stamp),
            client: Some(CLIENT.parse().unwrap()),
            ..Hints::default()
        },
        received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        finished_at: None,
        dispatch_id: None,
        done: None,
    });
    let letters =
        [("m1", task.encode(), "the quota was spent"), ("m2", "{}".to_owned(), "no message")];
    for (id, body, reason) in letters {
        let letter = NewDeadLetter {
            group: format!("plan#{CLIENT}"),
            message_id: id.to_owned(),
            body,
            reason: reason.to_owned(),
        };
        world.system().queue.dead_letter(QueueName::Scoring, letter).await.unwrap();
    }
    let (code, mut shown) = world.json("redrive").await;
    let [first, second] = shown["dead_letters"].as_array().unwrap().as_slice() else { panic!() };
    let expected = json!({"queue": "scoring", "message_id": "m1", "run": RUN,
        "what": format!("harvest {apify_run}"), "reason": "the quota was spent",
        "died_at": first["died_at"]});
    assert!(first["died_at"].is_string());
    assert_eq!((first, &second["run"]), (&expected, &Value::Null));
    shown["dead_letters"].take();
    let counts = json!({"schema_version": 1, "dead_letters": null, "count": 2, "left_out": 0, "redriven": 0});
    assert_eq!((code, shown), (0, counts));

    let nothing =
        json!({"schema_version": 1, "dead_letters": [], "count": 0, "left_out": 0, "redriven": 0});
    assert_eq!(world.json("redrive --run 261123-094519-Other --yes").await, (0, nothing));
    let answer = world.runtally(&format!("redrive --run {RUN} --yes")).await;
    assert_eq!(answer.code, 0);
    assert!(answer.out.contains("the quota was spent"), "{}", answer.out);
    assert!(answer.out.ends_with("1 of 1 put back on their queues.\n"), "{}", answer.out);
    world.settle().await;
    assert_eq!(world.record().fields[run_record::STATUS], "Completed");
    let left = world.system().queue.dead_letters(QueueName::Scoring).await.unwrap();
    assert_eq!(left.iter().map(|letter| &*letter.message_id).collect::<Vec<_>>(), ["m2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_are_not_listed_are_counted() {
    let world = World::sound().await;
    for number in 0..51 {
        let letter = NewDeadLetter {
            group: format!("plan#{CLIENT}"),
            message_id: format!("m{number}"),
            body: "{}".to_owned(),
            reason: "no message".to_owned(),
        };
        world.system().queue.dead_letter(QueueName::Scoring, letter).await.unwrap();
    }
    let (code, shown) = world.json("redrive").await;
    assert_eq!((code, shown["dead_letters"].as_array().unwrap().len()), (0, 50));
    assert_eq!((&shown["count"], &shown["left_out"]), (&json!(51), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_scores_only_what_failed_and_both_attempts_are_paid() {
    const SPOILT: &str = " [[sim:prose]]";
    let world = World::sound().await;
    world.add_lead("jane");
    let max = world.add_lead("max");
    let words = format!("Hi.{SPOILT}");
    let apify_run = world.harvest(&[("jane", "We shipped it."), ("max", &words)]);
    world.run(&apify_run).await;
    assert_eq!(world.record().fields[run_record::STATUS], "Completed with Errors");
    let gemini = world.services.gemini.service();
    let before = gemini.billed().len();

    // The harvest is deleted by now, and a person corrects the lead's row.
    world.services.apify.service().delete_run(&apify_run);
    let rows = world.airtable().rows(BASE, leads::TABLE).unwrap();
    let row = rows.iter().find(|row| row.id == max).unwrap();
    let posts = row.fields[leads::POSTS_CONTENT].as_str().unwrap().replace(SPOILT, "");
    world
        .airtable()
        .edit(BASE, leads::TABLE, &max, cells(json!({leads::POSTS_CONTENT: posts})))
        .unwrap();

    let replayed = json!({"schema_version": 1, "run": RUN, "leads": 1, "harvests": 0});
    assert_eq!(world.json(&format!("replay {RUN}")).await, (0, replayed));
    world.settle().await;
    let record = world.record().fields;
    assert_eq!(record[run_record::STATUS], "Completed", "{record:#?}");
    assert_eq!(record[run_record::POSTS_SCORED], 2);
    assert_eq!(gemini.billed().len(), before + 1, "jane is not scored again");
    assert_eq!(record[run_record::POST_TOKENS], gemini.billed_totals().usage.total);
    let nothing = world.runtally(&format!("replay {RUN}")).await;
    assert_eq!(nothing.out, format!("Nothing in {RUN} failed or is missing.\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_progress_is_listed_by_its_events_and_not_replayed_unasked() {
    let world = World::sound().await;
    let heard: ApifyRunId = "HG7ML7M8z78YcAPEB".parse().unwrap();
    let now = Timestamp::now();
    let opened = MetricsEvent {
        run: RunHeader {
            run_stamp: "261123-094519".parse().unwrap(),
            client: CLIENT.parse().unwrap(),
            client_name: "Guy Wilson".to_owned(),
            run_type: RunType::Standalone,
            opened_at: now,
        },
        at: now,
        fact: Fact::Opened(Opened { by: OpenedBy::Webhook(heard.clone()) }),
    };
    let (id, body) = opened.encode_with_id();
    let stored = StoredEvent { id, body };
    world.system().log.append(&opened.run.id(), &[stored]).await.unwrap();

    let (_, listed) = world.json("runs").await;
    let run = &listed["runs"][0];
    assert_eq!((&run["run"], &run["status"]), (&json!(RUN), &json!("Running")), "{listed:#}");
    let missing = json!([format!("harvest {heard} is not read")]);
    assert_eq!((&run["open"], &run["missing"]), (&json!(true), &missing));

    let (code, refused) = world.json(&format!("replay {RUN}")).await;
    assert_eq!((code, &refused["error"]["message"]), (1, &json!(format!("{RUN} is in progress"))));
    assert!(refused["error"]["hint"].as_str().unwrap().contains("--anyway"), "{refused:#}");
    let queued = json!({"schema_version": 1, "run": RUN, "leads": 0, "harvests": 1});
    assert_eq!(world.json(&format!("replay {RUN} --anyway")).await, (0, queued));
    world.settle().await;
    // Apify does not know this run, and now the record says so.
    assert_eq!(world.record().fields[run_record::STATUS], "Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_run_and_missing_data_are_named() {
    let mut world = World::sound().await;
    for command in ["explain", "replay", "reproject"] {
        let answer = world.runtally(&format!("{command} {RUN}")).await;
        assert_eq!(answer.code, 1, "{command}");
        assert!(answer.errors.contains(&format!("has no run {RUN}")), "{}", answer.errors);
        assert_eq!(
            world.runtally(&format!("{command} HG7ML7M8z78YcAPEB")).await.code,
            2,
            "{command}"
        );
    }
    assert_eq!(world.runtally("reproject").await.code, 2, "a run or --all");
    if !cfg!(feature = "aws") {
        world
            .variables
            .insert("SCORING_QUEUE_URL", "https://sqs.example/1/scoring.fifo".to_owned());
        let answer = world.runtally("redrive").await;
        assert_eq!(answer.code, 1);
        assert!(answer.errors.contains("--features aws"), "{}", answer.errors);
        world.variables.clear();
    }
    world.data = tempfile::tempdir().unwrap();
    let answer = world.runtally("redrive").await;
    assert_eq!(answer.code, 1);
    assert!(answer.errors.contains("there is no data in"), "{}", answer.errors);
}
