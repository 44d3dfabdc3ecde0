//! Bugs in a worker's requests to a service.

use crate::bug::Bug;
use crate::env::paths::{base_of, table_of};
use crate::env::world::World;
use crate::scenario::{HUMAN_FIELD, NOBODY};
use bytes::Bytes;
use serde_json::{Value, json};
use shared::core::ids::RunId;
use shared::ports::{HttpRequest, HttpResponse};
use shared::schema::{leads, run_record};
use simulators::Service as _;
use simulators::airtable::Row;
use std::collections::BTreeMap;
use std::time::Duration;
use tests::MASTER_BASE;
use tokio::time::Instant;

/// The request that a worker with the bug makes instead of `request`.
pub(crate) fn request(world: &World, request: HttpRequest) -> HttpRequest {
    let Some(bug) = world.bug else { return request };
    if request.method() != http::Method::PATCH {
        return request;
    }
    let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let records = body["records"].as_array_mut().map_or(&mut [][..], Vec::as_mut_slice);
    let is_changed = match table_of(request.uri().path()).as_str() {
        run_record::TABLE => change_run_records(world, bug, records),
        leads::TABLE => swap_leads(bug, records) || change_leads(bug, records),
        _ => false,
    };
    if !is_changed {
        return request;
    }
    let (head, _) = request.into_parts();
    http::Request::from_parts(head, Bytes::from(body.to_string()))
}

/// Changes the cells of run records. Returns whether the bug is one of these.
fn change_run_records(world: &World, bug: Bug, records: &mut [Value]) -> bool {
    let change: &dyn Fn(&mut Value) = match bug {
        Bug::RefusalIgnored => &|cells| cells[run_record::POST_TOKENS] = json!("many"),
        Bug::ReadAddWrite => &|cells| add_to_tokens(world, cells),
        Bug::ClosedTooEarly => &|cells| cells[run_record::STATUS] = json!("Completed"),
        Bug::SecondHarvestOverwrites => &|cells| {
            let harvests = harvested(world, &cells[run_record::RUN_ID]);
            if let Some(posts) = harvests.into_values().next_back() {
                cells[run_record::POSTS_HARVESTED] = posts;
            }
        },
        Bug::OlderStateWritten => &|cells| {
            let older = world.remember(&cells[run_record::RUN_ID].to_string(), cells.clone());
            if let Some(older) = older.filter(|_| world.dice.chance(0.3)) {
                *cells = older;
            }
        },
        Bug::EndedAtOnce => {
            &|cells| cells[run_record::END_TIME] = cells[run_record::START_TIME].clone()
        }
        Bug::StallNamesNothing => &|cells| {
            if cells[run_record::STATUS] == "Stalled" {
                cells[run_record::SYSTEM_NOTES] = json!("something is missing");
            }
        },
        Bug::UnknownLeadsIgnored => &|cells| {
            let notes = cells[run_record::SYSTEM_NOTES].as_str().unwrap_or_default();
            let told: Vec<&str> = notes.lines().filter(|line| !line.contains(NOBODY)).collect();
            cells[run_record::SYSTEM_NOTES] = json!(told.join("\n"));
        },
        Bug::BalanceClaimed => &|cells| cells[run_record::BALANCE] = json!("balanced"),
        Bug::HumanFieldCleared => &|cells| cells[HUMAN_FIELD] = Value::Null,
        _ => return false,
    };
    records.iter_mut().for_each(|record| change(&mut record["fields"]));
    true
}

fn add_to_tokens(world: &World, cells: &mut Value) {
    let before = existing(world, &cells[run_record::RUN_ID]);
    let before = before.and_then(|row| row.fields.get(run_record::POST_TOKENS)?.as_u64());
    let added = cells[run_record::POST_TOKENS].as_u64().unwrap_or_default();
    cells[run_record::POST_TOKENS] = json!(before.unwrap_or_default() + added);
}

