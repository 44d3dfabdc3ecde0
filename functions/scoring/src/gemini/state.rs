//! What a process knows about the model from its calls.

use shared::messages::Halt;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// What a process knows about the model from its calls.
#[derive(Debug, Default)]
pub(super) struct ModelState(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    halt: Option<(Instant, Halt)>,
    answered: Option<Instant>,
}

impl ModelState {
    /// The model answered a call that began at `begun`. If the call began after the model halted,
    /// the halt is over.
    pub(super) fn answered(&self, begun: Instant) {
        let mut state = self.lock();
        state.answered = Some(Instant::now());
        if state.halt.as_ref().is_some_and(|(at, _)| begun > *at) {
            state.halt = None;
        }
    }

    /// The model answers no call until a person acts.
    pub(super) fn halt(&self, halt: &Halt) {
        self.lock().halt = Some((Instant::now(), halt.clone()));
    }

    /// Why no call may start, if so.
    pub(super) fn halted(&self) -> Option<Halt> {
        self.lock().halt.as_ref().map(|(_, halt)| halt.clone())
    }

    pub(super) fn has_answered(&self) -> bool {
        self.lock().answered.is_some()
    }

    pub(super) fn has_answered_since(&self, begun: Instant) -> bool {
        self.lock().answered.is_some_and(|at| at >= begun)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::messages::ErrorCategory;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_call_that_began_before_the_halt_does_not_end_it() {
        let state = ModelState::default();
        let halt = Halt { category: ErrorCategory::NoCredit, detail: "top up".to_owned() };
        let in_flight = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        state.halt(&halt);
        state.answered(in_flight);
        assert_eq!(state.halted(), Some(halt));
        tokio::time::advance(Duration::from_mins(10)).await;
        state.answered(Instant::now());
        assert_eq!(state.halted(), None);
    }
}
