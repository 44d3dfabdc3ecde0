//! What Apify really answers, case by case: the files in `tests/cases/apify-airtable`.
//! Each file holds one subject; [`stage`] plays a case.
//! What Airtable and Gemini really answer must not enter here.

mod harvests;
mod items;
mod stage;
mod stored_posts;
mod targets;
