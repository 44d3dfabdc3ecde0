//! How far an attempt at a task came. It travels with the task: what an attempt queued, the next one
//! does not queue again.

use super::planning_facts::Harvested;
use super::run_header::RunHeader;
use crate::core::ids::PlanId;
use serde::{Deserialize, Serialize};

/// How far an attempt at a harvest came. A plan that is queued twice might be paid for twice: the
/// next attempt goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestDone {
    /// The chunks of its plan are queued, and not all is reported.
    Queued {
        plan: PlanId,
        /// What the limits left before the plan; `None` without a limit. With as much left, the same
        /// leads give the same plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tokens_left: Option<u64>,
    },
    /// All is reported but Apify's final figures.
    Reported { run: RunHeader, harvested: Box<Harvested> },
}
