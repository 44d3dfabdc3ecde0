//! Which run a message is about.

use crate::core::ids::{ClientId, RunId, RunStamp};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a message says of its run. Every event repeats it, so that any single one can open the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's base id; with the client it is the run's id.
    #[serde(rename = "base_run")]
    pub run_stamp: RunStamp,
    pub client: ClientId,
    pub client_name: String,
    pub run_type: RunType,
    /// When the run was first heard of, as far as the sender knows.
    pub opened_at: Timestamp,
}

impl RunHeader {
    pub fn id(&self) -> RunId {
        RunId::new(&self.run_stamp, &self.client)
    }
}

/// Whether a run's id was chosen by a scheduler beforehand. Recorded, and nothing else: both
/// kinds are counted in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunType {
    /// No run id was given; it was derived from the harvest.
    Standalone,
    /// A run id came along.
    Orchestrated,
}
