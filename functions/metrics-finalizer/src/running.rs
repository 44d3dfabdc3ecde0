//! Remembers which runs are not over, so that a chunk's end does not require reading their whole
//! log again.
//!
//! In a run of many chunks, every chunk reports its end, but only the last one can end the run.
//! This is only a shortcut: if nothing is remembered, the log is read.

use shared::core::ids::{PlanId, RunId};
use shared::fold::RunState;
use shared::messages::{AttemptRef, Fact, MetricsEvent};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most runs that are kept: more than are scored at the same time.
const KEPT: usize = 256;

/// For each run, the chunks that had not ended when this process read its log.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<RunId, OpenChunks>>);

struct OpenChunks {
    /// The appends of the log when it was read, plus those of this process since.
    appends: u64,
    chunks: BTreeSet<(PlanId, u32)>,
}

impl Running {
    /// Remembers a run whose log counted `appends` when it was read.
    pub(crate) fn learn(&self, run: &RunId, state: &RunState, appends: u64) {
        let chunks = state.open_chunks();
        let mut kept = self.lock();
        kept.remove(run);
        if !chunks.is_empty() {
            if kept.len() == KEPT {
                kept.clear();
            }
            kept.insert(run.clone(), OpenChunks { appends, chunks });
        }
    }

    /// Records an append by this process.
    pub(crate) fn appended(&self, run: &RunId, events: &[MetricsEvent]) {
        let mut kept = self.lock();
        let Some(open) = kept.get_mut(run) else { return };
        open.appends += 1;
        for event in events {
            match &event.fact {
                Fact::ChunkDone(done) => open.end(&done.attempt),
                Fact::ChunkFailed(failed) => open.end(&failed.attempt),
                // The plan may take over chunks, which then do not have to end.
                Fact::Planned(planned) if planned.replaces.is_some() => open.chunks.clear(),
                // These add chunks or end none.
                Fact::Planned(_)
                | Fact::PlannedChunk(_)
                | Fact::Opened(_)
                | Fact::Harvested(_)
                | Fact::CostElsewhere(_)
                | Fact::Announced(_)
                | Fact::Billed(_)
                | Fact::Settled(_)
                | Fact::RunFailed(_)
                | Fact::Noted(_) => {}
            }
        }
        if open.chunks.is_empty() {
            kept.remove(run);
        }
    }

    /// Whether a chunk of the run has not ended, if the log counts `appends`. If it counts more
    /// appends than known here, another process may have appended the end.
    pub(crate) fn goes_on(&self, run: &RunId, appends: u64) -> bool {
        self.lock().get(run).is_some_and(|open| open.appends == appends)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, OpenChunks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenChunks {
    fn end(&mut self, attempt: &AttemptRef) {
        self.chunks.remove(&(attempt.plan.clone(), attempt.chunk));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::messages::{Message, MetricsMessage};

    const PLAN: &str = "IMWhSz8Df0ytWalS961bKQ";

    fn event(fact: &str) -> MetricsEvent {
        let run = r#"{"base_run":"261123-100000","client":"Guy-Wilson","client_name":"Guy Wilson","run_type":"standalone","opened_at":"2026-11-23T10:00:00Z"}"#;
        let body = format!(
            r#"{{"version":1,"type":"event","run":{run},"at":"2026-11-23T10:00:01Z","fact":{fact}}}"#
        );
        match MetricsMessage::decode(&body) {
            Ok(MetricsMessage::Event(event)) => *event,
            other => panic!("{other:?} is no event"),
        }
    }

    fn planned(chunks: u32, replaces: Option<&str>) -> MetricsEvent {
        let replaces = replaces.map(|plan| format!(r#","replaces":"{plan}""#)).unwrap_or_default();
        event(&format!(
            r#"{{"type":"planned","plan":"{PLAN}","kind":"post","chunks":{chunks}{replaces}}}"#
        ))
    }

    fn done(chunk: u32) -> MetricsEvent {
        event(&format!(
            r#"{{"type":"chunk_done","attempt":{{"plan":"{PLAN}","chunk":{chunk},"started_at":"2026-11-23T10:00:01Z","attempt":"6Kbq8tZ1vQ0Fh3mPzXn2Lw"}}}}"#
        ))
    }

    /// A run of three chunks, read when the log counted one append.
    fn running() -> (Running, RunId) {
        let state = RunState::new(&planned(3, None));
        let (running, run) = (Running::default(), "261123-100000-Guy-Wilson".parse().unwrap());
        running.learn(&run, &state, 1);
        (running, run)
    }

    #[test]
    fn a_run_goes_on_until_the_last_of_its_chunks_ends() {
        let (running, run) = running();
        assert!(running.goes_on(&run, 1));
        running.appended(&run, &[done(2), done(2)]);
        running.appended(&run, &[done(0)]);
        assert!(running.goes_on(&run, 3));
        running.appended(&run, &[done(1)]);
        assert!(!running.goes_on(&run, 4));
        assert!(running.lock().is_empty(), "nothing is kept of it");
    }

    #[test]
    fn what_another_process_appended_may_have_ended_the_run() {
        let (running, run) = running();
        running.appended(&run, &[done(2)]);
        assert!(!running.goes_on(&run, 3), "one append is another's");
    }

    #[test]
    fn a_plan_that_takes_over_another_may_end_it() {
        let (running, run) = running();
        running.appended(&run, &[planned(1, Some(PLAN))]);
        assert!(!running.goes_on(&run, 2));
        // Its chunks may be reported later, and may then end the run.
        running.learn(&run, &RunState::new(&planned(1, Some(PLAN))), 2);
        assert!(!running.goes_on(&run, 2));
    }
}
