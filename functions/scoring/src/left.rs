//! What an attempt leaves for the next one.

use shared::messages::{Chunk, ScoringTask, Tried};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What an attempt leaves for the next one. It is saved as the work proceeds, because the attempt
/// may be cut off at any moment.
#[derive(Debug, Default)]
pub(crate) struct Left {
    tried: Mutex<Option<Tried>>,
    task: Mutex<Option<ScoringTask>>,
}

impl Left {
    /// Changes what a chunk's next attempt has to know. `before` is what this attempt knew.
    pub(crate) fn note_tried(&self, before: &Tried, change: impl FnOnce(&mut Tried)) {
        let mut tried = lock(&self.tried);
        change(tried.get_or_insert_with(|| Tried { halt: None, ..before.clone() }));
    }

    /// Saves the rest of a planning task.
    pub(crate) fn note_rest(&self, rest: ScoringTask) {
        *lock(&self.task) = Some(rest);
    }

    /// Whether leads were settled since the attempt began.
    pub(crate) fn has_progress(&self, task: &ScoringTask) -> bool {
        let ScoringTask::Chunk(chunk) = task else { return false };
        let before = chunk.tried.settled.len();
        lock(&self.tried).as_ref().is_some_and(|tried| tried.settled.len() > before)
    }

    /// The task for the next attempt, if it differs.
    pub(crate) fn into_next(self, task: &ScoringTask) -> Option<ScoringTask> {
        let ScoringTask::Chunk(chunk) = task else { return lock(&self.task).take() };
        let tried = lock(&self.tried).take()?;
        Some(ScoringTask::Chunk(Box::new(Chunk { tried, ..(**chunk).clone() })))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
