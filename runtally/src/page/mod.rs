//! The page that `runtally serve` shows at `/`: what runs, and that every number is right. It reads
//! the log, the queues and, only on request, Airtable. It changes only what an operator's command
//! can change, and on simulators what their control endpoints can change. A second way to count
//! does not belong here: every number comes from the fold or the record.

mod actions;
mod answer;
mod book;
mod content;
mod figures;
mod flash;
mod guard;
mod lanes;
mod last_read;
mod layout;
mod live;
mod open_book;
mod query;
mod row;
mod run;
mod runs;
mod search;
mod site;
mod source;
mod spend;
mod system;
mod unread;
mod waits;
mod wanted;

pub(crate) use last_read::LastRead;
pub(crate) use site::Page;
pub(crate) use source::{ServiceState, Simulators, Source};
