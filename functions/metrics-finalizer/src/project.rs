//! Projects runs: decides which are due, writes their records, and remembers what these show.

use crate::diagnose;
use crate::finalizer::Finalizer;
use crate::folded::{self, Folded};
use jiff::SignedDuration;
use shared::core::ids::{ClientId, RecordId, RunId};
use shared::fold::{Status, Summary};
use shared::messages::{Fact, NoteKind};
use shared::ports::{Env, EventLog, LogError, LogHead, Projection};
use shared::run_records::Written;
use shared::telemetry::trace::{self, TraceHeader};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Whether a fact can have ended its run. Then the record must not wait.
pub(crate) fn may_end(fact: &Fact) -> bool {
    match fact {
        Fact::Harvested(_)
        | Fact::Planned(_)
        | Fact::PlannedChunk(_)
        | Fact::ChunkDone(_)
        | Fact::ChunkFailed(_)
        | Fact::RunFailed(_) => true,
        Fact::Opened(_)
        | Fact::CostElsewhere(_)
        | Fact::Announced(_)
        | Fact::Billed(_)
        | Fact::Settled(_)
        | Fact::Noted(_) => false,
    }
}

/// What the messages of a batch say about a run.
#[derive(Default)]
pub(crate) struct Touched {
    /// Whether it may have ended.
    pub(crate) may_have_ended: bool,
    /// The trace of one of them.
    pub(crate) trace: Option<TraceHeader>,
}

/// Projects the runs for which messages arrived, if they are due.
pub(crate) async fn touched<E: Env>(app: &Finalizer<E>, runs: BTreeMap<RunId, Touched>) {
    let mut due = Vec::new();
    for (run, Touched { may_have_ended, trace }) in runs {
        match trace::follow(trace, due_now(app, &run, may_have_ended)).await {
            Ok(folded) => due.extend(folded),
            Err(error) => unprojected(&run, &error),
        }
    }
    write(app, due).await;
}

/// Folds the run if its record must be written now: it has no record, it must show the next event
/// at once, the last write is long enough ago, or the run has ended.
async fn due_now<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
    may_have_ended: bool,
) -> Result<Option<Folded>, LogError> {
    let LogHead { projection: known, appends } = app.log.log_head(run).await?;
    let early = known.filter(|known| {
        let age = app.clock.now().duration_since(known.at);
        // After the clock is set back, it no longer shows a record's age.
        let is_recent = (SignedDuration::ZERO..app.config.project_every).contains(&age);
        is_recent && (!known.is_urgent() || can_wait(run, known))
    });
    let goes_on = !may_have_ended || app.running.goes_on(run, appends);
    if let Some(known) = early.as_ref().filter(|known| goes_on || can_wait(run, known)) {
        put_off(app, run, known).await;
        return Ok(None);
    }
    let Some(folded) = folded::read(app, run).await? else { return Ok(None) };
    if let Some(shown) = folded.shown() {
        // This was a repeated delivery. The record needs no change, but storing the events opened
        // the run.
        app.log.save_projection(run, &shown).await?;
        return Ok(None);
    }
    let Some(known) = early.filter(|_| !folded.summary.status.is_end()) else {
        return Ok(Some(folded));
    };
    put_off(app, run, &known).await;
    if let Some(known) = folded.known.filter(|_| folded.summary.awaits_outcomes) {
        // The next event can end the run, although `may_end` returns false for it.
        app.log.save_projection(run, &Projection { urgent: true, ..known }).await?;
    }
    Ok(None)
}

/// Whether events for a record that shows its run's end can wait, because the run belongs to
/// nobody. Anybody with the webhook's token can cause any number of such events, by naming a client
/// that does not exist.
fn can_wait(run: &RunId, known: &Projection) -> bool {
    !known.open && run.client() == ClientId::unattributed()
}

/// Leaves a run unprojected until its record is due.
async fn put_off<E: Env>(app: &Finalizer<E>, run: &RunId, shown: &Projection) {
    app.later.project(run, shown, (&app.queue, &app.config, &app.clock)).await;
}

/// Writes the records of up to 10 runs. If a record cannot be written, its run stays unprojected.
///
/// If a write repairs a record, it notes the repair, and a second write puts the note on the
/// record. Repairs made by the second write are shown only when the record is due again: otherwise
/// two processes could repair each other's records without a pause.
pub(crate) async fn write<E: Env>(app: &Finalizer<E>, due: Vec<Folded>) {
    let mut diagnosed = Vec::with_capacity(due.len());
    for mut folded in due {
        match diagnose::before_creation(app, &mut folded).await {
            Ok(()) => diagnosed.push(folded),
            Err(error) => unprojected(&folded.summary.run, &error),
        }
    }
    let repaired = write_once(app, diagnosed).await;
    for left in write_once(app, repaired).await {
        if let Some(shown) = &left.known {
            trace::follow(left.trace.clone(), put_off(app, &left.summary.run, shown)).await;
        }
    }
}

