//! Airtable's Web API and Meta API with its limits, its types and its errors.

mod cells;
#[cfg(test)]
mod cells_tests;
mod display;
mod error;
mod field_spec;
mod formula;
mod ids;
mod model;
mod schema;
mod times;

pub use schema::{Choice, Constant, FieldKind, FieldSpec, Format, TableSpec, ViewSpec};
