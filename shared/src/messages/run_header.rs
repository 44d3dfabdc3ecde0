//! Which run a message is about.

use crate::core::ids::{ClientId, RunId, RunStamp};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a message says about its run. Every event repeats it, so that any single event can create
/// the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's base id. Together with the client it gives the run's id.
    #[serde(rename = "base_run")]
    pub run_stamp: RunStamp,
    pub client: ClientId,
    pub client_name: String,
    pub run_type: RunType,
    /// When the run was first seen, as far as the sender knows.
    pub opened_at: Timestamp,
}

impl RunHeader {
    pub fn id(&self) -> RunId {
        RunId::new(&self.run_stamp, &self.client)
    }
}

/// Whether a scheduler chose the run's id in advance. It is only recorded: both types are counted
/// the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunType {
    /// No run id was given. It was derived from the harvest.
    Standalone,
    /// The request contained a run id.
    Orchestrated,
}
