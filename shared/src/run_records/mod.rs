//! Run records: their cells and texts, the upsert, and what people changed on them. Only the
//! metrics finalizer writes them; `runtally` reads them. The numbers come from the fold: nothing is
//! counted here.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

mod answers;
mod compare;
mod day_line;
mod error_details;
mod field_note;
mod fields;
mod headline;
mod lines;
mod look;
mod normal;
mod notes;
mod progress;
mod reason;
mod shape;
#[cfg(test)]
mod snapshots;
mod spend;
#[cfg(test)]
mod states;
mod table;
mod todo;
mod trial;
#[cfg(test)]
mod word_rules;
mod words;
mod writer;

pub use answers::{Answer, answers_of};
pub use compare::{CellDigests, differences};
pub use day_line::{tokens_of_all_days, tokens_of_day};
pub use field_note::{Effect, FieldNote};
pub use lines::in_utc;
pub use look::{Lookalike, ObservedRecord, ObservedRow, RecordRef, RetryRequest};
pub use reason::Reason;
pub use shape::Shape;
pub use words::missing_in_words;
pub use writer::{MAX_RUNS, RunRecords, Written};
