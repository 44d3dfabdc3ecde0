//! Facts about paid work that the queue has not accepted yet.

use shared::messages::Fact;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Facts about paid answers that the queue has not accepted yet.
#[derive(Debug, Default)]
pub(super) struct Unreported(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Facts that are sent with the next outcomes.
    facts: Vec<Fact>,
    /// Reports that are being repeated.
    repeated: usize,
}

impl Unreported {
    /// Whether the queue does not accept reports. Then no further call starts.
    pub(super) fn is_any(&self) -> bool {
        let state = self.lock();
        state.repeated > 0 || !state.facts.is_empty()
    }

    /// Whether a report is being repeated right now.
    pub(super) fn is_being_repeated(&self) -> bool {
        self.lock().repeated > 0
    }

    pub(super) fn keep(&self, facts: Vec<Fact>) {
        self.lock().facts.extend(facts);
    }

    pub(super) fn take(&self) -> Vec<Fact> {
        std::mem::take(&mut self.lock().facts)
    }

    pub(super) fn repeats(&self, change: impl FnOnce(usize) -> usize) {
        let mut state = self.lock();
        state.repeated = change(state.repeated);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
