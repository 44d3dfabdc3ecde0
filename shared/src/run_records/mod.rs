//! Brings run records into being, keeps them up to date and puts them right. The metrics finalizer
//! is the only caller.

mod compare;
mod explain;
mod fields;
mod lines;
mod look;
#[cfg(test)]
mod snapshots;
mod table;
mod text;
mod writer;

pub use compare::{CellDigests, differences};
pub use explain::Reason;
pub use fields::cells;
pub use look::{Lookalike, ObservedRecord, ObservedRow, RecordRef, RetryRequest};
pub use table::unwritable;
pub use writer::{MAX_RUNS, RunRecords, Written};
