//! How many calls a chunk may have in flight: fewer while the model limits the rate.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// How many calls each chunk of this process may have in flight. A call that is limited (429)
/// halves the number. After that number of answers, it grows by one.
#[derive(Debug)]
pub(super) struct Pace {
    /// `CALLS_AT_ONCE`.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: usize,
    /// Answered calls since the number last changed.
    answered: usize,
    slowed_at: Option<Instant>,
}

impl State {
    /// Whether a call that began at `begun` reflects the current rate: it began after the last
    /// halving.
    fn knows(&self, begun: Instant) -> bool {
        self.slowed_at.is_none_or(|at| begun > at)
    }
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { now: most, answered: 0, slowed_at: None }) }
    }

    pub(super) fn calls_at_once(&self) -> usize {
        self.lock().now
    }

    /// The model limited a call that began at `begun`.
    pub(super) fn limited(&self, begun: Instant) {
        let mut state = self.lock();
        if state.knows(begun) {
            let now = (state.now / 2).max(1);
            *state = State { now, answered: 0, slowed_at: Some(Instant::now()) };
        }
    }

    /// The model answered a call that began at `begun`.
    pub(super) fn answered(&self, begun: Instant) {
        let mut state = self.lock();
        state.answered += usize::from(state.knows(begun));
        if state.answered >= state.now {
            (state.now, state.answered) = ((state.now + 1).min(self.most), 0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn calls_that_are_limited_together_halve_it_once_and_answers_raise_it_again() {
        let pace = Pace::new(8);
        let together = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        (0..8).for_each(|_| pace.limited(together));
        (0..8).for_each(|_| pace.answered(together));
        assert_eq!(pace.calls_at_once(), 4);
        tokio::time::advance(Duration::from_secs(1)).await;
        let later = Instant::now();
        (0..3).for_each(|_| pace.answered(later));
        assert_eq!(pace.calls_at_once(), 4);
        pace.answered(later);
        assert_eq!(pace.calls_at_once(), 5);
        (0..100).for_each(|_| pace.answered(later));
        assert_eq!(pace.calls_at_once(), 8, "no more than are configured");
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_always_one() {
        let pace = Pace::new(2);
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(1)).await;
            pace.limited(Instant::now());
        }
        assert_eq!(pace.calls_at_once(), 1);
    }
}
