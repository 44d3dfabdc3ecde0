//! What happens to failing tasks, and to the tasks behind them.

use super::json::{count, parsed, text};
use super::lanes::attempt_of;
use super::oracle::Oracle;
use super::promise::Invariant;
use jiff::{SignedDuration, Timestamp};
use serde_json_borrow::Value;
use std::collections::BTreeSet;

/// How long a task may wait in total, including the time of its last attempts.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Attempts at one task that settle nothing.
const MOST_ATTEMPTS: u64 = 25;

impl Oracle {
    /// A task was sent to its group.
    pub(crate) fn task_sent(&mut self, message: &Value<'_>) {
        self.lanes.sent.extend(attempt_of(message));
    }

    /// A task begins. Tasks that were ready when it failed must have begun before.
    pub(crate) fn task_began(&mut self, id: &str, message: &Value<'_>) {
        for ready in self.lanes.ready.values_mut() {
            ready.remove(id);
        }
        // If it comes again, it may be older than its task's last failure.
        let is_new = self.lanes.begun.insert(id.to_owned());
        let Some(attempt) = attempt_of(message).filter(|_| is_new) else { return };
        let left = self.lanes.ready.remove(&attempt).unwrap_or_default();
        if !left.is_empty() {
            let (task, attempt, _) = attempt;
            let what = format!("attempt {attempt} of task {task} begins before {left:?}");
            self.violate(Invariant::Lanes, what);
        }
    }

    /// The task of an invocation will wait. These tasks were ready in its group at `now`.
    pub(crate) fn left_its_lane(
        &mut self,
        invocation: u64,
        body: &str,
        (ready, now): (BTreeSet<String>, Timestamp),
    ) {
        let message = parsed(body);
        let Some(invocation) = self.invocations.get_mut(&invocation) else { return };
        let (before, waits_before) = invocation.attempt;
        let most_progressed = invocation.progressed + u64::from(invocation.has_settled);
        let Some((task, attempt, waits)) = attempt_of(&message) else { return };
        let plans = std::mem::take(&mut invocation.plans);
        self.plans_of_tasks.entry(task.clone()).or_default().add(plans);
        let is_wait = (attempt, waits) == (before, waits_before + 1);
        let is_next = (attempt, waits) == (before + 1, waits_before);
        let progressed = count(&message, "/progressed");
        if progressed > most_progressed {
            let what = format!(
                "attempt {attempt} of task {task} says that {progressed} before it settled leads, \
                 and at most {most_progressed} did"
            );
            self.violate(Invariant::Lanes, what);
        }
        if !is_wait && !is_next || attempt.saturating_sub(progressed) > MOST_ATTEMPTS {
            let what = format!(
                "attempt {attempt} of task {task} after {waits} waits follows attempt {before} \
                 after {waits_before}"
            );
            self.violate(Invariant::Lanes, what);
        }
        let since = text(&message, "/first_failed_at").parse().unwrap_or(Timestamp::UNIX_EPOCH);
        if is_wait && now.duration_since(since) > LONGEST_WAIT {
            self.violate(Invariant::Lanes, format!("task {task} waits since {since}"));
        }
        // A copy that fails later has others before it. So does a task whose next attempt is
        // already in its group.
        let next = (task, attempt, waits);
        if !self.lanes.sent.contains(&next) {
            self.lanes.ready.entry(next).or_insert(ready);
        }
    }
}
