//! Which tasks failed, and who was ready behind them.

use super::json::{at, text};
use serde_json_borrow::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who was ready in the group of a task when it failed, by the task's next attempt.
#[derive(Default)]
pub(crate) struct Lanes {
    pub(super) ready: BTreeMap<(String, u64, u64), BTreeSet<String>>,
    /// Attempts that were sent to their group.
    pub(super) sent: BTreeSet<(String, u64, u64)>,
    pub(super) begun: BTreeSet<String>,
}

/// Which attempt at which task a message is, after how many waits; `None` for a first one.
pub(crate) fn attempt_of(message: &Value<'_>) -> Option<(String, u64, u64)> {
    let number = |pointer| at(message, pointer).and_then(Value::as_u64);
    let task = text(message, "/task_id");
    let is_first = task.is_empty();
    let state = (number("/attempt").unwrap_or(1), number("/waits").unwrap_or(0));
    (!is_first).then(|| (task.to_owned(), state.0, state.1))
}
