//! Actions on dead letters.

use super::form::Preview;
use super::{Done, failed};
use crate::page::book::Book;
use crate::page::site::Problem;
use crate::page::source::Source;
use crate::view::Letter;
use maud::html;
use shared::core::counted::counted;
use shared::core::text::bounded;
use shared::messages::{Fact, MetricsEvent, Note, NoteKind, routes};
use shared::ports::{DeadLetter, QueueName};
use std::collections::BTreeSet;

const GONE: &str = "This dead letter is gone: somebody put it back or discarded it.";
/// Longest reason in a note.
const MAX_REASON: usize = 200;

pub(super) async fn preview_redrive(
    source: &Source,
    which: Option<&(QueueName, String)>,
) -> Result<Preview, Problem> {
    let (title, sentence) = match which {
        Some((queue, id)) => {
            let letter = find(source, *queue, id).await?.ok_or_else(gone)?;
            let what = Letter::of(*queue, &letter).what;
            let sentence = format!(
                "Sends it to the {} queue as a first attempt. It was given up because: {}",
                queue.as_str(),
                letter.reason
            );
            (format!("Put back: {what}"), sentence)
        }
        None => {
            let count: usize = all(source).await?.iter().map(|(_, ids)| ids.len()).sum();
            let letters = counted(count, "dead letter");
            (
                "Put all dead letters back".to_owned(),
                format!("Sends {letters} to their queues as first attempts."),
            )
        }
    };
    let hidden =
        which.map(|(queue, id)| vec![("queue", queue.as_str().to_owned()), ("id", id.clone())]);
    Ok(Preview {
        title,
        does: vec![sentence, "What it had done already is not done or paid for again.".to_owned()],
        costs: "what the work itself costs: calls of the model for leads that have no outcome yet"
            .to_owned(),
        hidden: hidden.unwrap_or_default(),
        fields: html! {},
        button: Some("Put back"),
        is_danger: false,
        back: "/system#dead".to_owned(),
    })
}

pub(super) async fn redrive(
    source: &Source,
    which: Option<&(QueueName, String)>,
) -> Result<Done, Problem> {
    let chosen = match which {
        Some((queue, id)) => vec![(*queue, BTreeSet::from([id.clone()]))],
        None => all(source).await?,
    };
    let mut count = 0;
    for (queue, ids) in chosen {
        count += source.deployment.redrive(queue, &ids).await.map_err(failed)?;
    }
    if count == 0 && which.is_some() {
        return Ok(done(GONE.to_owned()));
    }
    Ok(done(format!("{} put back.", counted(count, "dead letter"))))
}

pub(super) async fn preview_discard(
    source: &Source,
    queue: QueueName,
    id: &str,
) -> Result<Preview, Problem> {
    let letter = find(source, queue, id).await?.ok_or_else(gone)?;
    let told = Letter::of(queue, &letter);
    let note = match &told.run {
        Some(run) => {
            format!("Notes on the run {run} that it was discarded, and why it was given up.")
        }
        None => "It names no run, so no run gets a note.".to_owned(),
    };
    Ok(Preview {
        title: format!("Discard: {}", told.what),
        does: vec![
            "Deletes the message for good: what it asked for is not done.".to_owned(),
            note,
            format!("It was given up because: {}", letter.reason),
        ],
        costs: "nothing".to_owned(),
        hidden: vec![("queue", queue.as_str().to_owned()), ("id", id.to_owned())],
        fields: html! {},
        button: Some("Discard for good"),
        is_danger: true,
        back: "/system#dead".to_owned(),
    })
}

/// Deletes a dead letter. The note on its run is sent first: if the deletion fails, a retry makes
/// the note true, but a missing note would stay missing.
pub(super) async fn discard(
    source: &Source,
    book: &Book,
    queue: QueueName,
    id: &str,
) -> Result<Done, Problem> {
    // The letter may be gone because somebody clicked twice. Then there is nothing to do.
    let Some(letter) = find(source, queue, id).await? else { return Ok(done(GONE.to_owned())) };
    let told = Letter::of(queue, &letter);
    let header = match &told.run {
        Some(run) => {
            let known =
                book.read(&source.deployment, run, |open| open.known.summary.header.clone());
            known.await?
        }
        None => None,
    };
    let is_noted = header.is_some();
    if let Some(run) = header {
        let reason = bounded(&letter.reason, MAX_REASON);
        let text = format!(
            "a dead letter was discarded from the page: {}; it had been given up: {reason}",
            told.what
        );
        let fact = Fact::Noted(Note { kind: NoteKind::Input, text, needs_action: false });
        let event = MetricsEvent { run, at: source.now(), fact };
        let message = routes::event(&event, &source.master);
        source.deployment.send(QueueName::Metrics, message).await.map_err(failed)?;
    }
    source.deployment.discard(queue, id).await.map_err(failed)?;
    let noted = if is_noted { "; its run has a note" } else { "" };
    Ok(done(format!("The dead letter is discarded{noted}.")))
}

fn done(says: String) -> Done {
    Done { says, look_at: "/system".to_owned() }
}

fn gone() -> Problem {
    Problem::NotFound(GONE.to_owned())
}

async fn find(source: &Source, queue: QueueName, id: &str) -> Result<Option<DeadLetter>, Problem> {
    let letters = source.deployment.dead_letters(queue).await.map_err(failed)?;
    Ok(letters.into_iter().find(|letter| letter.message_id == id))
}

/// The ids of all visible dead letters.
async fn all(source: &Source) -> Result<Vec<(QueueName, BTreeSet<String>)>, Problem> {
    let mut all = Vec::new();
    for queue in source.deployment.queues() {
        let letters = source.deployment.dead_letters(queue).await.map_err(failed)?;
        all.push((queue, letters.into_iter().map(|letter| letter.message_id).collect()));
    }
    Ok(all)
}
