//! Bugs that are planted at the seams, to show that the oracle catches them.
//!
//! Each changes what passes between the real functions and the outside, just as the functions
//! would if they had the bug. The first of them are the defects of the system that this one
//! replaces. `tests/tests/simulation.rs` runs each and says which invariant caught it.

use super::faults::Service;
use super::transport::{base_of, table_of};
use super::world::World;
use crate::MASTER_BASE;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::core::ids::RunId;
use shared::ports::{HttpRequest, HttpResponse, OutgoingMessage, QueueName};
use shared::schema::{leads, run_record};
use simulators::Service as _;
use simulators::airtable::Row;
use std::collections::BTreeMap;
use std::time::Duration;

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Bug { $($(#[$doc])* $name),+ }

        impl Bug {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

bugs! {
    /// Token usage is read and dropped on the way to the record.
    TokensDropped,
    /// Only whole answers report their usage.
    TokensOfUselessAnswersDropped,
    /// A run's id is made anew from the clock at every delivery.
    RunIdFromClock,
    /// Airtable refuses a record for a wrong type; the refusal is taken for success.
    RefusalIgnored,
    /// An error of Airtable is taken for "there is no such record": one is created.
    ErrorTakenForMissing,
    /// A record is looked for, and created later if it was not there.
    CheckThenCreate,
    /// A number is read, added to and written back.
    ReadAddWrite,
    /// Only orchestrated runs are counted.
    StandaloneNotCounted,
    /// The posts of a harvest are not found, without an error.
    PostsNotFound,
    /// A record is closed when its work is begun.
    ClosedTooEarly,
    /// The rubric and the row are read anew for each lead.
    RequestsPerLead,
    /// A lead whose call failed is dated as if it were scored.
    FailedLeadDated,
    /// The totals of a second harvest overwrite the first one's.
    SecondHarvestOverwrites,
    /// An answer that was cut off is mended and taken for whole.
    CutAnswerAccepted,
    /// A message counts as done before its events are stored.
    EventsNotStored,
    /// The failed messages of a batch are not reported: they are deleted with the others.
    FailuresIgnored,
    /// A retry reports its calls a second time.
    BilledTwice,
    /// A record that was written already is written again with older numbers.
    OlderStateWritten,
    /// Two leads' rows are mixed up.
    LeadsMixedUp,
    /// New posts take the place of those that were there.
    PostsOverwritten,
    /// What a run scored is forgotten when its message comes again.
    ScoreForgotten,
    /// A dead letter does not say why it is one.
    ReasonOfDeadLetterLost,
    /// Cells that a write does not name are cleared.
    HumanFieldCleared,
    /// The record claims to be balanced whatever it is.
    BalanceClaimed,
    /// A webhook is accepted and not queued.
    WebhookNotQueued,
    /// No tick comes: what people did to records stays.
    TicksLost,
    /// Every lead is found to have nothing new.
    EverythingSkipped,
    /// Of the leads that wait only the first page is planned.
    SecondPageLost,
    /// A lead's last post is left out of the report.
    PostNotReported,
    /// A record is given its end when it is given its beginning.
    EndedAtOnce,
    /// A stalled record does not name what is missing.
    StallNamesNothing,
    /// Two profiles' assessments are mixed up.
    ProfilesMixedUp,
    /// A base that told an invocation to wait is asked again at once.
    PenaltyIgnored,
}

/// What a worker that has the bug sends in place of `messages`.
pub(super) fn sent(
    world: &World,
    queue: QueueName,
    messages: Vec<OutgoingMessage>,
) -> Vec<OutgoingMessage> {
    let Some(bug) = world.bug else { return messages };
    let mut sent = Vec::new();
    for mut message in messages {
        let mut body: Value = serde_json::from_str(&message.body).unwrap_or_default();
        let copy = changed_message(world, bug, queue, &mut body);
        match copy {
            Copies::None => continue,
            Copies::One => {}
            Copies::Two(second) => {
                let deduplication = format!("{}-again", message.deduplication);
                let second = second.to_string();
                sent.push(OutgoingMessage { deduplication, body: second, ..message.clone() });
            }
        }
        message.body = body.to_string();
        sent.push(message);
    }
    sent
}

enum Copies {
    None,
    One,
    Two(Value),
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few of the bugs are in messages")]
fn changed_message(world: &World, bug: Bug, queue: QueueName, body: &mut Value) -> Copies {
    let is = |body: &Value, pointer: &str, text: &str| {
        body.pointer(pointer).and_then(Value::as_str) == Some(text)
    };
    match bug {
        Bug::TokensDropped if is(body, "/fact/type", "billed") => {
            for call in body["fact"]["calls"].as_array_mut().into_iter().flatten() {
                if call.get("usage").is_some() {
                    for count in call["usage"].as_object_mut().into_iter().flatten() {
                        *count.1 = json!(0);
                    }
                }
            }
            Copies::One
        }
        Bug::RunIdFromClock if is(body, "/type", "ingest") => {
            body["hints"]["base_run"] =
                json!(world.clock.now().strftime("%y%m%d-%H%M%S").to_string());
            Copies::One
        }
        Bug::StandaloneNotCounted
            if queue == QueueName::Metrics && is(body, "/run/run_type", "standalone") =>
        {
            Copies::None
        }
        Bug::BilledTwice if is(body, "/fact/type", "billed") && world.dice.chance(0.1) => {
            let mut second = body.clone();
            second["fact"]["attempt"]["attempt"] = json!("QQQQQQQQQQQQQQQQQQQQQQ");
            Copies::Two(second)
        }
        Bug::WebhookNotQueued if is(body, "/type", "ingest") => Copies::None,
        Bug::PostNotReported if is(body, "/fact/type", "settled") => {
            for lead in body["fact"]["leads"].as_array_mut().into_iter().flatten() {
                if let Some(posts) = lead.get_mut("examined").and_then(Value::as_array_mut) {
                    posts.pop();
                }
            }
            Copies::One
        }
        _ => Copies::One,
    }
}

/// The posts of each of a run's harvests, as far as its log tells.
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

/// The request that a worker with the bug makes in place of `request`.
pub(super) fn request(world: &World, request: HttpRequest) -> HttpRequest {
    let Some(bug) = world.bug else { return request };
    let table = table_of(request.uri().path());
    let is_write = request.method() == http::Method::PATCH;
    let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let records = body["records"].as_array_mut();
    match (bug, table.as_str()) {
        (Bug::RefusalIgnored, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                record["fields"][run_record::POST_TOKENS] = json!("many");
            }
        }
        (Bug::ReadAddWrite, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let cells = &mut record["fields"];
                let before = existing(world, &cells[run_record::RUN_ID]);
                let before =
                    before.and_then(|row| row.fields.get(run_record::POST_TOKENS)?.as_u64());
                let added = cells[run_record::POST_TOKENS].as_u64().unwrap_or_default();
                cells[run_record::POST_TOKENS] = json!(before.unwrap_or_default() + added);
            }
        }
        (Bug::ClosedTooEarly, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                record["fields"][run_record::STATUS] = json!("Completed");
            }
        }
        (Bug::SecondHarvestOverwrites, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let cells = &mut record["fields"];
                let harvests = harvested(world, &cells[run_record::RUN_ID]);
                if let Some(posts) = harvests.into_values().next_back() {
                    cells[run_record::POSTS_HARVESTED] = posts;
                }
            }
        }
        (Bug::OlderStateWritten, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let run = record["fields"][run_record::RUN_ID].to_string();
                let older = world.remember(&run, record["fields"].clone());
                if let Some(older) = older.filter(|_| world.dice.chance(0.3)) {
                    record["fields"] = older;
                }
            }
        }
        (Bug::EndedAtOnce, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let begun = record["fields"][run_record::START_TIME].clone();
                record["fields"][run_record::END_TIME] = begun;
            }
        }
        (Bug::StallNamesNothing, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let cells = &mut record["fields"];
                if cells[run_record::STATUS] == "Stalled" {
                    cells[run_record::SYSTEM_NOTES] = json!("something is missing");
                }
            }
        }
        (Bug::ProfilesMixedUp, leads::TABLE) if is_write => {
            if let Some([first, second, ..]) = records.map(Vec::as_mut_slice) {
                let cell = |row: &mut Value| row["fields"][leads::AI_BREAKDOWN].take();
                let (one, other) = (cell(first), cell(second));
                if one.is_string() && other.is_string() {
                    first["fields"][leads::AI_BREAKDOWN] = other;
                    second["fields"][leads::AI_BREAKDOWN] = one;
                } else {
                    return request;
                }
            }
        }
        (Bug::BalanceClaimed, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                record["fields"][run_record::BALANCE] = json!("balanced");
            }
        }
        (Bug::HumanFieldCleared, run_record::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                record["fields"][super::scenario::HUMAN_FIELD] = Value::Null;
            }
        }
        (Bug::FailedLeadDated, leads::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let cells = &mut record["fields"];
                if cells.get(leads::DATE_POSTS_SCORED).is_some_and(Value::is_null) {
                    cells[leads::DATE_POSTS_SCORED] = json!("2026-11-23T10:00:00.000Z");
                }
            }
        }
        (Bug::LeadsMixedUp, leads::TABLE) if is_write => {
            if let Some([first, second, ..]) = records.map(Vec::as_mut_slice) {
                let (id, other) = (first["id"].take(), second["id"].take());
                (first["id"], second["id"]) = (other, id);
            }
        }
        (Bug::PostsOverwritten, leads::TABLE) if is_write => {
            for record in records.into_iter().flatten() {
                let Some(posts) = record["fields"][leads::POSTS_CONTENT].as_str() else { continue };
                let posts: Vec<Value> = serde_json::from_str(posts).unwrap_or_default();
                let newest: Vec<Value> = posts.into_iter().take(1).collect();
                record["fields"][leads::POSTS_CONTENT] = json!(json!(newest).to_string());
            }
        }
        _ => return request,
    }
    let (head, _) = request.into_parts();
    http::Request::from_parts(head, Bytes::from(body.to_string()))
}

