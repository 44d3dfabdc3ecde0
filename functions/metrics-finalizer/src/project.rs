//! Fold and project: from a run's events to its record.

use crate::{Finalizer, stored};
use jiff::Timestamp;
use shared::failure::FailureClass;
use shared::fold::{RunState, Status, Summary};
use shared::ids::RunId;
use shared::messages::{Fact, Message, MetricsEvent, MetricsMessage, Note, NoteKind};
use shared::run_records::{MAX_RUNS, Written};
use shared::seams::{EventLog, LogError, Projection, Queue, Transport};

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
struct Folded {
    summary: Summary,
    last_progress: Timestamp,
    events: usize,
    known: Option<Projection>,
}

/// Projects the runs that events came in for, as far as they are due.
pub(crate) async fn touched<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    runs: Vec<(RunId, Urgency)>,
) {
    let mut due = Vec::new();
    for (run, urgency) in runs {
        match due_now(app, &run, urgency).await {
            Ok(Some(folded)) => due.push(folded),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, run.id = %run, "run is left unprojected"),
        }
    }
    write(app, due).await;
}

/// Looks at every open run: projects what is unprojected, and marks what no longer moves.
pub(crate) async fn tick<T: Transport, Q: Queue, L: EventLog>(app: &Finalizer<T, Q, L>) {
    let runs = match app.log.open_runs().await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(%error, "the tick could not read the open runs; the next one will");
            return;
        }
    };
    for runs in runs.chunks(MAX_RUNS) {
        let mut due = Vec::new();
        for run in runs {
            match look_at(app, run).await {
                Ok(Some(folded)) => due.push(folded),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, run.id = %run, "run is left unprojected"),
            }
        }
        write(app, due).await;
    }
}

/// Folds the run if its record is to be written now: when it has none, when its last writing is
/// long enough ago, or when the run is at its end.
async fn due_now<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
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
    let folded = fold(app, run).await?;
    Ok(folded.filter(|folded| is_due || folded.summary.status.is_end()))
}

/// Folds an open run and notes when it stalled. Returns it if its record is behind.
async fn look_at<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    run: &RunId,
) -> Result<Option<Folded>, LogError> {
    let Some(folded) = fold(app, run).await? else { return Ok(None) };
    let now = app.clock.now();
    let waits = now.duration_since(folded.last_progress);
    if folded.summary.status == Status::Running && waits >= app.config.stall_after {
        let text = format!("no progress for {} minutes", waits.as_mins());
        note(app, &folded.summary, NoteKind::Stalled, text).await?;
        return fold(app, run).await;
    }
    let shown = folded.known.as_ref().map_or(0, |known| known.events);
    Ok((shown != folded.events).then_some(folded))
}

async fn fold<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    run: &RunId,
) -> Result<Option<Folded>, LogError> {
    let log = app.log.read(run).await?;
    let events: Vec<MetricsEvent> =
        log.events.iter().filter_map(|body| decode(run, body)).collect();
    Ok(RunState::fold(&events).map(|state| Folded {
        summary: state.summary(),
        last_progress: state.last_progress(),
        events: log.events.len(),
        known: log.projection,
    }))
}

/// An event of the log. One that cannot be read was written by another release: it is left out,
/// loudly, until a release that knows it folds the run again.
fn decode(run: &RunId, body: &str) -> Option<MetricsEvent> {
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(event)) => Some(*event),
        Ok(MetricsMessage::Tick) => None,
        Err(error) => {
            tracing::error!(%error, run.id = %run, "an event of the log cannot be read");
            None
        }
    }
}

/// Writes the records of up to 10 runs. What cannot be written stays unprojected.
async fn write<T: Transport, Q: Queue, L: EventLog>(app: &Finalizer<T, Q, L>, due: Vec<Folded>) {
    if due.is_empty() {
        return;
    }
    let summaries: Vec<Summary> = due.iter().map(|folded| folded.summary.clone()).collect();
    match app.records.write(&app.airtable, &summaries).await {
        Ok(written) => {
            for written in written {
                let of_run = |folded: &&Folded| folded.summary.run == written.run;
                let Some(folded) = due.iter().find(of_run) else { continue };
                if let Err(error) = written_down(app, folded, &written).await {
                    tracing::error!(%error, run.id = %written.run, "run is projected again later");
                }
            }
        }
        // One record can take the others of its request down with it: write each alone.
        Err(error) if due.len() > 1 && error.class() == FailureClass::Terminal => {
            for folded in due {
                Box::pin(write(app, vec![folded])).await;
            }
        }
        Err(error) => {
            for folded in &due {
                tracing::error!(%error, run.id = %folded.summary.run, "run is left unprojected");
            }
        }
    }
}

/// Remembers what the record shows, and notes what was repaired on the way.
async fn written_down<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    folded: &Folded,
    written: &Written,
) -> Result<(), LogError> {
    let summary = &folded.summary;
    let moved = folded.known.as_ref().filter(|known| known.record != written.record);
    let repairs = [
        moved.map(|known| {
            let how = if written.created { "created again" } else { "found as another row" };
            format!("record {} was gone; {how} as {} from the log", known.record, written.record)
        }),
        (!written.duplicates.is_empty()).then(|| {
            let others: Vec<&str> = written.duplicates.iter().map(|id| id.as_str()).collect();
            format!(
                "record existed more than once; kept {}, marked {}",
                written.record,
                others.join(", ")
            )
        }),
    ];
    let mut noted = false;
    for text in repairs.into_iter().flatten() {
        tracing::warn!(run.id = %summary.run, client.id = %summary.header.client, text, "run record repaired");
        note(app, summary, NoteKind::Record, text).await?;
        noted = true;
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
    shared::metrics_emf::run_written(summary, folded.known.as_ref().is_none_or(|known| known.open));
    let projection = Projection {
        events: folded.events,
        at: app.clock.now(),
        record: written.record.clone(),
        open: noted || !summary.status.is_end(),
    };
    app.log.save_projection(&summary.run, &projection).await?;
    if noted {
        // The notes belong on the record now, not at the next event.
        if let Some(folded) = fold(app, &summary.run).await? {
            Box::pin(write(app, vec![folded])).await;
        }
    }
    Ok(())
}

async fn note<T: Transport, Q: Queue, L: EventLog>(
    app: &Finalizer<T, Q, L>,
    summary: &Summary,
    kind: NoteKind,
    text: String,
) -> Result<(), LogError> {
    let event = MetricsEvent {
        run: summary.header.clone(),
        at: app.clock.now(),
        fact: Fact::Noted(Note { kind, text }),
    };
    app.log.append(&summary.run, &[stored(&event)]).await
}
