//! What an operator is told of events, messages and records, by a command or on the page: one
//! answer to one question.
//! How it is printed or drawn may not enter.

mod comparison;
mod events;
mod fact_text;
mod letters;
mod task_text;

pub(crate) use comparison::{Comparison, compare};
pub(crate) use events::{event_of, events_of};
pub(crate) use fact_text::text_of;
pub(crate) use letters::Letter;
pub(crate) use task_text::{message_in_words, task_in_words};
