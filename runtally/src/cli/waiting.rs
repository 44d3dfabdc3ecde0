//! The tasks that wait for their next attempt: since when, why and until when.

use super::output::{Cell, Listing, fitted, whole};
use crate::result::Fault;
use crate::system::Deployment;
use crate::view::task_in_words;
use jiff::Timestamp;
use serde::Serialize;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::ports::QueueError;
use std::io::Write;

/// Most tasks that are listed; the others are counted.
const MAX_SHOWN: usize = 20;

/// The messages that wait for their next attempt.
#[derive(Debug, Default, Serialize)]
pub(super) struct Waiting {
    /// The tasks, in the order of their next attempts. Empty on AWS, because SQS does not show what
    /// waits.
    pub(super) tasks: Vec<Task>,
    /// How many messages wait. On AWS this includes records that are to be written later.
    pub(super) count: u64,
}

/// A task that failed, or whose worker died.
#[derive(Debug, Serialize)]
pub(super) struct Task {
    what: String,
    run: Option<RunId>,
    /// The number of the next attempt.
    attempt: u32,
    since: Timestamp,
    next_at: Timestamp,
    reason: String,
}

impl Waiting {
    pub(super) async fn read(deployment: &Deployment) -> Result<Self, QueueError> {
        let (tasks, count) = deployment.waiting().await?;
        let tasks = tasks.into_iter().take(MAX_SHOWN).map(|task| {
            let (run, what) = task_in_words(&task.body);
            let (attempt, since, next_at) = (task.attempt, task.since, task.next_at);
            Task { what, run, attempt, since, next_at, reason: task.reason }
        });
        Ok(Self { tasks: tasks.collect(), count })
    }

    /// Prints the tasks, if there are any.
    pub(super) fn print(&self, out: &mut impl Write) -> Result<(), Fault> {
        if self.count == 0 {
            return Ok(());
        }
        writeln!(out, "{}:", self.in_words())?;
        if self.tasks.is_empty() {
            return Ok(writeln!(out, "{}", fitted(NOT_SHOWN, 0))?);
        }
        let mut rows = Listing::new(["task", "run", "attempt", "since (UTC)", "next (UTC)", "why"]);
        for task in &self.tasks {
            rows.add([
                task.what.as_str().into(),
                Cell::id(task.run.as_ref().map_or("", RunId::as_str)),
                task.attempt.to_string().into(),
                Cell::id(&minute(task.since)),
                Cell::id(&minute(task.next_at)),
                task.reason.as_str().into(),
            ]);
        }
        write!(out, "{rows}")?;
        let more = self.count.saturating_sub(self.tasks.len() as u64);
        if more > 0 {
            writeln!(out, "{more} more like these")?;
        }
        Ok(())
    }

    /// The number of tasks, in words.
    pub(super) fn in_words(&self) -> String {
        let tasks = counted(usize::try_from(self.count).unwrap_or(usize::MAX), "task");
        let verb = if self.count == 1 { "waits for its" } else { "wait for their" };
        format!("{tasks} {verb} next attempt")
    }
}

/// What an operator of a deployed system can do to see more.
pub(super) const NOT_SHOWN: &str = "SQS does not show which; `runtally runs` says why runs wait, and so does the scoring log: look for \
     `message is requeued`";

impl Task {
    /// The task in one line.
    pub(super) fn in_words(&self) -> String {
        let Self { what, attempt, reason, .. } = self;
        let run = self.run.as_ref().map(|run| format!(" of {}", whole(run.as_str())));
        let run = run.unwrap_or_default();
        let (since, next) = (minute(self.since), minute(self.next_at));
        format!("{what}{run} since {since}, attempt {attempt} at {next}: {reason}")
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}
