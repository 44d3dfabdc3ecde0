//! The whole system on one machine, and the `runtally` command: the three functions over the same
//! three ports, on one SQLite file.

pub mod cli;
pub mod invented;
mod page;
pub mod result;
pub mod storage;
pub mod system;
mod view;
