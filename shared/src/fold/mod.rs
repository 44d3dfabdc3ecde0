//! The fold: from a run's events to the numbers on its record. [`RunState`] is a join: the same
//! events give the same state, in any order and with any repetitions. [`Summary`] holds the numbers
//! computed from the state. This module does no I/O and reads no clock.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

mod account;
mod balance;
mod cost;
mod counts;
mod finished;
mod left_out;
mod outages;
mod replay;
mod state;
#[cfg(test)]
pub(crate) mod story;
mod summarise;
mod summary;
#[cfg(test)]
mod tests;
mod views;

pub use cost::LeadCost;
pub use state::RunState;
pub use summary::{
    Account, KindSummary, LeadCounts, Milestone, Outage, PlanSize, Status, Summary, Wait,
};
pub use views::{LeadEnd, LeadView, ModelUse};
