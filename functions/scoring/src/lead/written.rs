//! Finds the field or choice of a lead's row that Airtable's refusal is about.

use serde_json::{Map, Value};
use shared::schema::{Field, FieldType, leads as schema};
use shared::services::airtable::AirtableError;

/// The written field that a refusal names.
pub(crate) fn refused_field(
    error: &AirtableError,
    is_written: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    error.field_of(fields().map(|field| field.name).filter(|name| is_written(name)))
}

/// The select field and its missing choice, according to a refusal.
pub(crate) fn missing_choice(
    error: &AirtableError,
    cells: &Map<String, Value>,
) -> Option<(&'static str, String)> {
    if error.error_type() != Some("INVALID_MULTIPLE_CHOICE_OPTIONS") {
        return None;
    }
    fields().filter(|field| matches!(field.field_type, FieldType::SingleSelect(_))).find_map(
        |field| {
            let choice = cells.get(field.name)?.as_str().filter(|choice| error.names(choice))?;
            Some((field.name, choice.to_owned()))
        },
    )
}

fn fields() -> impl Iterator<Item = &'static Field> {
    schema::POST_FIELDS.iter().chain(&schema::PROFILE_FIELDS)
}
