//! Fold and project: from a run's events to its record.

use crate::{Finalizer, diagnose, stored};
use shared::core::ids::{RecordId, RunId};
use shared::fold::{RunState, Summary};
use shared::messages::{Fact, MetricsEvent, Note, NoteKind};
use shared::ports::{Env, EventLog, LogError, Projection, RunLog};
use shared::run_records::Written;
use std::fmt::Display;

/// Whether events can have brought a run to its end, so that its record must not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Only progress: the record may wait until it is due.
    Progress,
    /// The run may have ended.
    MayBeEnd,
}

impl Urgency {
    pub(crate) fn of(events: &[MetricsEvent]) -> Self {
        events.iter().map(|event| Self::of_fact(&event.fact)).max().unwrap_or(Self::Progress)
    }

    fn of_fact(fact: &Fact) -> Self {
        match fact {
            Fact::Harvested(_)
            | Fact::Planned(_)
            | Fact::PlannedChunk(_)
            | Fact::ChunkDone(_)
            | Fact::ChunkFailed(_)
            | Fact::RunFailed(_) => Self::MayBeEnd,
            Fact::Opened(_)
            | Fact::Announced(_)
            | Fact::Billed(_)
            | Fact::Settled(_)
            | Fact::Noted(_) => Self::Progress,
        }
    }
}

/// A run that was read and folded, ready to be written.
pub(crate) struct Folded {
    pub(crate) state: RunState,
    pub(crate) summary: Summary,
    /// How many events were folded.
    pub(crate) events: usize,
    appends: u64,
    /// What its record shows, as far as known.
    pub(crate) known: Option<Projection>,
}

/// Projects the runs that events came in for, as far as they are due.
pub(crate) async fn touched<E: Env>(app: &Finalizer<E>, runs: Vec<(RunId, Urgency)>) {
    let mut due = Vec::new();
    for (run, urgency) in runs {
        match due_now(app, &run, urgency).await {
            Ok(Some(folded)) => due.push(folded),
            Ok(None) => {}
            Err(error) => unprojected(&run, &error),
        }
    }
    write(app, due).await;
}

/// Folds the run if its record is to be written now: when it has none, when its last writing is
/// long enough ago, or when the run is at its end.
async fn due_now<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
    urgency: Urgency,
) -> Result<Option<Folded>, LogError> {
    let is_due =
        app.log.projection(run).await?.is_none_or(|known| {
            app.clock.now().duration_since(known.at) >= app.config.project_every
        });
    if !is_due && urgency == Urgency::Progress {
        return Ok(None);
    }
    let log = app.log.read(run).await?;
    if let Some(known) = log.projection.as_ref().filter(|p| p.events == log.events.len()) {
        // A message that was delivered again. Nothing is to be written, but storing it opened the
        // run.
        let still_shown = Projection { appends: log.appends, ..known.clone() };
        app.log.save_projection(run, &still_shown).await?;
        return Ok(None);
    }
    let folded = fold_log(app, run, log);
    Ok(folded.filter(|folded| is_due || folded.summary.status.is_end()))
}

/// Reads and folds a run; `None` when the log has nothing of it.
pub(crate) async fn fold<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
) -> Result<Option<Folded>, LogError> {
    Ok(fold_log(app, run, app.log.read(run).await?))
}

fn fold_log<E: Env>(app: &Finalizer<E>, run: &RunId, log: RunLog) -> Option<Folded> {
    let events = log.events.len();
    let read = app.events.read(run, log.events);
    RunState::fold(read.iter().map(|event| &**event)).map(|state| Folded {
        summary: state.summary(),
        state,
        events,
        appends: log.appends,
        known: log.projection,
    })
}

/// What becomes of the notes on repairs made while a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repairs {
    /// They belong on the record now, not at the next event: it is written once more.
    ShownNow,
    /// They are shown by the next event or tick: two in a row could go on for ever.
    ShownLater,
}

/// Writes the records of up to 10 runs. What cannot be written stays unprojected.
pub(crate) async fn write<E: Env>(app: &Finalizer<E>, due: Vec<Folded>) {
    write_with(app, due, Repairs::ShownNow).await;
}

