//! Which fields of a client's base can be read and written.

use shared::core::ids::BaseId;
use shared::messages::Kind;
use shared::ports::Transport;
use shared::schema::{
    Field, leads as schema, post_attributes, post_instructions, profile_attributes,
};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, FieldSchema, TableSchema};

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
    /// Selects the leads that are not marked as acted on; `None` if the base has no such field, or the
    /// token may not read the schema.
    pub(crate) not_actioned: Option<Formula>,
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
    let fields = match kind {
        Kind::Post => &schema::POST_FIELDS[..],
        Kind::Profile => &schema::PROFILE_FIELDS[..],
    };
    let tables = match airtable.tables(base).await {
        Ok(tables) => tables,
        Err(error @ AirtableError::Denied { .. }) if error.is_unknown_token() => return Err(error),
        Err(AirtableError::Denied { .. }) => return Ok(without_schema(base, fields)),
        Err(error) => return Err(error),
    };
    let warnings = unread_fields(airtable, base, &tables, kind);
    let criteria_have_active = criteria_have_active(&tables, kind);
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
        not_actioned: None,
        warnings,
    };
    if kind == Kind::Post {
        let was = schema::POSTS_ACTIONED;
        let name = table.as_ref().and_then(|table| airtable.renamed(base, table, was));
        lead_fields.find_actioned(base, known, name);
    }
    for field in fields {
        let found = known.iter().find(|known| known.name == field.name);
        let found = found.map(|found| found.field_type.as_str());
        if found.is_some_and(|found| field.field_type.accepts(found)) {
            lead_fields.writable.push(field.name.to_owned());
        } else if let Some(name) = renamed(field).filter(|_| found.is_none()) {
            let says = format!("it is called {name:?} now; rename it back to {:?}", field.name);
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

impl LeadFields {
    /// Finds the formula for leads that are not marked as acted on, in a table with these fields. If
    /// somebody renamed the field, `name` is its present name.
    fn find_actioned(&mut self, base: &BaseId, known: &[FieldSchema], name: Option<String>) {
        let (was, table) = (schema::POSTS_ACTIONED, schema::TABLE);
        let by = |name: &str| known.iter().find(|known| known.name == name);
        let Some(found) = by(was).or_else(|| by(name.as_deref()?)) else { return };
        let (name, kind) = (&found.name, found.field_type.as_str());
        if name != was {
            let says = format!("is called {name:?} now; rename it back to {was:?}");
            self.warnings.push(format!("field {was:?} of {table:?} in base {base} {says}"));
        }
        self.not_actioned = Some(match kind {
            "checkbox" => Formula::unchecked(name),
            _ => Formula::says_no(name),
        });
        if !schema::OPERATOR_FIELDS[0].accepts(kind) {
            let says = "any text in it other than \"no\" counts as acted on; make it a checkbox \
                        field";
            self.warnings.push(format!(
                "field {was:?} of {table:?} in base {base} is a {kind} field: {says}"
            ));
        }
    }
}

/// Whether the rubric's rows can be switched off; `None` for a base without their table.
fn criteria_have_active(tables: &[TableSchema], kind: Kind) -> Option<bool> {
    let (table, active) = match kind {
        Kind::Post => (post_attributes::TABLE, post_attributes::ACTIVE),
        Kind::Profile => (profile_attributes::TABLE, profile_attributes::ACTIVE),
    };
    let criteria = tables.iter().find(|known| known.name == table)?;
    Some(criteria.fields.iter().any(|field| field.name == active))
}

/// A warning for each field that the rubric's tables lack: a required field is missing, or somebody
/// renamed a field.
fn unread_fields(
    airtable: &Airtable<impl Transport>,
    base: &BaseId,
    tables: &[TableSchema],
    kind: Kind,
) -> Vec<String> {
    let of_posts: [(&str, &[Field]); 2] = [
        (post_instructions::TABLE, &post_instructions::FIELDS),
        (post_attributes::TABLE, &post_attributes::FIELDS),
    ];
    let of_profiles: [(&str, &[Field]); 1] =
        [(profile_attributes::TABLE, &profile_attributes::FIELDS)];
    let wanted = match kind {
        Kind::Post => &of_posts[..],
        Kind::Profile => &of_profiles[..],
    };
    let mut warnings = Vec::new();
    for (table, fields) in wanted {
        let Some(found) = tables.iter().find(|known| known.name == *table) else { continue };
        let is_there = |field: &&Field| found.fields.iter().any(|known| known.name == field.name);
        for Field { name, field_type, optional, .. } in fields.iter().filter(|f| !is_there(f)) {
            let says = match airtable.renamed(base, found, name) {
                Some(now) => format!("it is called {now:?} now; rename it back to {name:?}"),
                None if *optional => continue,
                None => format!("it is missing; add it as {}", field_type.in_words()),
            };
            warnings.push(format!(
                "the prompt is made without the field {name:?} of {table:?}: {says}"
            ));
        }
    }
    warnings
}

fn without_schema(base: &BaseId, fields: &[Field]) -> LeadFields {
    let required = fields.iter().filter(|field| !field.optional);
    LeadFields {
        table: None,
        criteria_have_active: None,
        not_actioned: None,
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
