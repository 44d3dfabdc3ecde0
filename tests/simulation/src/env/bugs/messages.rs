//! Bugs in what a worker sends to a queue.

use crate::bug::Bug;
use crate::env::world::World;
use serde_json::{Value, json};
use shared::messages::{RetryState, routes};
use shared::ports::{OutgoingMessage, QueueName, WaitingMessage};

/// What a worker with the bug sends instead of `messages`.
pub(crate) fn sent(
    world: &World,
    queue: QueueName,
    messages: Vec<OutgoingMessage>,
) -> Vec<OutgoingMessage> {
    let Some(bug) = world.bug else { return messages };
    let mut sent = Vec::new();
    for message in messages {
        let mut body: Value = serde_json::from_str(message.body()).unwrap_or_default();
        let copy = changed_message(world, bug, queue, &mut body);
        match copy {
            Copies::None => continue,
            Copies::One => {}
            Copies::Two(second) => {
                let deduplication = format!("{}-again", message.deduplication());
                let second = second.to_string();
                sent.push(routes::verbatim(message.group(), &deduplication, &second));
            }
        }
        let body = body.to_string();
        sent.push(routes::verbatim(message.group(), message.deduplication(), &body));
    }
    sent
}

/// What a worker with the bug puts on the retry queue instead of `message`.
pub(crate) fn waiting(world: &World, message: WaitingMessage) -> WaitingMessage {
    let state = RetryState::of(message.body());
    if world.has(Bug::PaidCallsForgotten) {
        let mut body: Value = serde_json::from_str(message.body()).unwrap_or_default();
        body.as_object_mut().map(|task| task.remove("tried"));
        return as_if_sent(&body.to_string(), state, &message);
    }
    if world.has(Bug::ProgressClaimed) {
        return as_if_sent(message.body(), state.with_progress(), &message);
    }
    if world.has(Bug::LeadsTakenForSettled) {
        let mut body: Value = serde_json::from_str(message.body()).unwrap_or_default();
        let keys = |leads: &Vec<Value>| leads.iter().map(|lead| lead["key"].clone()).collect();
        let keys: Option<Vec<Value>> = body["leads"].as_array().map(keys);
        if let Some(keys) = keys.filter(|_| body["type"] == "chunk") {
            body["tried"]["settled"] = json!(keys);
        }
        return as_if_sent(&body.to_string(), state, &message);
    }
    if !world.has(Bug::AttemptFromReceiveCount) {
        return message;
    }
    // Each attempt is a separate message that is received once.
    as_if_sent(message.body(), RetryState { attempt: 1, ..state }, &message)
}

/// The message with this body and state.
fn as_if_sent(body: &str, state: RetryState, message: &WaitingMessage) -> WaitingMessage {
    let group = state.group.clone().unwrap_or_default();
    let queue = if state.queue.as_deref() == Some("metrics") {
        QueueName::Metrics
    } else {
        QueueName::Scoring
    };
    routes::next_attempt_later(body, &state, (queue, &group), message.delay())
}

/// How a worker with the bug reads a message that it receives.
pub(crate) fn received(world: &World, body: &str) -> String {
    if !world.has(Bug::LimitedWavesOverlap) {
        return body.to_owned();
    }
    let mut task: Value = serde_json::from_str(body).unwrap_or_default();
    if task["token_share"] == json!(0) {
        return body.to_owned();
    }
    task.as_object_mut().map(|task| task.remove("token_share"));
    task.to_string()
}

/// Whether a task that should wait keeps its place in its group instead.
pub(crate) fn keeps_place(world: &World, message: &WaitingMessage) -> bool {
    if !world.has(Bug::FailedTaskKeepsPlace) {
        return false;
    }
    match routes::after_waiting(message.body()) {
        Some((QueueName::Scoring, task)) => world.queues.keep_place(&task, message.delay()),
        Some(_) | None => return false,
    }
    true
}

enum Copies {
    None,
    One,
    Two(Value),
}

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
        Bug::BilledUnderAnotherWave if is(body, "/fact/type", "billed") => {
            let wave = body["fact"]["wave"].as_u64().unwrap_or_default();
            body["fact"]["wave"] = json!(wave.saturating_sub(1));
            Copies::One
        }
        Bug::WebhookNotQueued if is(body, "/type", "ingest") => Copies::None,
        Bug::SecondEndLost if is(body, "/type", "ingest") && body.get("finished_at").is_some() => {
            Copies::None
        }
        Bug::PaidCallsForgotten if is(body, "/type", "chunk") => {
            body.as_object_mut().map(|chunk| chunk.remove("tried"));
            Copies::One
        }
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
