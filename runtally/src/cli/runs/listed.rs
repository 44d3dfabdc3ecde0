//! One run as it is listed.

use crate::result::Fault;
use crate::system::Deployment;
use crate::view::events_of;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::core::ids::RunId;
use shared::fold::{RunState, Summary};
use shared::messages::Note;
use shared::run_records::Shape;
use shared::schema::run_record;

/// The fields that are read and shown, by their names in the JSON answer.
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
    /// Whether its log says that something is missing.
    pub(super) open: bool,
    /// What is missing; empty for a run that is not open.
    pub(super) missing: Vec<String>,
    /// Since when a task of an open run waited last, and why: on AWS nothing else tells it.
    pub(super) waited: Option<(Timestamp, String)>,
}

impl Listed {
    /// A run as its events tell it.
    pub(super) fn of(summary: Summary, open: bool) -> Self {
        let mut cells = Shape::default().cells(&summary);
        cells.retain(|_, value| !value.is_null());
        let waited = summary.notes.iter().rev().find_map(|(at, note)| {
            let why = note.text.strip_prefix(Note::HAD_TO_WAIT)?;
            Some((*at, why.to_owned()))
        });
        Self { cells, open, missing: summary.missing, waited: waited.filter(|_| open) }
    }

    /// Tells a status that the record does not show, by the run's events.
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

    /// What needs a look comes first.
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
        if let Some((since, reason)) = &self.waited {
            answer["waited"] = json!({"since": since, "reason": reason});
        }
        answer
    }
}
