//! A table of 25,000 rows. The time limit is generous on any machine, but work that grows with rows
//! times alternatives would exceed it.

use super::world::{BASE, World, cells, object, path};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAR_AWAY: Duration = Duration::from_mins(10);
const ROWS: usize = 25_000;
const TABLE: &str = "Client Run Results";

fn large() -> (World, Vec<String>) {
    let world = World::new();
    let row = |n: usize| object(json!({"Run ID": format!("https://www.LinkedIn.com/in/lead-{n}")}));
    let ids = world.airtable().insert_all(BASE, TABLE, (0..ROWS).map(row).collect()).unwrap();
    (world, ids)
}

/// How many rows a filter finds. Formulas of this size must be sent by POST.
async fn found(world: &World, filter: String) -> usize {
    let body = json!({"filterByFormula": filter, "fields": ["Run ID"]});
    cells(&world.post(&path("/listRecords"), body).await, "Run ID").len()
}

#[tokio::test]
async fn rows_of_a_large_table_are_found_by_id_by_pattern_and_by_key() {
    let (world, ids) = large();
    let start = Instant::now();

    let by_id: Vec<_> = ids.iter().take(50).map(|id| format!("RECORD_ID()='{id}'")).collect();
    assert_eq!(found(&world, format!("OR({})", by_id.join(","))).await, 50);

    let pattern: Vec<_> = (0..50).map(|n| format!("linkedin\\\\.com/in/lead-{n}$")).collect();
    let filter = format!("REGEX_MATCH(LOWER({{Run ID}}), '{}')", pattern.join("|"));
    assert_eq!(found(&world, filter).await, 50);

    let bare = "LOWER(SUBSTITUTE({Run ID}, 'https://www.', ''))";
    let equal: Vec<_> = (0..50).map(|n| format!("{bare}='linkedin.com/in/lead-{n}'")).collect();
    assert_eq!(found(&world, format!("OR({})", equal.join(","))).await, 50);

    let record =
        |n: usize| json!({"fields": {"Run ID": format!("https://www.LinkedIn.com/in/lead-{n}")}});
    let body = json!({
        "performUpsert": {"fieldsToMergeOn": ["Run ID"]},
        "records": (0..10).map(record).collect::<Vec<Value>>(),
    });
    let reply = world.patch(&path(""), body).await;
    assert_eq!(reply.1["updatedRecords"].as_array().unwrap().len(), 10);

    assert!(start.elapsed() < FAR_AWAY, "{:?}", start.elapsed());
}
