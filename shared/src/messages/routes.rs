//! The route of every message: its group and its deduplication id. Only this module chooses them.

use super::chunk::Chunk;
use super::envelope::Message;
use super::metrics::{Heard, MetricsEvent, MetricsMessage, Project};
use super::replay::Replay;
use super::retry_state::RetryState;
use super::scoring::{ClientScope, Ingest, ScoreWaiting, ScoringTask};
use crate::core::digest::{id_of, lane_of, queue_id};
use crate::core::ids::{ApifyRunId, BaseId, ClientId, RunId, RunStamp};
use crate::ports::{DeadLetter, OutgoingMessage, QueueName, WaitingMessage};
use crate::services::airtable::PLAN_LANES;
use jiff::Timestamp;
use std::time::Duration;

/// The name used for the group of plans for all clients.
const ALL_CLIENTS: &str = "all";
/// The prefix of every plan's group.
const PLAN: &str = "plan#";

/// The group of plans for a client. There are as many groups as plans may read the master base at
/// the same time. Plans of one client run one after another.
pub fn plan_group(client: &str) -> String {
    format!("{PLAN}{}", lane_of(client, PLAN_LANES))
}

/// The group of plans for all clients. A schedule in the template sends to it too.
pub fn all_clients_group() -> String {
    plan_group(ALL_CLIENTS)
}

/// A plan for one client or for all clients.
fn plan(client: &str, deduplication: String, task: &ScoringTask) -> OutgoingMessage {
    OutgoingMessage::new(plan_group(client), deduplication, task.encode()).of_client(client)
}

/// The group of chunks of a client's base in lane `lane`. The lanes of a base are worked on at the
/// same time.
pub fn chunk_group(base: &BaseId, lane: u32) -> String {
    queue_id(&format!("{base}#{lane}"))
}

/// Whether the messages of a group are plans.
pub fn is_plan_group(group: &str) -> bool {
    group.starts_with(PLAN)
}

/// The holder of the work in a group: all lanes of a base have the same holder, and any other group
/// is its own holder.
pub fn holder_of(group: &str) -> &str {
    let lane = |(base, _): &(&str, &str)| base.parse::<BaseId>().is_ok();
    group.split_once('#').filter(lane).map_or(group, |(base, _)| base)
}

/// The group of events and ticks. A schedule in the template sends to it too.
pub fn events_group(master: &BaseId) -> String {
    queue_id(master.as_str())
}

/// Reads a harvest. The queue drops a second delivery of the same webhook. A webhook that names
/// another run, client or end of the same harvest is a separate task. If a harvest is known to
/// belong to nobody, its webhooks that name no end are one task, however many dispatches there are.
pub fn ingest(task: Ingest) -> OutgoingMessage {
    let client = task.hints.client.as_ref().map_or("?", |client| client.as_str()).to_owned();
    let mut about = vec!["ingest", task.apify_run_id.as_str(), &task.event_type, &client];
    let run = task.hints.run_stamp.as_ref().map(RunStamp::as_str);
    let is_nobodys = task.hints.unattributed.is_some();
    let dispatch = || task.dispatch_id.clone().filter(|_| !is_nobodys);
    let end = task.finished_at.map(|at| at.to_string()).or_else(dispatch);
    if run.is_some() || end.is_some() {
        about.extend([run.unwrap_or_default(), end.as_deref().unwrap_or_default()]);
    }
    if is_nobodys {
        about.push("unattributed");
    }
    let deduplication = id_of(&about);
    plan(&client, deduplication, &ScoringTask::Ingest(task))
}

/// The messages that report the end of a harvest: its task for the scoring queue, and then a notice
/// for the metrics queue. With the notice, the finalizer needs no tick to find the harvest, however
/// long its task waits. Send the notice last: a harvest that was announced but not queued would be
/// lost.
pub fn harvest_ended(task: Ingest) -> (OutgoingMessage, OutgoingMessage) {
    let heard = heard(&task.apify_run_id, task.finished_at);
    (ingest(task), heard)
}

/// Scores waiting leads as requested. The queue drops a second request for the same `run` and
/// scope, even if it was made at another time.
pub fn score_waiting(task: ScoreWaiting, run: &RunStamp) -> OutgoingMessage {
    let named = ScoreWaiting { run_stamp: Some(run.clone()), requested_at: None, ..task.clone() };
    let deduplication = id_of(&["score", &ScoringTask::ScoreWaiting(named).encode()]);
    let client = match &task.clients {
        ClientScope::All => ALL_CLIENTS.to_owned(),
        ClientScope::One(client) => client.to_string(),
    };
    plan(&client, deduplication, &ScoringTask::ScoreWaiting(task))
}

