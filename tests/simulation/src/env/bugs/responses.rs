//! Bugs in how a worker reads an answer.

use crate::bug::Bug;
use crate::env::parts::Service;
use crate::env::paths::table_of;
use crate::env::world::World;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::ports::HttpResponse;
use shared::schema::{clients, leads};

/// How a worker with the bug reads the answer to a request for `path` with the body `asked`.
pub(crate) fn response(
    world: &World,
    service: Service,
    (path, asked): (&str, &[u8]),
    response: HttpResponse,
) -> HttpResponse {
    let Some(bug) = world.bug else { return response };
    let mut body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let (mut head, unchanged) = response.into_parts();
    let is_changed = match service {
        Service::Apify if bug == Bug::PostsNotFound && path.ends_with("/items") => {
            body = json!([]);
            true
        }
        Service::Apify if bug == Bug::OddItemsDropped && path.ends_with("/items") => {
            let items = body.as_array_mut();
            items.is_some_and(|items| {
                items.retain(|item| item["type"] == "post");
                true
            })
        }
        Service::Apify
            if bug == Bug::LimitOfItemsNotSeen && body["data"]["options"].is_object() =>
        {
            body["data"]["options"] = json!({});
            body["data"]["chargedEventCounts"]["zero-result-query"] = json!(1_000);
            true
        }
        // As if the service were unavailable for a moment.
        Service::Gemini if bug == Bug::CreditIgnored && head.status == 402 => {
            head.status = http::StatusCode::SERVICE_UNAVAILABLE;
            true
        }
        Service::Gemini => {
            change_odd_answer(bug, &mut body)
                || (!is_whole(&body) && change_useless_answer(bug, &mut body))
        }
        Service::Airtable if bug == Bug::RefusalIgnored && head.status == 422 => {
            head.status = http::StatusCode::OK;
            body = taken_for_success(world, asked);
            true
        }
        Service::Airtable if table_of(path) == clients::TABLE && path.ends_with("/listRecords") => {
            bug == Bug::UnreadableLimitIgnored && empty_odd_cells(&mut body)
        }
        Service::Airtable if table_of(path) == leads::TABLE && path.ends_with("/listRecords") => {
            change_listing(bug, &mut body)
        }
        Service::Apify | Service::Airtable => false,
    };
    let body = if is_changed { Bytes::from(body.to_string()) } else { unchanged };
    HttpResponse::from_parts(head, body)
}

/// Changes an answer that is odd but complete. Returns whether the bug does that.
fn change_odd_answer(bug: Bug, body: &mut Value) -> bool {
    let text = body["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap_or_default();
    let is_bare =
        text.is_empty() || serde_json::from_str::<Value>(text).is_ok_and(|it| it.is_array());
    let usage = &body["usageMetadata"];
    let of = |name: &str| usage[name].as_u64().unwrap_or_default();
    let counted = of("promptTokenCount") + of("candidatesTokenCount");
    match bug {
        Bug::WrappedAnswerDropped if !is_bare && is_whole(body) => {
            body["candidates"][0]["content"]["parts"][0]["text"] = json!("no JSON");
            true
        }
        Bug::ThoughtsOfTotalDropped if of("thoughtsTokenCount") == 0 && counted > 0 => {
            body["usageMetadata"]["totalTokenCount"] = json!(counted);
            true
        }
        _ => false,
    }
}

/// Changes an incomplete answer of the model. Returns whether the bug does that.
fn change_useless_answer(bug: Bug, body: &mut Value) -> bool {
    match bug {
        Bug::TokensOfUselessAnswersDropped => {
            body["usageMetadata"] = json!({"totalTokenCount": 0});
            true
        }
        Bug::CutAnswerAccepted => {
            let text = body["candidates"][0]["content"]["parts"][0]["text"].as_str();
            let Some(mended) = text.and_then(mended) else { return false };
            body["candidates"][0]["finishReason"] = json!("STOP");
            body["candidates"][0]["content"]["parts"][0]["text"] = json!(mended);
            true
        }
        _ => false,
    }
}

/// What Airtable would have answered without refusing these records.
fn taken_for_success(world: &World, asked: &[u8]) -> Value {
    let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
    let records = asked["records"].as_array().into_iter().flatten().map(|record| {
        json!({"id": "recX8s1pPiBf5rqTz", "createdTime": world.clock.now(),
            "fields": record["fields"]})
    });
    json!({"records": records.collect::<Vec<_>>(), "createdRecords": []})
}

/// Changes a page of leads. Returns whether the bug does that.
fn change_listing(bug: Bug, body: &mut Value) -> bool {
    let lost: &[&str] = match bug {
        Bug::ScoreForgotten => &[leads::POSTS_EVALUATION, leads::DATE_POSTS_SCORED],
        Bug::EverythingSkipped => &[leads::POSTS_CONTENT, leads::RAW_PROFILE],
        Bug::ErrorCellTakenForEmpty => return empty_odd_cells(body),
        Bug::SecondPageLost => {
            body.as_object_mut().map(|body| body.remove("offset"));
            return true;
        }
        _ => return false,
    };
    for record in body["records"].as_array_mut().into_iter().flatten() {
        if let Some(cells) = record["fields"].as_object_mut() {
            lost.iter().for_each(|field| drop(cells.remove(*field)));
        }
    }
    true
}

/// Empties the cells of a page that contain an error.
fn empty_odd_cells(body: &mut Value) -> bool {
    for record in body["records"].as_array_mut().into_iter().flatten() {
        if let Some(cells) = record["fields"].as_object_mut() {
            cells.retain(|_, cell| !cell.is_object());
        }
    }
    true
}

fn is_whole(answer: &Value) -> bool {
    answer["candidates"][0]["finishReason"] == "STOP"
}

/// A truncated array, closed after its last complete object or in the middle of one.
fn mended(text: &str) -> Option<String> {
    ["}]", "\"}]", "]", "0}]"]
        .iter()
        .map(|end| format!("{text}{end}"))
        .find(|text| serde_json::from_str::<Value>(text).is_ok())
}
