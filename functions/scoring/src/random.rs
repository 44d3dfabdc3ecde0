//! Randomness, passed in from outside, so that a run can be repeated with a seed.

use shared::core::digest::id_of;
use shared::core::ids::AttemptId;
use std::sync::{Mutex, PoisonError};

pub(crate) struct Random(Mutex<fastrand::Rng>);

impl Random {
    pub(crate) fn new(rng: fastrand::Rng) -> Self {
        Self(Mutex::new(rng))
    }

    pub(crate) fn attempt_id(&self) -> AttemptId {
        let drawn = self.with(|rng| rng.u128(..)).to_string();
        id_of(&["attempt", &drawn]).try_into().expect("an id has the form of an attempt id")
    }

    pub(crate) fn with<R>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> R) -> R {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
