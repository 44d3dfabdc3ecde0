//! How far an attempt at a task got. It travels with the task, so that the next attempt does not
//! queue again what an earlier one queued.

use super::planning_facts::Harvested;
use super::run_header::RunHeader;
use crate::core::ids::PlanId;
use serde::{Deserialize, Serialize};

/// How far an attempt at a harvest got. A plan that is queued twice might be paid for twice, so the
/// next attempt continues from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestDone {
    /// The chunks of its plan are queued, but not everything is reported.
    Queued {
        plan: PlanId,
        /// The tokens that the limits left before the plan; `None` without a limit. With the same
        /// number left, the same leads give the same plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tokens_left: Option<u64>,
    },
    /// Everything is reported except Apify's final figures.
    Reported { run: RunHeader, harvested: Box<Harvested> },
}
