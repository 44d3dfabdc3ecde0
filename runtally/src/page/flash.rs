//! The result of an action, shown once on the page that follows it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Most sentences that are kept.
const KEPT: usize = 32;

/// Sentences by a random id. The address carries only the id, so that no link can put words on the
/// page.
#[derive(Default)]
pub(super) struct Flashes(Mutex<VecDeque<(String, String)>>);

impl Flashes {
    /// Keeps a sentence. Returns its id.
    pub(super) fn keep(&self, says: String) -> String {
        let id = format!("{:016x}", fastrand::u64(..));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((id.clone(), says));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        id
    }

    pub(super) fn get(&self, id: &str) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == id).map(|(_, says)| says.clone())
    }
}
