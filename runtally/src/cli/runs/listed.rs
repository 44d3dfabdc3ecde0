//! One run in the list.

use crate::result::Fault;
use crate::system::Deployment;
use crate::view::events_of;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::core::clock::Clock;
use shared::core::failure::LONGEST_DELAY;
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary, Wait};
use shared::run_records::Shape;
use shared::schema::run_record;

/// The fields that are read and shown, with their names in the JSON answer.
pub(super) const SHOWN: [(&str, &str); 8] = [
    ("run", run_record::RUN_ID),
    ("status", run_record::STATUS),
    ("started", run_record::START_TIME),
    ("ended", run_record::END_TIME),
    ("posts_scored", run_record::POSTS_SCORED),
    ("post_tokens", run_record::POST_TOKENS),
    ("profiles_scored", run_record::PROFILES_SCORED),
    ("balance", run_record::BALANCE),
];

#[derive(Default, Clone)]
pub(super) struct Listed {
    pub(super) cells: Map<String, Value>,
    /// Whether the log says that something is missing.
    pub(super) open: bool,
    /// What is missing; empty for a run that is not open.
    pub(super) missing: Vec<String>,
    /// What a task of an open run waits for. On AWS only the log shows this.
    pub(super) waited: Option<Waited>,
}

/// A task that waits for its next attempt, according to the log.
#[derive(Clone, Serialize)]
pub(super) struct Waited {
    pub(super) since: Timestamp,
    pub(super) reason: String,
    /// By then the task is back in its lane: no delay on the retry queue is longer.
    pub(super) tried_next_by: Timestamp,
}

impl Listed {
    /// A run according to its events.
    pub(super) fn of(summary: Summary, open: bool) -> Self {
        let mut cells = Shape::default().cells(&summary);
        cells.retain(|_, value| !value.is_null());
        let waited = summary.wait.map(|Wait { since, why }| {
            let tried_next_by = Clock::system().now() + LONGEST_DELAY;
            Waited { since, reason: why, tried_next_by }
        });
        Self { cells, open, missing: summary.missing, waited: waited.filter(|_| open) }
    }

    /// Takes a status that the record does not show from the run's events.
    pub(super) async fn tell_status(
        &mut self,
        deployment: &Deployment,
        id: &str,
    ) -> Result<(), Fault> {
        if !self.text(run_record::STATUS).is_empty() || run_record::is_duplicate(id) {
            return Ok(());
        }
        let Ok(run) = id.parse::<RunId>() else { return Ok(()) };
        let (events, _) = events_of(&deployment.read(&run).await?);
        let Some(state) = RunState::fold(&events) else { return Ok(()) };
        let mut cells = Shape::default().cells(&state.summary());
        let status = cells.remove(run_record::STATUS).unwrap_or_default();
        self.missing
            .push(format!("its Status on the record: the table must have the choice {status}"));
        self.cells.insert(run_record::STATUS.to_owned(), status);
        Ok(())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.cells.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// When the run began, according to its record.
    pub(super) fn started(&self) -> Option<Timestamp> {
        self.text(run_record::START_TIME).parse().ok()
    }

    /// Runs that need attention have a higher rank.
    pub(super) fn rank(&self) -> u8 {
        let [running, completed, with_errors, stalled, failed] = run_record::STATUSES;
        match self.text(run_record::STATUS) {
            status if status == stalled => 5,
            status if status == failed => 4,
            status if status == running => 3,
            status if status == with_errors => 2,
            status if status == completed => u8::from(self.open),
            _ => 1,
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut answer = json!({"open": self.open, "missing": self.missing});
        for (key, name) in SHOWN {
            answer[key] = self.cells.get(name).cloned().unwrap_or_default();
        }
        if let Some(waited) = &self.waited {
            answer["waited"] = json!(waited);
        }
        answer
    }
}
