//! The simulator itself.

use super::options::AirtableOptions;
use super::state::{LoadError, State};
use crate::{Clock, Store};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A simulated Airtable.
pub struct Airtable {
    pub(super) options: AirtableOptions,
    pub(super) clock: Clock,
    pub(super) seed: u64,
    state: Mutex<State>,
}

impl Airtable {
    /// An Airtable with the data in `store`. The same seed and the same requests give the same ids.
    /// Times come from `clock`.
    ///
    /// # Errors
    /// If the store holds something unreadable, because it is better not to start than to lose
    /// rows.
    pub fn new(
        options: AirtableOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        seed: u64,
    ) -> Result<Self, LoadError> {
        let state = Mutex::new(State::load(store, seed)?);
        Ok(Self { options, clock, seed, state })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
