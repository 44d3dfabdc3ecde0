//! What happened in other people's Airtable bases; the files are in `tests/cases/apify-airtable`.
//! Each file holds one subject; [`stage`] plays a case. Real answers of Apify and Gemini do not
//! belong here.

mod apify_table;
mod cells;
mod clients;
mod fields;
mod refused;
mod renamed;
mod stage;
mod unnamed;
