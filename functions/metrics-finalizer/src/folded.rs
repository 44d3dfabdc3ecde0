//! A run as it was read from the log and folded.

use crate::events::stored;
use crate::finalizer::Finalizer;
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary};
use shared::messages::{Fact, MetricsEvent, Note, NoteKind};
use shared::ports::{Env, EventLog, LogError, Projection};
use shared::telemetry::trace::{self, TraceHeader};

/// A run that was read once. It includes notes that were added later.
pub(crate) struct Folded {
    pub(crate) state: RunState,
    pub(crate) summary: Summary,
    /// How many events are folded.
    pub(crate) events: usize,
    /// How many appends the log had when it was read, plus those of this process since. If the log
    /// counts more, another process appended something that is not folded here.
    pub(crate) appends: u64,
    /// What the run's record shows, if known.
    pub(crate) known: Option<Projection>,
    /// Whether the run had not ended when its record was last written.
    pub(crate) was_open: bool,
    /// The trace of the message that caused the read.
    pub(crate) trace: Option<TraceHeader>,
}

/// Reads and folds a run; `None` if the log has no events of it.
pub(crate) async fn read<E: Env>(
    app: &Finalizer<E>,
    run: &RunId,
) -> Result<Option<Folded>, LogError> {
    let log = app.log.read(run).await?;
    let events = log.events.len();
    let decoded = app.events.decode(run, log.events);
    let state = RunState::fold(decoded.iter().map(|event| &**event));
    if let Some(state) = &state {
        app.running.learn(run, state, log.appends);
    }
    Ok(state.map(|state| Folded {
        summary: state.summary(),
        state,
        events,
        appends: log.appends,
        was_open: log.projection.as_ref().is_none_or(|known| known.open),
        known: log.projection,
        trace: trace::header(),
    }))
}

impl Folded {
    /// What the record shows, if it shows the whole log. The append count is taken from the log: a
    /// repeated append reopens a run without changing its content.
    pub(crate) fn shown(&self) -> Option<Projection> {
        let known = self.known.as_ref().filter(|known| known.events == self.events)?;
        Some(Projection { appends: self.appends, ..known.clone() })
    }

    /// Appends a note to the log and folds it in, without reading the log again.
    ///
    /// # Errors
    /// [`LogError`]; the log may then contain the note although `self` does not.
    pub(crate) async fn note<E: Env>(
        &mut self,
        app: &Finalizer<E>,
        kind: NoteKind,
        text: String,
    ) -> Result<(), LogError> {
        let run = &self.summary.run;
        if kind == NoteKind::Record {
            let client = &self.summary.header.client;
            tracing::warn!(run.id = %run, client.id = %client, text, "noted on the run record");
        }
        let event = MetricsEvent {
            run: self.summary.header.clone(),
            at: app.clock.now(),
            fact: Fact::Noted(Note { kind, text, needs_action: false }),
        };
        app.log.append(run, &[stored(&event)]).await?;
        app.running.appended(run, std::slice::from_ref(&event));
        self.state.absorb(&event);
        self.summary = self.state.summary();
        // The note contains the current time, so no earlier event is the same.
        self.events += 1;
        self.appends += 1;
        Ok(())
    }
}
