//! How commands answer: tables that fit the terminal, colours if the terminal has them, JSON of one
//! shape, and errors with hints. The work of the commands does not belong here.

mod failure;
mod json;
mod listing;
mod paint;
mod terminal;

pub use failure::{fail, refuse_usage, warn};
pub(super) use failure::{of_airtable, of_setting};
pub(super) use json::{print_json, versioned};
pub(super) use listing::{Cell, Listing};
pub(super) use paint::{Paint, Tone, status_tone};
pub(super) use terminal::{Screen, agrees, fitted, whole};