/// Scores the waiting leads of `client`, as a part of scoring all clients. The queue drops a second
/// part for the same `run`.
pub fn score_client(task: ScoreWaiting, run: &RunStamp, client: &ClientId) -> OutgoingMessage {
    let limit = task.limit.map_or(String::new(), |limit| limit.to_string());
    let dry_run = task.dry_run.to_string();
    let (kind, name) = (task.kind.as_str(), client.as_str());
    let deduplication = id_of(&["score", run.as_str(), name, kind, &limit, &dry_run]);
    plan(name, deduplication, &ScoringTask::ScoreWaiting(task))
}

/// Plans the remaining waiting leads of `client`. The task says where to continue.
pub fn rest_of_planning(task: ScoreWaiting, client: &ClientId) -> OutgoingMessage {
    let task = ScoringTask::ScoreWaiting(task);
    let deduplication = id_of(&["rest", &task.encode()]);
    plan(client.as_str(), deduplication, &task)
}

/// Queues a chunk in one of its base's lanes. The queue drops a second copy of the chunk.
pub fn chunk(chunk: Chunk, lane: u32) -> OutgoingMessage {
    let deduplication = id_of(&["chunk", chunk.plan.as_str(), &chunk.index.to_string()]);
    let group = chunk_group(&chunk.base, lane);
    OutgoingMessage::new(group, deduplication, ScoringTask::Chunk(Box::new(chunk)).encode())
}

/// Replays what failed or is missing in a run.
pub fn replay(task: Replay) -> OutgoingMessage {
    let client = task.run.client.to_string();
    let task = ScoringTask::Replay(Box::new(task));
    plan(&client, id_of(&["replay", &task.encode()]), &task)
}

/// Like [`replay`], but the queue drops a second request for the same leads, even if it was made at
/// another time.
pub fn replay_once(task: Replay) -> OutgoingMessage {
    let timeless = replay(Replay { requested_at: Timestamp::UNIX_EPOCH, ..task.clone() });
    OutgoingMessage { body: replay(task).body, ..timeless }
}

/// Reports a fact to the finalizer. The queue drops a second copy of the event.
pub fn event(event: &MetricsEvent, master: &BaseId) -> OutgoingMessage {
    let (id, body) = event.encode_with_id();
    OutgoingMessage::new(events_group(master), id, body)
}

/// Tells the finalizer that a webhook was accepted, before the run of its harvest is known.
pub fn heard(harvest: &ApifyRunId, finished_at: Option<Timestamp>) -> OutgoingMessage {
    let heard = Heard { apify_run_id: harvest.clone(), finished_at };
    let end = finished_at.map(|at| at.to_string());
    let about: Vec<&str> = ["heard", harvest.as_str()].into_iter().chain(end.as_deref()).collect();
    let body = MetricsMessage::Heard(heard).encode();
    OutgoingMessage::new("heard".to_owned(), id_of(&about), body)
}

/// Requests that the finalizer check all runs. Every tick has a different time.
pub fn tick(master: &BaseId, now: Timestamp) -> OutgoingMessage {
    let body = MetricsMessage::Tick.encode();
    OutgoingMessage::new(events_group(master), format!("tick-{now}"), body)
}

/// Writes the record of `run` when it is due, even if no event arrives until then. `shown_at` is
/// the time of the last write: the queue drops a second message about the same gap.
pub fn project_later(
    run: &RunId,
    master: &BaseId,
    shown_at: Timestamp,
    delay: Duration,
) -> WaitingMessage {
    let body = MetricsMessage::Project(Project { run: run.clone() }).encode();
    let task_id = Some(id_of(&["project", run.as_str(), &shown_at.to_string()]));
    let state = RetryState { task_id, ..RetryState::default() };
    next_attempt_later(&body, &state, (QueueName::Metrics, &events_group(master)), delay)
}

/// Puts a task on the retry queue, where it waits before it returns to its queue and group.
pub fn next_attempt_later(
    body: &str,
    state: &RetryState,
    (queue, group): (QueueName, &str),
    delay: Duration,
) -> WaitingMessage {
    let (queue, group) = (Some(queue.as_str().to_owned()), Some(group.to_owned()));
    let state = RetryState { queue, group, ..state.clone() };
    WaitingMessage::new(state.put_into(body), delay)
}

/// The next attempt at a task, at the end of its group. The queue drops a copy of it.
pub fn next_attempt(body: &str, state: &RetryState, group: &str) -> OutgoingMessage {
    let task = state.task_id.as_deref().unwrap_or_default();
    let (attempt, waits) = (state.attempt.to_string(), state.waits.to_string());
    let deduplication = id_of(&["attempt", task, &attempt, &waits]);
    let state = RetryState { group: None, queue: None, ..state.clone() };
    OutgoingMessage::new(group.to_owned(), deduplication, state.put_into(body))
}

