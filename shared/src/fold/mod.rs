//! The fold: from a run's events to the numbers on its record. Pure: no I/O, no clock.
//!
//! [`RunState`] is a join: absorbing events in any order, any number of times, gives the same
//! state. [`Summary`] is what the state says.

mod balance;
mod cost;
mod counts;
mod finished;
mod replay;
mod state;
mod summarise;
mod summary;
#[cfg(test)]
mod tests;

pub use cost::LeadCost;
pub use state::RunState;
pub use summary::{KindSummary, LeadCounts, Milestone, Status, Summary};
