//! Judges a schedule by what the services saw and did. It shares no code with what it judges:
//! messages and cells are read as plain JSON. No type of a message and no rule of the functions may
//! enter; names of tables and fields may.

mod account;
mod facts;
mod invocation;
mod json;
mod judged;
mod lanes;
mod lead_book;
mod log_book;
mod messages;
mod model;
#[expect(clippy::module_inception, reason = "the type that the room is named for")]
mod oracle;
mod promise;
mod rates;
mod records;
mod rows;
mod run_book;
mod settled;
mod verdict;

pub(crate) use oracle::Oracle;
pub use promise::{Invariant, Violation};
