//! `DAILY_TOKEN_LIMIT` counts by the day on which tokens are billed, whatever a run's id says.

use crate::paused::World;
use serde_json::{Value, json};
use shared::core::digest::queue_id;
use shared::messages::routes;
use shared::ports::{Queue, QueueName};
use shared::schema::{leads, run_record};
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world with a daily limit and this many waiting leads, each with a long post.
fn world(leads_waiting: usize) -> World {
    let world = World::start_with(&[("DAILY_TOKEN_LIMIT", "5000"), ("PROJECT_SECONDS", "0")]);
    let text = "words and words ".repeat(100);
    let row = |n| {
        let posts = json!([{"postUrl": format!("https://www.linkedin.com/posts/l{n}"),
            "postContent": format!("{n} {text}"), "postedAt": "2026-11-20"}]);
        json!({leads::PROFILE_URL: tests::profile(&format!("l{n}")),
            leads::POSTS_CONTENT: posts.to_string()})
    };
    let rows = (0..leads_waiting).map(|n| row(n).as_object().unwrap().clone()).collect();
    world.services.airtable.service().insert_all(CLIENT_BASE, leads::TABLE, rows).unwrap();
    world
}

/// Requests scoring of the waiting leads in a run with this name. Returns what is billed then.
async fn score(world: &World, run: &str) -> u64 {
    let task = json!({"version": 1, "type": "score", "clients": {"one": CLIENT}, "kind": "post",
        "base_run": run});
    let message = routes::verbatim("plan#all", &queue_id(run), &task.to_string());
    world.queue.send(QueueName::Scoring, vec![message]).await.unwrap();
    tokio::time::sleep(Duration::from_mins(20)).await;
    world.services.gemini.service().billed_totals().usage.total
}

fn days(world: &World) -> Vec<Value> {
    let rows = world.services.airtable.service().rows(MASTER_BASE, run_record::TABLE).unwrap();
    rows.into_iter().filter_map(|row| row.fields.get(run_record::TOKENS_BY_DAY).cloned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_days_limit_is_of_the_day_on_which_tokens_are_billed() {
    let world = world(40);
    let first = score(&world, "261123-020000").await;
    assert!((2_500..=5_000).contains(&first), "{first}");
    // Run ids with other days do not add tokens to today's limit.
    for run in ["261124-020000", "261122-020000"] {
        let billed = score(&world, run).await;
        assert!(billed <= 5_000, "{run}: {billed}");
    }
    let before = score(&world, "261122-030000").await;
    tokio::time::sleep(DAY).await;
    let after = score(&world, "261122-020000").await;
    assert!((before + 2_500..=before + 5_000).contains(&after), "{before}, then {after}");
    let told = days(&world);
    let lines: Vec<&str> = told.iter().flat_map(|cell| cell.as_str().unwrap().lines()).collect();
    let of_day = |day: &str| -> u64 {
        let lines = lines.iter().filter_map(|line| line.strip_prefix(day));
        lines.map(|tokens| tokens.replace(',', "").parse::<u64>().unwrap()).sum()
    };
    assert_eq!(of_day("2026-11-23: "), before);
    assert_eq!(of_day("2026-11-24: "), after - before, "a run may have tokens of two days");
}

#[tokio::test(start_paused = true)]
async fn the_days_limit_is_kept_whichever_fields_that_tell_of_it_are_gone() {
    let [days, start, end] =
        [run_record::TOKENS_BY_DAY, run_record::START_TIME, run_record::END_TIME];
    for gone in [vec![start], vec![end], vec![start, end], vec![days, end], vec![days, start, end]]
    {
        for may_read_schema in [true, false] {
            let world = world(40);
            let airtable = world.services.airtable.service();
            for field in &gone {
                airtable.delete_field(MASTER_BASE, run_record::TABLE, field).unwrap();
            }
            if !may_read_schema {
                let denied = json!({"status": 403, "kind": "schema", "path": MASTER_BASE,
                    "body": {"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}});
                world.services.airtable.answers().add(serde_json::from_value(denied).unwrap());
            }
            let first = score(&world, "261122-020000").await;
            assert!((2_500..=5_000).contains(&first), "{gone:?}: {first}");
            let second = score(&world, "261120-020000").await;
            assert!(second <= 5_000, "{gone:?}: {second}");
            tokio::time::sleep(DAY).await;
            let third = score(&world, "261119-020000").await;
            assert!(third >= second + 2_500, "{gone:?}: {second}, then {third}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_field_a_run_counts_as_a_whole_on_every_day_on_which_it_was_active() {
    let world = world(40);
    let airtable = world.services.airtable.service();
    airtable.delete_field(MASTER_BASE, run_record::TABLE, run_record::TOKENS_BY_DAY).unwrap();
    let first = score(&world, "261122-020000").await;
    assert!((2_500..=5_000).contains(&first), "{first}");
    let second = score(&world, "261120-020000").await;
    assert!(second <= 5_000, "{second}");
    tokio::time::sleep(DAY).await;
    let third = score(&world, "261119-020000").await;
    assert!(third >= second + 2_500, "the others ended yesterday: {second}, then {third}");
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_days_nobody_can_read_counts_as_a_whole() {
    let (day_before, own) = ("2026-11-22T23:30:00Z", "2026-11-23T01:00:00Z");
    for (days, end, is_within) in [
        ("23.11.2026: 4,900", own, false),
        ("about 4,900", own, false),
        ("2026-11-23: 4,900 or so", own, false),
        ("2026-11-23: 4,900", day_before, false),
        ("2026-11-22: 4,900", own, true),
        ("2026-11-23: 100\n2026-11-22: 4,800", own, true),
    ] {
        let world = world(20);
        let row = json!({run_record::RUN_ID: "261122-230000-Guy-Wilson",
            run_record::CLIENT_ID: CLIENT, run_record::POST_TOKENS: 4_900,
            run_record::START_TIME: "2026-11-22T23:00:00Z",
            run_record::END_TIME: end, run_record::TOKENS_BY_DAY: days});
        let row = row.as_object().unwrap().clone();
        world.services.airtable.service().insert(MASTER_BASE, run_record::TABLE, row).unwrap();
        assert_eq!(score(&world, "261123-110000").await > 0, is_within, "{days}, {end}");
    }
}
