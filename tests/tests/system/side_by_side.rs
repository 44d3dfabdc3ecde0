//! Clients are scored side by side: none waits for another's backlog. On paused time; order and counts
//! alone are judged.

use crate::paused::World;
use serde_json::{Value, json};
use shared::messages::{ScoreWaiting, routes};
use shared::ports::{Queue, QueueName};
use shared::schema::{clients, leads};
use std::time::Duration;
use tests::bases::{furnish_client, insert};
use tests::{MASTER_BASE, profile};

const CLIENTS: usize = 20;

fn base_of(client: usize) -> String {
    format!("appSide{client:010}")
}

/// Adds clients with a lead each whose post waits.
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

/// Asks for what waits of all clients.
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
    // A lead's row is written with a request to its table itself; it is read with one below it.
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
    assert_eq!(plan("Zoë Ltd").1.len(), 22, "what no group may be called is hashed");
}
