//! Judges a schedule by what the services saw and did. It shares no code with the functions: it
//! reads messages and cells as plain JSON. Types of messages and rules of the functions do not
//! belong here; names of tables and fields do.

mod account;
mod asked;
mod facts;
mod invocation;
mod json;
mod judged;
mod lanes;
mod lead_book;
mod log_book;
mod messages;
mod model;
mod oddities;
#[expect(clippy::module_inception, reason = "the type that the room is named for")]
mod oracle;
mod promise;
mod rates;
mod records;
mod rows;
mod run_book;
mod said;
mod settled;
mod tasks;
mod verdict;

pub(crate) use oddities::Oddities;
pub(crate) use oracle::Oracle;
pub use promise::{Invariant, Violation};

/// What the oracle promises about itself, by name. These are not unit tests, because those would
/// compile the whole simulation again.
pub const CHECKS: &[(&str, fn())] = &[
    ("a_row_is_known_as_it_was_at_each_moment", lead_book::checks::a_row_is_known_as_it_was_at_each_moment),
    ("a_plan_that_is_told_of_once_more_is_no_younger_than_what_took_its_leads_over", log_book::checks::a_plan_that_is_told_of_once_more_is_no_younger_than_what_took_its_leads_over),
    ("an_answer_that_was_cut_off_or_does_not_say_how_it_ended_says_what_is_whole", said::checks::an_answer_that_was_cut_off_or_does_not_say_how_it_ended_says_what_is_whole),
    ("answers_of_as_many_tokens_are_told_apart_by_what_they_cost", invocation::checks::answers_of_as_many_tokens_are_told_apart_by_what_they_cost),
];
