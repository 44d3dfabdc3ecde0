//! Which fields of a client's base can be read and written.

use shared::core::ids::BaseId;
use shared::messages::Kind;
use shared::ports::Transport;
use shared::schema::{Field, leads as schema, post_attributes, profile_attributes};
use shared::services::airtable::{Airtable, AirtableError, TableSchema};

/// The fields for scoring that a base has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeadFields {
    /// The id of the table; `None` if the token may not read the schema.
    pub(crate) table: Option<String>,
    pub(crate) writable: Vec<String>,
    /// Whether the rubric's rows have a checkbox `Active`; `None` if the token may not read the
    /// schema.
    pub(crate) criteria_have_active: Option<bool>,
    pub(crate) profile: Vec<String>,
    /// Whether leads can be marked as acted on; `None` if the token may not read the schema.
    pub(crate) has_actioned: Option<bool>,
    pub(crate) warnings: Vec<String>,
}

/// Reads which fields a base has for one kind of scoring, with one request per plan. If the token
/// may not read the schema, only the fields that every base must have are written.
///
/// # Errors
/// [`AirtableError::Refused`] if a required field is missing or has the wrong type: no tokens are
/// spent on results that cannot be stored.
pub(crate) async fn read_lead_fields(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    kind: Kind,
) -> Result<LeadFields, AirtableError> {
    let (fields, rubric, active) = match kind {
        Kind::Post => (&schema::POST_FIELDS[..], post_attributes::TABLE, post_attributes::ACTIVE),
        Kind::Profile => {
            (&schema::PROFILE_FIELDS[..], profile_attributes::TABLE, profile_attributes::ACTIVE)
        }
    };
    let tables = match airtable.tables(base).await {
        Ok(tables) => tables,
        Err(error @ AirtableError::Denied { .. }) if error.is_unknown_token() => return Err(error),
        Err(AirtableError::Denied { .. }) => return Ok(without_schema(base, fields)),
        Err(error) => return Err(error),
    };
    let criteria = tables.iter().find(|table| table.name == rubric);
    let has_active = |table: &TableSchema| table.fields.iter().any(|field| field.name == active);
    let criteria_have_active = criteria.map(has_active);
    let table = tables.into_iter().find(|table| table.name == schema::TABLE);
    let renamed = |field: &Field| airtable.renamed(base, table.as_ref()?, field.name);
    let known = table.as_ref().map(|table| table.fields.as_slice()).unwrap_or_default();
    let has = |name: &str| known.iter().any(|field| field.name == name);
    let profile = [schema::RAW_PROFILE, schema::PROFILE_JSON].into_iter().filter(|f| has(f));
    let id = table.as_ref().map(|table| table.id.clone());
    let mut lead_fields = LeadFields {
        table: id.filter(|id| id.starts_with("tbl")),
        writable: Vec::new(),
        criteria_have_active,
        profile: profile.map(str::to_owned).collect(),
        has_actioned: Some(has(schema::POSTS_ACTIONED)),
        warnings: Vec::new(),
    };
    for field in fields {
        let found = known.iter().find(|known| known.name == field.name);
        let found = found.map(|found| found.field_type.as_str());
        if found.is_some_and(|found| field.field_type.accepts(found)) {
            lead_fields.writable.push(field.name.to_owned());
        } else if let Some(name) = renamed(field).filter(|_| found.is_none()) {
            let says = format!("it is called {name:?} now; name it {:?} again", field.name);
            if !field.optional {
                return Err(unusable(base, format!("field {:?} is missing: {says}", field.name)));
            }
            lead_fields.warnings.push(format!(
                "field {:?} of {:?} in base {base} is not written: {says}",
                field.name,
                schema::TABLE
            ));
        } else if !field.optional {
            return Err(unusable(base, missing_or_of(field, found)));
        } else if let Some(found) = found {
            lead_fields.warnings.push(format!(
                "field {:?} of {:?} in base {base} is not written: it is a {found} field; make it {}",
                field.name,
                schema::TABLE,
                field.field_type.in_words()
            ));
        }
    }
    Ok(lead_fields)
}

fn without_schema(base: &BaseId, fields: &[Field]) -> LeadFields {
    let required = fields.iter().filter(|field| !field.optional);
    LeadFields {
        table: None,
        criteria_have_active: None,
        has_actioned: None,
        profile: vec![schema::RAW_PROFILE.to_owned()],
        writable: required.map(|field| field.name.to_owned()).collect(),
        warnings: vec![format!(
            "the schema of base {base} may not be read (scope schema.bases:read): \
             optional fields of {:?} are not written",
            schema::TABLE
        )],
    }
}

/// What is wrong with a required field that is missing or has the type `found`.
fn missing_or_of(field: &Field, found: Option<&str>) -> String {
    let is = found.map_or("missing".to_owned(), |found| format!("a {found} field"));
    format!("field {:?} is {is}; make it {}", field.name, field.field_type.in_words())
}

/// The error that prevents spending on results that cannot be stored.
fn unusable(base: &BaseId, message: String) -> AirtableError {
    let what = format!("writing {} of {base}", schema::TABLE);
    AirtableError::Refused { what, error_type: "schema".to_owned(), message }
}
