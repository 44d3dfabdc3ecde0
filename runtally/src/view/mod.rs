//! How commands and the page describe events, messages and records to an operator, so that both
//! give the same answer. Printing and drawing do not belong here.

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
