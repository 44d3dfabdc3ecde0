//! What Gemini really answers, told by public bug reports: the files in `tests/cases/gemini`.
//! Each file holds one subject; [`stage`] plays a case over [`crate::fake_gemini`].
//! What Apify and Airtable really answer must not enter here.

mod answers;
mod forms;
mod played;
mod refusals;
mod stage;
mod usage;
