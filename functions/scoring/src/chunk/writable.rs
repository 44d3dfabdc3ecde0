//! The fields of a chunk's rows that can be written.

use std::sync::{Mutex, PoisonError};

/// The fields that can be written, as far as known. A wave that finds a locked field removes it for
/// the others.
#[derive(Debug)]
pub(super) struct Writable(Mutex<Vec<String>>);

impl Writable {
    pub(super) fn new(fields: Vec<String>) -> Self {
        Self(Mutex::new(fields))
    }

    pub(super) fn fields(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps only those of the `known` fields that a wave found to be writable.
    pub(super) fn keep(&self, known: &[String], found: &[String]) {
        let mut fields = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fields.retain(|field| found.contains(field) || !known.contains(field));
    }
}
