//! One module per subcommand of `runtally`: its options, what it does, and what it prints. All
//! output for people and scripts is made here. How a queue, a log or a function works does not
//! belong here.

mod clients;
pub mod demo;
pub mod doctor;
pub mod explain;
mod gaps;
pub mod health;
pub mod ingest;
mod operator;
pub mod output;
mod records;
pub mod redrive;
pub mod replay;
pub mod reproject;
pub mod runs;
pub mod score;
pub mod serve;
pub mod setup;
mod shown;
pub mod simulate;
mod stop_signals;
pub mod trigger;
pub mod ui;
mod waiting;

pub use operator::Place;
