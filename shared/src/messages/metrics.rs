//! Messages for the metrics finalizer: facts about runs. Everything on a run record is folded from
//! them.

use super::envelope::Message;
use super::envelope::enveloped;
use super::facts::Fact;
use super::run_header::RunHeader;
use crate::core::digest::id_of;
use crate::core::ids::{ApifyRunId, RunId};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// How every encoded event begins.
const ENVELOPE: &str = r#"{"version":1,"type":"event","#;

/// What the metrics finalizer receives: facts, and three kinds of reminder.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsMessage {
    Event(Box<MetricsEvent>),
    /// Check all runs.
    Tick,
    /// A webhook for a harvest was accepted. The harvest's run is not known yet.
    Heard(Heard),
    /// A record is due: write it.
    Project(Project),
}

impl Message for MetricsMessage {
    fn encode(&self) -> String {
        match self {
            Self::Event(event) => event.encode(),
            Self::Tick => enveloped("tick", &()),
            Self::Heard(heard) => enveloped("heard", heard),
            Self::Project(project) => enveloped("project", project),
        }
    }

    fn of_type<'de, D: Deserializer<'de>>(
        r#type: &str,
        fields: D,
    ) -> Option<Result<Self, D::Error>> {
        Some(match r#type {
            "event" => Box::deserialize(fields).map(Self::Event),
            "tick" => IgnoredAny::deserialize(fields).map(|_| Self::Tick),
            "heard" => Heard::deserialize(fields).map(Self::Heard),
            "project" => Project::deserialize(fields).map(Self::Project),
            _ => return None,
        })
    }
}

/// A webhook was accepted, so its harvest does not need a tick to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub apify_run_id: ApifyRunId,
    /// When the harvest ended, as the webhook says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// The last event of a run came too soon after a write of its record. Now the record is due again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub run: RunId,
}

/// A fact about a run, with the run's header. Any single event is enough to create the run's
/// record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsEvent {
    pub run: RunHeader,
    pub at: Timestamp,
    pub fact: Fact,
}

impl MetricsEvent {
    /// The event as it travels and as the event log stores it.
    pub fn encode(&self) -> String {
        enveloped("event", self)
    }

    /// The event's id and the event as it travels. The id is made from the event's whole content:
    /// the same event has the same id however often it is sent, and different events have different
    /// ids.
    pub fn encode_with_id(&self) -> (String, String) {
        let body = self.encode();
        // The id is older than the envelope, so it is made from the event alone.
        let said = body.strip_prefix(ENVELOPE).expect("the envelope stands first");
        let id = format!("{}-{}", self.fact.name(), id_of(&[&format!("{{{said}")]));
        (id, body)
    }
}
