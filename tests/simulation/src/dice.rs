//! All random choices of a schedule, from one seed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Draws everything that a schedule leaves to chance. With one generator and one thread, the same
/// seed gives the same draws.
pub(crate) struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Draws whether something happens that has this probability.
    pub(crate) fn chance(&self, share: f64) -> bool {
        share > 0.0 && self.draw(fastrand::Rng::f64) < share
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&self, least: u64, most: u64) -> u64 {
        self.draw(|rng| rng.u64(least..=most))
    }

    /// An index into something of this length, which is not 0.
    pub(crate) fn below(&self, length: usize) -> usize {
        self.draw(|rng| rng.usize(..length))
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.below(from.len())])
    }

    /// A separate generator, for a part that draws on its own.
    pub(crate) fn fork(&self) -> fastrand::Rng {
        self.draw(fastrand::Rng::fork)
    }

    /// The duration of one step: mostly milliseconds, sometimes seconds.
    pub(crate) fn step(&self) -> Duration {
        let millis = self.draw(|rng| match rng.u8(..) {
            0..=179 => rng.u64(1..=40),
            180..=249 => rng.u64(40..=800),
            250.. => rng.u64(800..=6_000),
        });
        Duration::from_millis(millis)
    }

    pub(crate) fn within(&self, span: Duration) -> Duration {
        let millis = u64::try_from(span.as_millis()).expect("a span of a schedule");
        Duration::from_millis(self.between(0, millis))
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
