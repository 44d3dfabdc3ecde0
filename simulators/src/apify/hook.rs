//! Persistent webhooks: they are sent for every run that meets their condition.

use super::run::{Run, actor_id};
use super::webhook::{EventType, Webhook};
use crate::moments::iso;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Which runs a webhook is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Condition {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) actor_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) actor_task_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) actor_run_id: Option<String>,
}

impl Condition {
    /// Whether it has a condition, and `run` meets it.
    fn meets(&self, run: &Run) -> bool {
        let named = [
            (self.actor_id.as_deref().map(actor_id), Some(&run.actor_id)),
            (self.actor_task_id.clone(), run.actor_task_id.as_ref()),
            (self.actor_run_id.clone(), Some(&run.id)),
        ];
        let mut named = named.into_iter().filter(|(wanted, _)| wanted.is_some()).peekable();
        named.peek().is_some() && named.all(|(wanted, found)| wanted.as_ref() == found)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hook {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) description: Option<String>,
    pub(super) condition: Condition,
    pub(super) webhook: Webhook,
}

impl Hook {
    /// Whether it is sent for this event of a run.
    pub(super) fn wants(&self, event: EventType, run: &Run) -> bool {
        self.webhook.wants(event) && self.condition.meets(run)
    }

    /// The webhook as the API shows it.
    pub(super) fn view(&self, user: &str, dispatches: usize) -> Value {
        let mut view = json!(self.webhook);
        view["id"] = json!(self.id);
        view["userId"] = json!(user);
        view["createdAt"] = json!(iso(self.created_at));
        view["modifiedAt"] = json!(iso(self.modified_at));
        view["condition"] = json!(self.condition);
        view["description"] = json!(self.description);
        view["isAdHoc"] = json!(false);
        view["isEnabled"] = json!(true);
        view["actionType"] = json!("HTTP_REQUEST");
        view["stats"] = json!({"totalDispatches": dispatches});
        view
    }
}
