//! Fields of the table of clients that somebody renamed or deleted.

use super::stage::waiting;
use crate::paused::World;
use serde_json::{Value, json};
use shared::schema::{clients, leads, run_record};
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, profile, told};

/// A world with waiting leads, under a limit with room for some of them.
fn world() -> World {
    let world = World::start_with(&[("LANES", "1")]);
    let airtable = world.services.airtable.service();
    let rows = (0..20).map(|n| {
        let name = format!("l{n}");
        let mut row = waiting(&name);
        row[leads::PROFILE_URL] = json!(profile(&name));
        let posts = row[leads::POSTS_CONTENT].as_str().unwrap();
        let posts = posts.replace("Some words.", &"Some words. ".repeat(150));
        row[leads::POSTS_CONTENT] = json!(posts);
        row.as_object().unwrap().clone()
    });
    airtable.insert_all(CLIENT_BASE, leads::TABLE, rows.collect()).unwrap();
    let rows = airtable.rows(MASTER_BASE, clients::TABLE).unwrap();
    for row in rows {
        let limit = json!({clients::POST_TOKEN_LIMIT: 3_000}).as_object().unwrap().clone();
        airtable.edit(MASTER_BASE, clients::TABLE, &row.id, limit).unwrap();
    }
    world
}

async fn score(world: &World, request: Value) {
    assert_eq!(world.post("/runs", &request).await, 202);
    tokio::time::sleep(Duration::from_mins(5)).await;
}

fn rename(world: &World, from: &str, to: &str) {
    world.services.airtable.service().rename_field(MASTER_BASE, clients::TABLE, from, to).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_field_whose_name_looks_the_same_is_read_and_named() {
    for (field, name) in [
        (clients::CLIENT_ID, "client id"),
        (clients::STATUS, "Status "),
        (clients::BASE_ID, "Airtable base ID"),
        (clients::SERVICE_LEVEL, " Service\u{a0}Level"),
        (clients::POST_TOKEN_LIMIT, "Post scoring token limit"),
    ] {
        let world = world();
        rename(&world, field, name);
        let says = format!("Field {field:?} of \"Clients\" is called {name:?} now");
        for request in [
            json!({"clientId": CLIENT, "kind": "post", "runId": "261123-020000"}),
            json!({"all": true, "kind": "post", "runId": "261123-030000"}),
        ] {
            score(&world, request).await;
        }
        let records = world.records();
        assert_eq!(records.len(), 2, "one client has post scoring: {records:#?}");
        for record in records {
            let used = record[run_record::POST_TOKENS].as_u64().unwrap();
            assert!((1..=3_000).contains(&used), "{field}: {used}");
            let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap();
            assert!(notes.contains(&says), "{notes}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_field_that_is_not_needed_clients_are_served_also_if_the_schema_is_denied() {
    for may_read_schema in [true, false] {
        let world = world();
        rename(&world, clients::SERVICE_LEVEL, "Other name");
        if !may_read_schema {
            let denied = json!({"status": 403, "kind": "schema", "path": MASTER_BASE,
                "body": {"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}});
            world.services.airtable.answers().add(serde_json::from_value(denied).unwrap());
        }
        score(&world, json!({"clientId": CLIENT, "kind": "post", "runId": "261123-020000"})).await;
        let record = world.record();
        let used = record[run_record::POST_TOKENS].as_u64().unwrap();
        assert!((1..=3_000).contains(&used), "{used}");
        let says = "has no field \"Service Level\": every client counts as one with post scoring";
        let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap();
        assert_eq!(notes.contains(says), may_read_schema, "{notes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_with_its_reason_for_a_field_without_which_no_client_can_be_served() {
    for field in [clients::CLIENT_ID, clients::STATUS, clients::BASE_ID] {
        let world = world();
        rename(&world, field, "Other name");
        score(&world, json!({"all": true, "kind": "post", "runId": "261123-030000"})).await;
        let waiting = world.queue.waiting(Duration::from_hours(1)).unwrap();
        let [task] = &waiting[..] else { panic!("{waiting:?}") };
        assert!(task.reason.contains(&format!("Unknown field name: {field:?}")), "{task:?}");
        rename(&world, "Other name", field);
        tokio::time::sleep(Duration::from_mins(30)).await;
        let told = told(&world.record());
        assert!(told.starts_with("Completed: ") && told.ends_with("; balanced"), "{told}");
    }
}
