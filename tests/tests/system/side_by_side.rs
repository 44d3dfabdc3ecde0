//! Clients are scored side by side: none waits for another's backlog. On paused time; only order
//! and counts are judged.

use crate::paused::{World, clock, services_that_take};
use jiff::SignedDuration;
use runtally::storage::Database;
use serde_json::{Value, json};
use shared::messages::{ScoreWaiting, routes};
use shared::ports::{Queue, QueueName};
use shared::schema::{clients, leads, run_record};
use std::time::Duration;
use tests::bases::{furnish_client, insert};
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, furnish, profile};

const CLIENTS: usize = 20;

fn base_of(client: usize) -> String {
    format!("appSide{client:010}")
}

/// Adds clients, each with one lead whose post waits.
fn add_clients(world: &World) {
    let airtable = world.services.airtable.service();
    for client in 0..CLIENTS {
        let (name, base) = (format!("Side-{client}"), base_of(client));
        furnish_client(airtable, &base);
        let row = json!({clients::CLIENT_ID: name, clients::CLIENT_NAME: name,
            clients::STATUS: clients::ACTIVE, clients::BASE_ID: base,
            clients::SERVICE_LEVEL: "2-Lead and post scoring"});
        insert(airtable, MASTER_BASE, clients::TABLE, row);
        let post = json!([{"postUrl": format!("https://www.linkedin.com/posts/side-{client}"),
            "postContent": "Words.", "postedAt": "2026-11-20"}]);
        let lead = json!({leads::PROFILE_URL: profile(&format!("side-{client}")),
            leads::POSTS_CONTENT: post.to_string()});
        insert(airtable, &base, leads::TABLE, lead);
    }
}

/// Requests scoring of all clients' waiting leads.
async fn score_all(world: &World) {
    let task = json!({"clients": "all", "kind": "post", "base_run": "261123-020000"});
    let task: ScoreWaiting = serde_json::from_value(task).unwrap();
    let run = task.run().unwrap();
    world.queue.send(QueueName::Scoring, vec![routes::score_waiting(task, &run)]).await.unwrap();
}

fn asked(world: &World) -> Vec<String> {
    world.services.asked.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn every_client_is_at_work_before_the_first_is_done() {
    let world = World::start();
    add_clients(&world);
    score_all(&world).await;
    // A lead's row is written with a request to the table's path, and read with a path below it.
    let is_written = |path: &String| path.starts_with("/v0/appSide") && path.ends_with("/Leads");
    while !asked(&world).iter().any(is_written) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before: Vec<String> =
        asked(&world).into_iter().take_while(|path| !is_written(path)).collect();
    let asked_about = before.iter().filter(|path| path.ends_with(":generateContent")).count();
    assert_eq!(asked_about, CLIENTS, "clients about whom the model was asked by then");
}

#[tokio::test(start_paused = true)]
async fn what_the_master_base_says_of_all_clients_is_read_once() {
    let world = World::start();
    add_clients(&world);
    score_all(&world).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    let records = world.records();
    let done = |record: &&serde_json::Map<String, Value>| record["Status"] == "Completed";
    assert_eq!(records.iter().filter(done).count(), CLIENTS + 1, "{records:#?}");
    let lists = format!("/v0/{MASTER_BASE}/{}/listRecords", clients::TABLE);
    let reads = asked(&world).iter().filter(|path| **path == lists).count();
    assert_eq!(reads, 1, "for {CLIENTS} clients and one without leads");
}

/// Scores the waiting leads of [`CLIENT`], in a task for all clients that read the client's row
/// this many minutes ago, when the client was paused. Returns the status on the run's record.
async fn scored_by_a_row_of(world: &World, minutes: i64, run: &str) -> String {
    let read_at = clock().now() - SignedDuration::from_mins(minutes);
    let row = json!({"read_at": read_at, "record": "rec00000000000001", "cells": {
        clients::CLIENT_ID: CLIENT, clients::STATUS: "Paused", clients::BASE_ID: CLIENT_BASE}});
    let task =
        json!({"clients": {"one": CLIENT}, "kind": "post", "base_run": run, "client_row": row});
    let task: ScoreWaiting = serde_json::from_value(task).unwrap();
    let (stamp, client) = (task.run().unwrap(), CLIENT.parse().unwrap());
    let message = routes::score_client(task, &stamp, &client);
    world.queue.send(QueueName::Scoring, vec![message]).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let records = world.records();
    let is_its = |record: &&serde_json::Map<String, Value>| {
        record[run_record::RUN_ID] == format!("{run}-{CLIENT}")
    };
    records.iter().find(is_its).unwrap()[run_record::STATUS].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_clients_row_that_was_read_long_ago_is_read_again() {
    let world = World::start();
    assert_eq!(scored_by_a_row_of(&world, 1, "261123-020000").await, "Failed", "it was paused");
    assert_eq!(scored_by_a_row_of(&world, 6, "261123-030000").await, "Completed", "it is active");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rows_are_read_in_a_request() {
    // A fast model, because old rows are read again before they are written.
    let (clock, moment) = (clock(), Duration::from_millis(50));
    let services = services_that_take(moment, moment, &clock);
    furnish(services.airtable.service());
    let world = World::start_on(services, Database::in_memory().unwrap(), &clock, &[]);
    let rows = (0..160).map(|n| {
        let post = json!([{"postUrl": format!("https://www.linkedin.com/posts/many-{n}"),
            "postContent": "Words.", "postedAt": "2026-11-20"}]);
        let row = json!({leads::PROFILE_URL: profile(&format!("many-{n}")),
            leads::POSTS_CONTENT: post.to_string()});
        row.as_object().unwrap().clone()
    });
    world
        .services
        .airtable
        .service()
        .insert_all(CLIENT_BASE, leads::TABLE, rows.collect())
        .unwrap();
    score_all(&world).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.record()[run_record::STATUS], "Completed");
    let lists = format!("/v0/{CLIENT_BASE}/{}/listRecords", leads::TABLE);
    let reads = asked(&world).iter().filter(|path| **path == lists).count();
    // The base lacks the view that is requested first.
    assert_eq!(reads, 1 + 2 + 2, "two pages of waiting leads, and a chunk in each of two lanes");
}

#[test]
fn plans_of_clients_that_share_a_group_on_aws_have_their_own_where_one_process_does_all() {
    let plan = |client: &str| {
        let task = json!({"clients": {"one": client}, "kind": "post", "base_run": "261123-020000"});
        let task: ScoreWaiting = serde_json::from_value(task).unwrap();
        let run = task.run().unwrap();
        let message = routes::score_waiting(task, &run);
        (message.group().to_owned(), message.group_of_one_process())
    };
    let plans: Vec<(String, String)> =
        (0..CLIENTS).map(|client| plan(&format!("Side-{client}"))).collect();
    let mut on_aws: Vec<&String> = plans.iter().map(|(group, _)| group).collect();
    on_aws.sort_unstable();
    on_aws.dedup();
    assert_eq!(on_aws, ["plan#0", "plan#1", "plan#2"]);
    let mut here: Vec<&String> = plans.iter().map(|(_, group)| group).collect();
    here.sort_unstable();
    here.dedup();
    assert_eq!(here.len(), CLIENTS);
    let odd = plan("Zoë Ltd").1;
    assert!(routes::is_plan_group(&odd) && odd.is_ascii(), "a plan's, whatever its client: {odd}");
}
