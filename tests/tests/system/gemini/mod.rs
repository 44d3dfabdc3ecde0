//! Real answers of Gemini, from public bug reports: the files in `tests/cases/gemini`. Each file
//! holds one subject; [`stage`] plays a case over [`crate::fake_gemini`]. Real answers of Apify and
//! Airtable do not belong here.

mod answers;
mod forms;
mod played;
mod refusals;
mod stage;
mod usage;
