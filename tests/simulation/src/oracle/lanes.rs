//! Which tasks failed, and which tasks were ready behind them.

use super::json::{at, text};
use serde_json_borrow::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The tasks that were ready in the group of a task when it failed, by the task's next attempt.
#[derive(Default)]
pub(crate) struct Lanes {
    pub(super) ready: BTreeMap<(String, u64, u64), BTreeSet<String>>,
    /// Attempts that were sent to their group.
    pub(super) sent: BTreeSet<(String, u64, u64)>,
    pub(super) begun: BTreeSet<String>,
}

/// The task of a message, its attempt and its number of waits; `None` for a first attempt.
pub(crate) fn attempt_of(message: &Value<'_>) -> Option<(String, u64, u64)> {
    let number = |pointer| at(message, pointer).and_then(Value::as_u64);
    let task = text(message, "/task_id");
    let is_first = task.is_empty();
    let state = (number("/attempt").unwrap_or(1), number("/waits").unwrap_or(0));
    (!is_first).then(|| (task.to_owned(), state.0, state.1))
}
