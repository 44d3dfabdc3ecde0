//! Brings run records into being and up to date. The metrics finalizer is the only caller.

mod fields;
mod text;
mod writer;

pub use fields::cells;
pub use writer::{MAX_RUNS, RunRecords, Written, unwritable};