async fn write_with<E: Env>(app: &Finalizer<E>, due: Vec<Folded>, repairs: Repairs) {
    if due.is_empty() {
        return;
    }
    let mut diagnosed = Vec::with_capacity(due.len());
    for folded in due {
        let run = folded.summary.run.clone();
        match diagnose::before_creation(app, folded).await {
            Ok(folded) => diagnosed.push(folded),
            Err(error) => unprojected(&run, &error),
        }
    }
    let due = diagnosed;
    let summaries: Vec<Summary> = due.iter().map(|folded| folded.summary.clone()).collect();
    match app.records.write(&app.airtable, &summaries).await {
        Ok(written) => {
            for written in written {
                let of_run = |folded: &&Folded| folded.summary.run == written.run;
                let Some(folded) = due.iter().find(of_run) else { continue };
                if let Err(error) = written_down(app, folded, written, repairs).await {
                    let run = &folded.summary.run;
                    tracing::error!(%error, run.id = %run, "run is projected again later");
                }
            }
        }
        // One record can take the others of its request down with it: write each alone.
        Err(error) if due.len() > 1 && !error.is_retryable() => {
            for folded in due {
                Box::pin(write_with(app, vec![folded], repairs)).await;
            }
        }
        Err(error) => {
            for folded in &due {
                unprojected(&folded.summary.run, &error);
            }
        }
    }
}

/// Says that a run's record stays behind its events for now.
pub(crate) fn unprojected(run: &RunId, error: &dyn Display) {
    shared::telemetry::metrics::run_unprojected();
    tracing::error!(%error, run.id = %run, "run is left unprojected");
}

/// Remembers what the record shows, and notes what was repaired on the way.
async fn written_down<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    mut written: Written,
    shown: Repairs,
) -> Result<(), LogError> {
    let summary = &folded.summary;
    let mut repairs = Vec::new();
    let before = folded.known.as_ref().map(|known| &known.record);
    if let Some(before) = before.filter(|before| **before != written.record) {
        if written.created {
            repairs.push(diagnose::after_creation(app, folded, before, &mut written).await);
        } else if !written.duplicates.contains(before) {
            repairs.push(format!(
                "record {before} was gone; found as another row as {} from the log",
                written.record
            ));
        }
    }
    if !written.duplicates.is_empty() {
        repairs.push(duplicates_in_words(&written.record, &written.duplicates));
    }
    let is_repaired = !repairs.is_empty();
    for text in repairs {
        note(app, summary, NoteKind::Record, text).await?;
    }
    tracing::info!(
        run.id = %summary.run,
        client.id = %summary.header.client,
        run.status = ?summary.status,
        run.tokens = summary.posts.tokens.total + summary.profiles.tokens.total,
        run.balanced = summary.imbalances.is_empty(),
        airtable.record = %written.record,
        airtable.created = written.created,
        "run record written"
    );
    match shown {
        Repairs::ShownNow => {
            let was_open = folded.known.as_ref().is_none_or(|known| known.open);
            shared::telemetry::metrics::run_written(summary, was_open);
        }
        // The same once more, which left the run open only for the notes.
        Repairs::ShownLater => {}
    }
    let projection = Projection {
        events: folded.events,
        at: app.clock.now(),
        record: written.record.clone(),
        open: is_repaired || !summary.status.is_end(),
        appends: folded.appends,
        shown: written.shown.to_text(),
    };
    app.log.save_projection(&summary.run, &projection).await?;
    if is_repaired
        && shown == Repairs::ShownNow
        && let Some(folded) = fold(app, &summary.run).await?
    {
        Box::pin(write_with(app, vec![folded], Repairs::ShownLater)).await;
    }
    Ok(())
}

/// The note about records that share an identity.
pub(crate) fn duplicates_in_words(kept: &RecordId, others: &[RecordId]) -> String {
    let others: Vec<&str> = others.iter().map(RecordId::as_str).collect();
    format!("record existed more than once; kept {kept}, marked {}", others.join(", "))
}

/// Adds a note to the run's events. The record shows it with its next writing.
pub(crate) async fn note<E: Env>(
    app: &Finalizer<E>,
    summary: &Summary,
    kind: NoteKind,
    text: String,
) -> Result<(), LogError> {
    let event = MetricsEvent {
        run: summary.header.clone(),
        at: app.clock.now(),
        fact: Fact::Noted(Note { kind, text }),
    };
    if kind == NoteKind::Record
        && let Fact::Noted(Note { text, .. }) = &event.fact
    {
        tracing::warn!(run.id = %summary.run, client.id = %summary.header.client, text, "noted on the run record");
    }
    app.log.append(&summary.run, &[stored(&event)]).await
}