/// The answer to a request that a worker with the bug never makes as it is.
pub(super) async fn instead(
    world: &World,
    invocation: u64,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    let bug = world.bug?;
    let path = request.uri().path();
    let table = table_of(path);
    #[expect(clippy::wildcard_enum_match_arm, reason = "few of the bugs are in requests")]
    match bug {
        Bug::RequestsPerLead
            if table == leads::TABLE && request.method() == http::Method::PATCH =>
        {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            for record in body["records"].as_array().into_iter().flatten() {
                let row = record["id"].as_str().unwrap_or_default();
                for of in [path.to_owned(), format!("{path}/{row}")] {
                    let mut read = http::Request::get(format!("http://airtable.invalid{of}"));
                    *read.headers_mut()? = request.headers().clone();
                    let now = tokio::time::Instant::now();
                    world.oracle().airtable_asked(invocation, base_of(path), now);
                    world.airtable.respond(read.body(Bytes::new()).ok()?).await;
                }
            }
            None
        }
        Bug::PenaltyIgnored if world.dice.chance(0.05) => {
            world.oracle().airtable_limited(invocation, base_of(path));
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = tokio::time::Instant::now();
            world.oracle().airtable_asked(invocation, base_of(path), now);
            None
        }
        Bug::ErrorTakenForMissing | Bug::CheckThenCreate if table == run_record::TABLE => {
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
        _ => None,
    }
}

/// What a worker with the bug makes of an answer.
pub(super) fn response(
    world: &World,
    service: Service,
    path: &str,
    asked: &[u8],
    response: HttpResponse,
) -> HttpResponse {
    let Some(bug) = world.bug else { return response };
    let mut body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let (mut head, unchanged) = response.into_parts();
    match (bug, service) {
        (Bug::TokensOfUselessAnswersDropped, Service::Gemini) if !is_whole(&body) => {
            body["usageMetadata"] = json!({"totalTokenCount": 0});
        }
        (Bug::CutAnswerAccepted, Service::Gemini) if !is_whole(&body) => {
            let text = body["candidates"][0]["content"]["parts"][0]["text"].as_str();
            let Some(mended) = text.and_then(mended) else {
                return HttpResponse::from_parts(head, unchanged);
            };
            body["candidates"][0]["finishReason"] = json!("STOP");
            body["candidates"][0]["content"]["parts"][0]["text"] = json!(mended);
        }
        (Bug::PostsNotFound, Service::Apify) if path.ends_with("/items") => body = json!([]),
        (Bug::RefusalIgnored, Service::Airtable) if head.status == 422 => {
            head.status = http::StatusCode::OK;
            let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
            let records = asked["records"].as_array().into_iter().flatten();
            let records: Vec<Value> = records
                .map(|record| {
                    json!({"id": "recX8s1pPiBf5rqTz", "createdTime": world.clock.now(),
                        "fields": record["fields"]})
                })
                .collect();
            body = json!({"records": records, "createdRecords": []});
        }
        (Bug::ScoreForgotten, Service::Airtable)
            if table_of(path) == leads::TABLE && path.ends_with("/listRecords") =>
        {
            for record in body["records"].as_array_mut().into_iter().flatten() {
                if let Some(cells) = record["fields"].as_object_mut() {
                    cells.remove(leads::POSTS_EVALUATION);
                    cells.remove(leads::DATE_POSTS_SCORED);
                }
            }
        }
        (Bug::EverythingSkipped, Service::Airtable)
            if table_of(path) == leads::TABLE && path.ends_with("/listRecords") =>
        {
            for record in body["records"].as_array_mut().into_iter().flatten() {
                if let Some(cells) = record["fields"].as_object_mut() {
                    cells.remove(leads::POSTS_CONTENT);
                    cells.remove(leads::RAW_PROFILE);
                }
            }
        }
        (Bug::SecondPageLost, Service::Airtable)
            if table_of(path) == leads::TABLE && path.ends_with("/listRecords") =>
        {
            body.as_object_mut().map(|body| body.remove("offset"));
        }
        _ => return HttpResponse::from_parts(head, unchanged),
    }
    HttpResponse::from_parts(head, Bytes::from(body.to_string()))
}

/// The record of a run.
fn existing(world: &World, run: &Value) -> Option<Row> {
    let rows = world.airtable.rows(MASTER_BASE, run_record::TABLE).ok()?;
    rows.into_iter().find(|row| row.fields.get(run_record::RUN_ID) == Some(run))
}

fn is_whole(answer: &Value) -> bool {
    answer["candidates"][0]["finishReason"] == "STOP"
}

/// An array that was cut off, closed after its last whole object or in the middle of one.
fn mended(text: &str) -> Option<String> {
    ["}]", "\"}]", "]", "0}]"]
        .iter()
        .map(|end| format!("{text}{end}"))
        .find(|text| serde_json::from_str::<Value>(text).is_ok())
}