/// Changes the cells of leads' rows. Returns whether the bug is one of these.
fn change_leads(bug: Bug, records: &mut [Value]) -> bool {
    let change: &dyn Fn(&mut Value) = match bug {
        Bug::FailedLeadDated => &|cells| {
            if cells.get(leads::DATE_POSTS_SCORED).is_some_and(Value::is_null) {
                cells[leads::DATE_POSTS_SCORED] = json!("2026-11-23T10:00:00.000Z");
            }
        },
        Bug::PostsOverwritten => &|cells| {
            let Some(posts) = cells[leads::POSTS_CONTENT].as_str() else { return };
            let posts: Vec<Value> = serde_json::from_str(posts).unwrap_or_default();
            let newest: Vec<Value> = posts.into_iter().take(1).collect();
            cells[leads::POSTS_CONTENT] = json!(json!(newest).to_string());
        },
        _ => return false,
    };
    records.iter_mut().for_each(|record| change(&mut record["fields"]));
    true
}

/// Swaps something between the first two rows. Returns whether it did.
fn swap_leads(bug: Bug, records: &mut [Value]) -> bool {
    let [first, second, ..] = records else { return false };
    match bug {
        Bug::LeadsMixedUp => std::mem::swap(&mut first["id"], &mut second["id"]),
        Bug::ProfilesMixedUp => {
            let [one, other] = [first, second].map(|row| &mut row["fields"][leads::AI_BREAKDOWN]);
            if !one.is_string() || !other.is_string() {
                return false;
            }
            std::mem::swap(one, other);
        }
        _ => return false,
    }
    true
}

/// The posts of each of a run's harvests, as far as its log has them.
fn harvested(world: &World, run: &Value) -> BTreeMap<String, Value> {
    let run: Option<RunId> = run.as_str().and_then(|run| run.parse().ok());
    let log = run.map(|run| world.log.read(&run)).unwrap_or_default();
    let events = log.events.iter().map(|body| serde_json::from_str(body).unwrap_or_default());
    let facts = events.map(|event: Value| event["fact"].clone());
    facts
        .filter(|fact| fact["type"] == "harvested")
        .map(|fact| (fact["apify_run"].to_string(), fact["posts"].clone()))
        .collect()
}

/// The answer to a request that a worker with the bug never makes unchanged.
pub(crate) async fn instead(
    world: &World,
    invocation: u64,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    let bug = world.bug?;
    let path = request.uri().path();
    let table = table_of(path);
    match bug {
        Bug::RequestsPerLead
            if table == leads::TABLE && request.method() == http::Method::PATCH =>
        {
            read_each_lead(world, invocation, request).await;
            None
        }
        Bug::PenaltyIgnored if world.dice.chance(0.05) => {
            world.oracle().airtable_limited(invocation, base_of(path));
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.oracle().airtable_asked(invocation, base_of(path), Instant::now());
            None
        }
        Bug::ErrorTakenForMissing | Bug::CheckThenCreate if table == run_record::TABLE => {
            create_what_was_missing(world, bug, request).await
        }
        _ => None,
    }
}

async fn read_each_lead(world: &World, invocation: u64, request: &HttpRequest) {
    let path = request.uri().path();
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    for record in body["records"].as_array().into_iter().flatten() {
        let row = record["id"].as_str().unwrap_or_default();
        for of in [path.to_owned(), format!("{path}/{row}")] {
            let mut read = http::Request::new(Bytes::new());
            *read.uri_mut() = format!("https://airtable.invalid{of}").parse().expect("a URL");
            *read.headers_mut() = request.headers().clone();
            world.oracle().airtable_asked(invocation, base_of(path), Instant::now());
            world.airtable.respond(read).await;
        }
    }
}

/// Looks up the record of an upsert, waits, and creates it if it did not exist.
async fn create_what_was_missing(
    world: &World,
    bug: Bug,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body.get("performUpsert")?;
    let cells = &body["records"][0]["fields"];
    let is_missing = if bug == Bug::ErrorTakenForMissing {
        world.dice.chance(0.05)
    } else {
        existing(world, &cells[run_record::RUN_ID]).is_none()
    };
    tokio::time::sleep(world.dice.within(Duration::from_secs(20))).await;
    if !is_missing {
        return None;
    }
    let records = json!({"records": [{"fields": cells}]});
    let mut create = http::Request::post(request.uri().clone());
    *create.headers_mut()? = request.headers().clone();
    let create = create.body(Bytes::from(records.to_string())).ok()?;
    Some(world.airtable.respond(create).await)
}

/// The record of a run.
fn existing(world: &World, run: &Value) -> Option<Row> {
    let rows = world.airtable.rows(MASTER_BASE, run_record::TABLE).ok()?;
    rows.into_iter().find(|row| row.fields.get(run_record::RUN_ID) == Some(run))
}
