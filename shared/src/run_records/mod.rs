//! Brings run records into being, keeps them up to date and puts them right. The metrics finalizer
//! is the only caller.

mod answers;
mod compare;
mod fields;
mod lines;
mod look;
mod notes;
#[cfg(test)]
mod snapshots;
mod table;
mod words;
mod writer;

pub use answers::Reason;
pub use compare::{CellDigests, differences};
pub use fields::cells;
pub use look::{Lookalike, ObservedRecord, ObservedRow, RecordRef, RetryRequest};
pub use table::unwritable;
pub use writer::{MAX_RUNS, RunRecords, Written};
