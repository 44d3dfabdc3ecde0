//! Airtable's Web API and Meta API with its limits, types and errors. Tests set up and read its
//! data in process. The rules come from Airtable's documentation. What Runtally needs from Airtable
//! does not belong here.

mod body;
mod cells;
#[cfg(test)]
mod cells_tests;
mod control;
mod define;
mod display;
mod edits;
mod error;
mod field_spec;
mod formula;
mod ids;
mod iterators;
mod list;
mod meta;
mod model;
mod oddities;
mod options;
mod query;
mod render;
mod route;
mod schema;
mod schema_edits;
mod service;
mod simulator;
mod state;
mod times;
mod write;

pub use edits::{EditError, Row};
pub use options::{AirtableOptions, Scope, Token};
pub use schema::{FieldSpec, TableSpec, ViewSpec};
pub use simulator::Airtable;
pub use state::LoadError;
