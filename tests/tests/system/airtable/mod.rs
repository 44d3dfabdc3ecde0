//! What happened at other people's Airtable; the files are in `tests/cases/apify-airtable`.
//! Each file holds one subject; [`stage`] plays a case.
//! What Apify and Gemini really answer must not enter here.

mod cells;
mod fields;
mod refused;
mod renamed;
mod stage;
mod unnamed;