/// The queue and message to send after a message has waited on the retry queue; `None` if the
/// message does not name its queue and group.
pub fn after_waiting(body: &str) -> Option<(QueueName, OutgoingMessage)> {
    let state = RetryState::of(body);
    let queue: QueueName = state.queue.as_deref()?.parse().ok()?;
    let group = state.group.as_deref().filter(|group| !group.is_empty() && queue.is_fifo())?;
    Some((queue, next_attempt(body, &state, group)))
}

/// A dead letter of `queue` to send again, starting with its first attempt. A dead letter of the
/// retry queue goes to the group that it was meant for; `None` if it does not name one.
pub fn redriven(queue: QueueName, letter: &DeadLetter) -> Option<(QueueName, OutgoingMessage)> {
    let DeadLetter { message_id, group, body, .. } = letter;
    let state = RetryState::of(body);
    let (queue, group) = if queue.is_fifo() {
        (queue, group.clone())
    } else {
        (state.queue?.parse().ok()?, state.group?)
    };
    let body = RetryState::default().put_into(body);
    Some((queue, OutgoingMessage::new(group, message_id.clone(), body)))
}

/// A message exactly as given, such as one that a test writes by hand.
pub fn verbatim(group: &str, deduplication: &str, body: &str) -> OutgoingMessage {
    OutgoingMessage::new(group.to_owned(), deduplication.to_owned(), body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const RUN: &str = r#"{"base_run":"261123-100000","client":"Guy-Wilson","client_name":"Guy Wilson","run_type":"standalone","opened_at":"2026-11-23T10:00:00Z"}"#;

    fn task<T: serde::de::DeserializeOwned>(fields: serde_json::Value) -> T {
        let mut fields = fields;
        fields["run"] = serde_json::from_str(RUN).unwrap();
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn plans_of_one_process_are_known_as_such_whatever_their_clients_are_called() {
        for client in ["Guy-Wilson", "Kite and Anchor", "Zoë", "李小龍", &"n".repeat(100)] {
            let waiting: ScoreWaiting = task(json!({"clients": {"one": client}, "kind": "post",
                "requested_at": "2026-11-23T10:00:00Z"}));
            let run: RunStamp = "261123-100000".parse().unwrap();
            let group = score_waiting(waiting, &run).group_of_one_process();
            assert!(is_plan_group(&group) && holder_of(&group) == group, "{group}");
            assert!(group.len() <= 128 && group.is_ascii(), "{group}");
        }
    }

    #[test]
    fn a_route_never_changes_between_releases() {
        let master: BaseId = "appMaster00000001".parse().unwrap();
        let client: ClientId = "Guy-Wilson".parse().unwrap();
        let run: RunStamp = "261123-100000".parse().unwrap();
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let harvest: ApifyRunId = "HG7ML7M8z78YcAPEB".parse().unwrap();
        let webhook = json!({"apify_run_id": harvest, "event_type": "ACTOR.RUN.SUCCEEDED",
            "hints": {"client": client}, "received_at": at});
        let waiting = json!({"clients": {"one": client}, "kind": "post", "requested_at": at});
        let waiting: ScoreWaiting = task(waiting);
        let everyone = ScoreWaiting { clients: ClientScope::All, ..waiting.clone() };
        let again: Replay = task(json!({"requested_at": at, "unplanned": [harvest]}));
        let fact = json!({"at": at, "fact": {"type": "noted", "kind": "input", "text": "odd"}});
        let a_chunk = json!({"plan": "IMWhSz8Df0ytWalS961bKQ", "index": 0, "of": 1,
            "kind": "profile", "base": "appGuy00000000001", "source": "waiting", "rubric": "",
            "writable": [], "leads": []});
        let routes = [
            ingest(task(webhook)),
            score_waiting(waiting.clone(), &run),
            score_waiting(everyone, &run),
            score_client(waiting.clone(), &run, &client),
            rest_of_planning(waiting, &client),
            replay(again.clone()),
            replay_once(again),
            chunk(task(a_chunk), 1),
            event(&task(fact), &master),
            heard(&harvest, None),
            tick(&master, at),
        ]
        .map(|message| format!("{} {}", message.group(), message.deduplication()));
        assert_eq!(
            routes,
            [
                "plan#0 imPDika0bvWngvjXU3hX1w",
                "plan#0 iFU-uLQPtAZn7mhsFD3nzw",
                "plan#1 yTaik2-SUSFO0kpBl-iY-Q",
                "plan#0 RNp8jx_joUsZjTlyNb1_Nw",
                "plan#0 qgjMPf92JTXTKNRhJBYNeA",
                "plan#0 SPtAKzapu6VPgA4Lspw_FQ",
                "plan#0 0uHwyCH84JnAnktxGVPgxg",
                "appGuy00000000001#1 H2PTsyfiPogPonACkW8PfQ",
                "appMaster00000001 noted-uS797r_ksmIzqu-XthmZkQ",
                "heard qI-wsVAvzf5no9cnIScDVw",
                "appMaster00000001 tick-2026-11-23T10:00:00Z"
            ]
        );
    }
}
