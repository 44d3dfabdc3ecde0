//! Real answers of Apify, case by case: the files in `tests/cases/apify-airtable`. Each file holds
//! one subject; [`stage`] plays a case. Real answers of Airtable and Gemini do not belong here.

mod harvests;
mod items;
mod stage;
mod stored_posts;
mod targets;