/// Writes each run once. Returns the runs whose records were repaired but do not show the repair
/// yet.
async fn write_once<E: Env>(app: &Finalizer<E>, due: Vec<Folded>) -> Vec<Folded> {
    let mut repaired = Vec::new();
    let mut batches = vec![due];
    while let Some(mut batch) = batches.pop().filter(|batch| !batch.is_empty()) {
        let summaries: Vec<Summary> = batch.iter().map(|folded| folded.summary.clone()).collect();
        match app.records.write(&app.airtable, &summaries).await {
            Ok(written) => {
                for written in written {
                    let is_its_run = |folded: &Folded| folded.summary.run == written.run;
                    let Some(at) = batch.iter().position(is_its_run) else { continue };
                    match remember(app, batch.swap_remove(at), &written).await {
                        Ok(folded) => repaired.extend(folded),
                        Err(error) => tracing::error!(
                            %error, run.id = %written.run, "run is projected again later"
                        ),
                    }
                }
            }
            // One record can make the whole request fail, so each is written alone.
            Err(error) if batch.len() > 1 && !error.is_retryable() => {
                batches.extend(batch.into_iter().map(|folded| vec![folded]));
            }
            Err(error) => {
                for folded in &batch {
                    unprojected(&folded.summary.run, &error);
                }
            }
        }
    }
    repaired
}

/// Reports that a run's record does not show its latest events for now.
pub(crate) fn unprojected(run: &RunId, error: &dyn Display) {
    shared::telemetry::metrics::run_unprojected();
    tracing::error!(%error, run.id = %run, "run is left unprojected");
}

/// Notes what was repaired, and remembers what the record shows. Returns the run if the record does
/// not show all notes yet.
async fn remember<E: Env>(
    app: &Finalizer<E>,
    mut folded: Folded,
    written: &Written,
) -> Result<Option<Folded>, LogError> {
    let (record, repairs) = repairs(app, &folded, written).await;
    let is_repaired = !repairs.is_empty();
    let summary = &folded.summary;
    tracing::info!(
        run.id = %summary.run,
        client.id = %summary.header.client,
        run.status = ?summary.status,
        run.tokens = summary.posts.tokens.total + summary.profiles.tokens.total,
        run.balanced = summary.imbalances.is_empty(),
        airtable.record = %record,
        airtable.created = written.created,
        "run record written"
    );
    let projection = Projection {
        events: folded.events,
        at: app.clock.now(),
        record,
        open: is_repaired || !summary.status.is_end(),
        appends: folded.appends,
        shown: written.shown.to_text(),
        urgent: is_repaired || summary.status != Status::Running || summary.awaits_outcomes,
    };
    if !is_repaired {
        shared::telemetry::metrics::run_written(summary, folded.was_open);
    }
    // The notes come first: the run must not count as projected before they are stored.
    for text in repairs {
        folded.note(app, NoteKind::Record, text).await?;
    }
    app.log.save_projection(&folded.summary.run, &projection).await?;
    folded.known = Some(projection);
    Ok(is_repaired.then_some(folded))
}

/// The run's current record, and notes about what was wrong with it.
async fn repairs<E: Env>(
    app: &Finalizer<E>,
    folded: &Folded,
    written: &Written,
) -> (RecordId, Vec<String>) {
    let mut record = written.record.clone();
    let mut repairs = Vec::new();
    let before = folded.known.as_ref().map(|known| &known.record);
    if let Some(before) = before.filter(|before| **before != record) {
        if written.created {
            let note;
            (record, note) = diagnose::after_creation(app, folded, before, record).await;
            repairs.push(note);
        } else if !written.duplicates.contains(before) {
            repairs.push(format!(
                "record {before} was gone; found as another row as {record} from the log"
            ));
        }
    }
    if !written.duplicates.is_empty() {
        repairs.push(duplicates_in_words(&record, &written.duplicates));
    }
    (record, repairs)
}

/// The note about records with the same identity.
pub(crate) fn duplicates_in_words(kept: &RecordId, others: &[RecordId]) -> String {
    let others: Vec<&str> = others.iter().map(RecordId::as_str).collect();
    format!("record existed more than once; kept {kept}, marked {}", others.join(", "))
}
