//! One check and its result.

use crate::cli::output::{Paint, Tone, fitted};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// Good to know; nothing is wrong.
    Info,
    /// It works, but only in part.
    Warning,
    /// Something does not work.
    Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) level: Level,
    pub(super) what: String,
    #[serde(rename = "message")]
    pub(super) says: String,
    #[serde(rename = "hint")]
    pub(super) what_to_do: Option<String>,
}

impl Check {
    pub(super) fn ok(what: impl ToString, says: impl ToString) -> Self {
        Self::of(Level::Ok, what, says, None)
    }

    pub(super) fn info(what: impl ToString, says: impl ToString) -> Self {
        Self::of(Level::Info, what, says, None)
    }

    pub(super) fn warning(what: impl ToString, says: impl ToString, todo: impl ToString) -> Self {
        Self::of(Level::Warning, what, says, Some(todo.to_string()))
    }

    pub(super) fn wrong(what: impl ToString, says: impl ToString, todo: impl ToString) -> Self {
        Self::of(Level::Wrong, what, says, Some(todo.to_string()))
    }

    fn of(level: Level, what: impl ToString, says: impl ToString, todo: Option<String>) -> Self {
        Self { level, what: what.to_string(), says: says.to_string(), what_to_do: todo }
    }

    /// The check in one line, shortened to the width of the terminal.
    pub(super) fn line(&self) -> String {
        let Self { level, what, says, what_to_do } = self;
        let (name, tone) = match level {
            Level::Ok => ("ok", Tone::Good),
            Level::Info => ("info", Tone::Quiet),
            Level::Warning => ("warning", Tone::Warning),
            Level::Wrong => ("wrong", Tone::Bad),
        };
        let todo = what_to_do.as_ref().map(|todo| format!(" → {todo}")).unwrap_or_default();
        let line = fitted(&format!("{name:<8} {what}: {says}{todo}"), 9);
        // The level comes first and is never broken.
        Paint::of_stdout().put(tone, name) + &line[name.len()..]
    }
}
