//! Describes a message in an operator's words.

use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::messages::{ClientScope, Message, MetricsMessage, RetryState, ScoringTask};
use shared::ports::QueueName;

/// The run of a queue's message, if the message names it, and a description of the message.
pub(crate) fn message_in_words(queue: QueueName, body: &str) -> (Option<RunId>, String) {
    match queue {
        QueueName::Metrics => event_in_words(body),
        QueueName::Retry if RetryState::of(body).queue.as_deref() == Some("metrics") => {
            event_in_words(body)
        }
        QueueName::Scoring | QueueName::Retry => task_in_words(body),
    }
}

/// The run of a task, if the task names it, and a description of the task.
pub(crate) fn task_in_words(body: &str) -> (Option<RunId>, String) {
    match ScoringTask::decode(body) {
        Ok(ScoringTask::Ingest(task)) => {
            let base_and_client = task.hints.run_stamp.zip(task.hints.client);
            let run = base_and_client.map(|(base, client)| RunId::new(&base, &client));
            (run, format!("harvest {}", task.apify_run_id))
        }
        Ok(ScoringTask::Chunk(chunk)) => {
            (Some(chunk.run.id()), format!("chunk {} of {}", chunk.index + 1, chunk.of))
        }
        Ok(ScoringTask::Replay(task)) => {
            (Some(task.run.id()), format!("replay of {}", counted(task.leads() as u64, "lead")))
        }
        Ok(ScoringTask::ScoreWaiting(task)) => {
            let what = format!("planning of waiting {}s", task.kind.as_str());
            match (&task.clients, task.run()) {
                (ClientScope::One(client), Ok(stamp)) => (Some(RunId::new(&stamp, client)), what),
                (ClientScope::All, Ok(stamp)) => {
                    (None, format!("{what} of all clients, run {stamp}"))
                }
                (_, Err(error)) => (None, format!("{what}: {error}")),
            }
        }
        Err(error) => (None, error.to_string()),
    }
}

/// The run of a metrics message, and a description of the message.
fn event_in_words(body: &str) -> (Option<RunId>, String) {
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(event)) => {
            (Some(event.run.id()), format!("event {}", event.fact.name().replace('_', " ")))
        }
        Ok(MetricsMessage::Heard(_)) => (None, "harvest heard of".to_owned()),
        Ok(MetricsMessage::Project(due)) => (Some(due.run), "record to be written".to_owned()),
        Ok(MetricsMessage::Tick) => (None, "tick".to_owned()),
        Err(error) => (None, error.to_string()),
    }
}
